"""A file of sign-ins, the servers that use it, and a clock that the test sets."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from tests.units.set_clock import SetClock
from trax_mcp.sign_in.sign_ins import Scope, SignIns, TokenPair

if TYPE_CHECKING:
    from pathlib import Path

OURS: Final = "https://trax.example.com"
SECRETS: Final = ("a-secret-of-at-least-32-characters", "another-secret-of-32-characters-too")
KEYS: Final = ("sk_live_anna_canary_0123456789", "sk_live_ben_canary_0123456789")
CLIENTS: Final = ("client one", "client two")

Row = tuple[Any, ...]


class Files:
    """A folder with a file of sign-ins."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.path = folder, folder / "sign-in.sqlite"
        self.clock = SetClock()

    def advance(self, seconds: float) -> None:
        """Set the clock on, or back."""
        self.clock.at += timedelta(seconds=seconds)

    def opened(self, *, secret: str = SECRETS[0], audience: str = OURS) -> SignIns:
        return SignIns(self.path, secret, self.clock, audience=audience)

    @property
    def content(self) -> bytes:
        """All bytes of the file, and of its journal."""
        return b"".join(it.read_bytes() for it in self.folder.iterdir())

    @property
    def columns(self) -> list[str]:
        with closing(sqlite3.connect(self.path)) as db:
            return [row[1] for row in db.execute("PRAGMA table_info(sign_ins)")]

    @property
    def rows(self) -> list[Row]:
        with closing(sqlite3.connect(self.path)) as db:
            return db.execute("SELECT * FROM sign_ins ORDER BY rowid").fetchall()

    def write(self, rows: list[Row]) -> None:
        """Put these rows in place of all others, as far as the keys of the table allow."""
        with closing(sqlite3.connect(self.path)) as db, db:
            db.execute("DELETE FROM sign_ins")
            for row in rows:
                marks = ", ".join("?" * len(row))
                db.execute(f"INSERT OR IGNORE INTO sign_ins VALUES ({marks})", row)  # noqa: S608  question marks


def begin(
    server: SignIns,
    key: str = KEYS[0],
    *,
    access: Scope = Scope.RUN,
    client: str = CLIENTS[0],
) -> TokenPair:
    return server.begin(key, access, client_id=client, client_name="It", redirect_host="here")


def refreshed(server: SignIns, tokens: TokenPair, client: str = CLIENTS[0]) -> TokenPair | None:
    return server.refresh(tokens.refresh_token, client_id=client)


def opens(server: SignIns, tokens: TokenPair) -> bool:
    return server.find(tokens.access_token) is not None
