"""The rows of sign-ins and their tokens: reads and single statements, without any secret."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from trax_mcp.sign_in.grants import Access, SignIn, SignInUnavailable
from trax_mcp.sign_in.sign_in_file import SignInFile, to_moment, to_seconds

Table = Literal["access_tokens", "refresh_tokens"]

_MOST_SIGN_INS: Final = 10_000
_MOST_OF_PERSON: Final = 200
"""A person is a TRaX key, which a team may share."""
_MOST_TOKENS: Final = 32
"""Of each kind in one sign-in: as many workers of one client can refresh at the same time."""
_FULL: Final = "This server cannot take further sign-ins. Nothing was changed. Try again later."
_COLUMNS: Final = (
    "sign_ins.id AS id, person, client_id, client_name, redirect_host, access, created, last_used"
)
_ALIVE: Final = (
    "EXISTS (SELECT 1 FROM (SELECT sign_in_id, ends FROM access_tokens UNION ALL"
    " SELECT sign_in_id, ends FROM refresh_tokens WHERE used IS NULL)"
    " WHERE sign_in_id = sign_ins.id AND ends > ?)"
)


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token as it is kept. `used`: an access token's last use, a refresh token's first."""

    hash: bytes
    sealed: bytes
    issued: datetime
    used: datetime | None


def list_sign_ins(
    file: SignInFile, *, now: datetime, person: str | None = None
) -> Sequence[SignIn]:
    """The sign-ins of a person or of all, the last used first.

    Raises:
        SignInUnavailable: the file cannot be read.
    """
    query = (
        f"SELECT {_COLUMNS} FROM sign_ins WHERE {_ALIVE} AND person = coalesce(?, person)"  # noqa: S608  constants
        " ORDER BY last_used DESC, id"
    )
    rows = file.read(query, to_seconds(now), person)
    return [_sign_in(row) for row in rows]


def end_sign_in(file: SignInFile, sign_in_id: str) -> bool:
    """Revoke a sign-in with all its tokens. False if there is none.

    Raises:
        SignInUnavailable: the file cannot be written. Nothing has changed.
    """
    with file.change() as connection:
        has_ended = delete_sign_in(connection, sign_in_id)
    file.wipe_journal()
    return has_ended


def find_access_token(file: SignInFile, token_hash: bytes) -> tuple[SignIn, TokenRow] | None:
    """An access token with its sign-in.

    Raises:
        SignInUnavailable: the file cannot be read.
    """
    query = (
        f"SELECT hash, sealed, issued, used, {_COLUMNS} FROM access_tokens"  # noqa: S608  a constant
        " JOIN sign_ins ON sign_ins.id = sign_in_id WHERE hash = ?"
    )
    rows = file.read(query, token_hash)
    return next(((_sign_in(row), _token(row)) for row in rows), None)


def find_refresh_token(connection: sqlite3.Connection, token_hash: bytes) -> TokenRow | None:
    """A refresh token that was not used, or was used lately."""
    query = "SELECT hash, sealed, issued, used FROM refresh_tokens WHERE hash = ?"
    row = connection.execute(query, (token_hash,)).fetchone()
    return None if row is None else _token(row)


def would_be_dropped(connection: sqlite3.Connection, token_hash: bytes) -> bool:
    """Whether the next refresh token of its sign-in would drop this one from the table."""
    query = (
        "SELECT count(*) FROM refresh_tokens AS later"
        " JOIN refresh_tokens AS this ON this.sign_in_id = later.sign_in_id"
        " WHERE this.hash = ? AND (coalesce(later.used, later.issued), later.rowid)"
        " > (coalesce(this.used, this.issued), this.rowid)"
    )
    (count,) = connection.execute(query, (token_hash,)).fetchone()
    return bool(count >= _MOST_TOKENS - 1)


def find_family(connection: sqlite3.Connection, family_hash: bytes) -> SignIn | None:
    """The sign-in whose tokens are of a family."""
    query = f"SELECT {_COLUMNS} FROM sign_ins WHERE family = ?"  # noqa: S608  a constant
    row = connection.execute(query, (family_hash,)).fetchone()
    return None if row is None else _sign_in(row)


def add_sign_in(connection: sqlite3.Connection, sign_in: SignIn, family_hash: bytes) -> None:
    """Add a sign-in. A person with too many loses the one that was not used for longest.

    Raises:
        SignInUnavailable: all persons together have too many.
    """
    connection.execute(
        "DELETE FROM sign_ins WHERE person = ? AND id NOT IN (SELECT id FROM sign_ins"
        " WHERE person = ? ORDER BY last_used DESC, rowid DESC LIMIT ?)",
        (sign_in.person, sign_in.person, _MOST_OF_PERSON - 1),
    )
    (count,) = connection.execute("SELECT count(*) FROM sign_ins").fetchone()
    if count >= _MOST_SIGN_INS:
        raise SignInUnavailable(_FULL)
    row = (
        sign_in.id,
        family_hash,
        sign_in.person,
        sign_in.client_id,
        sign_in.client_name,
        sign_in.redirect_host,
        str(sign_in.access),
        to_seconds(sign_in.created),
        to_seconds(sign_in.last_used),
    )
    connection.execute("INSERT INTO sign_ins VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)


def add_token(
    connection: sqlite3.Connection, table: Table, sign_in_id: str, row: TokenRow, *, ends: datetime
) -> None:
    """Add a token. Too many of one sign-in drop the one that was not used for longest."""
    connection.execute(
        f"INSERT INTO {table} VALUES (?, ?, ?, ?, ?, ?)",  # noqa: S608  a constant
        (
            row.hash,
            sign_in_id,
            row.sealed,
            to_seconds(row.issued),
            None if row.used is None else to_seconds(row.used),
            to_seconds(ends),
        ),
    )
    connection.execute(
        f"DELETE FROM {table} WHERE sign_in_id = ? AND hash NOT IN (SELECT hash FROM {table}"  # noqa: S608  constants
        " WHERE sign_in_id = ? ORDER BY coalesce(used, issued) DESC, rowid DESC LIMIT ?)",
        (sign_in_id, sign_in_id, _MOST_TOKENS),
    )


def note_access(
    connection: sqlite3.Connection, token_hash: bytes, now: datetime, *, ends: datetime
) -> None:
    """Note the last use of an access token."""
    values = (to_seconds(now), to_seconds(ends), token_hash)
    connection.execute("UPDATE access_tokens SET used = ?, ends = ? WHERE hash = ?", values)


def note_refresh(connection: sqlite3.Connection, token_hash: bytes, now: datetime) -> None:
    """Note the first use of a refresh token."""
    values = (to_seconds(now), token_hash)
    connection.execute("UPDATE refresh_tokens SET used = coalesce(used, ?) WHERE hash = ?", values)


def note_sign_in(connection: sqlite3.Connection, sign_in_id: str, now: datetime) -> None:
    """Note the last use of a sign-in."""
    values = (to_seconds(now), sign_in_id)
    connection.execute("UPDATE sign_ins SET last_used = ? WHERE id = ?", values)


def delete_sign_in(connection: sqlite3.Connection, sign_in_id: str) -> bool:
    """Delete a sign-in with all its tokens. False if there is none."""
    return connection.execute("DELETE FROM sign_ins WHERE id = ?", (sign_in_id,)).rowcount > 0


def delete_ended(connection: sqlite3.Connection, now: datetime) -> None:
    """Delete ended access tokens, and sign-ins of which no token lives.

    Ended refresh tokens stay with their sign-in: without its row, one would look like a stolen one.
    """
    ended = (to_seconds(now),)
    connection.execute("DELETE FROM access_tokens WHERE ends <= ?", ended)
    connection.execute(f"DELETE FROM sign_ins WHERE NOT {_ALIVE}", ended)  # noqa: S608  a constant


def _sign_in(row: sqlite3.Row) -> SignIn:
    return SignIn(
        id=row["id"],
        person=row["person"],
        client_id=row["client_id"],
        client_name=row["client_name"],
        redirect_host=row["redirect_host"],
        access=Access(row["access"]),
        created=to_moment(row["created"]),
        last_used=to_moment(row["last_used"]),
    )


def _token(row: sqlite3.Row) -> TokenRow:
    used = None if row["used"] is None else to_moment(row["used"])
    return TokenRow(row["hash"], row["sealed"], to_moment(row["issued"]), used)
