"""A TRaX with ten accounts, and a mark in every string that one of them owns.

A mark names the owner: `owner3x12q` is the twelfth string of the fourth account. A mark in an
answer to another account is a leak.
"""

from __future__ import annotations

import base64
import binascii
import re
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Final
from unittest.mock import patch

from tests.support.product.faults import Fault
from tests.support.product.manual_clock import ManualClock
from tests.support.product.sandbox import Sandbox
from trax_mcp.sandbox import seed
from trax_mcp.sandbox.keys import SCOPES
from trax_mcp.sandbox.records import Asset, Connection, Destination, Key, Source, Studio
from trax_mcp.sandbox.studio_chat import Chat, Script, ScriptLine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trax_mcp.sandbox.messages import Request, RequestHandler, Response

ACCOUNT_COUNT: Final = 10
SHARED_STUDIO: Final = "studio_stage"
"""A studio that all accounts share. Only their roles in it are marked."""

_MARK = re.compile(r"owner(\d)x\d+q")
_WORD = re.compile(r"[\w-]{16,}")


@dataclass(frozen=True)
class Account:
    """One of the ten accounts: its key and everything that it owns."""

    number: int
    _numbers: Iterator[int] = field(default_factory=count, repr=False, compare=False)

    def new(self, kind: str = "") -> str:
        """Return a new string of this account: `studio_owner3x12q`."""
        return f"{kind}{'_' if kind else ''}owner{self.number}x{next(self._numbers)}q"

    @property
    def key(self) -> str:
        """Its API key."""
        return f"sk_live_owner{self.number}x0q"

    @property
    def user_id(self) -> str:
        """Its user id."""
        return f"user_owner{self.number}x0q"

    def studios(self, sandbox: Sandbox) -> list[str]:
        """Its own studios."""
        return [it.id for it in sandbox.world.studios.of(self.user_id) if it.id != SHARED_STUDIO]

    def add_to(self, sandbox: Sandbox) -> None:
        """Add this account with two full studios, a linked platform account and a file."""
        world, now = sandbox.world, sandbox.clock.now()
        world.keys[self.key] = Key(self.key, self.new("key"), self.user_id, SCOPES)
        world.connections.add(
            Connection(self.new("conn"), self.user_id, self.new("tube"), self.new(), "active", now)
        )
        world.library.assets.add(
            Asset(self.new("asset"), self.user_id, self.new(), "video", 1, "video/mp4", now)
        )
        for _ in range(2):
            self._add_studio(sandbox, self.new("studio"))

    def _add_studio(self, sandbox: Sandbox, studio: str) -> None:
        world, now = sandbox.world, sandbox.clock.now()
        roles = {self.user_id: self.new("role")}
        world.studios.add(
            Studio(studio, f"Show {self.new()}", self.user_id, roles, now, description=self.new())
        )
        for _ in range(2):
            world.destinations.add(
                Destination(self.new("dest"), studio, self.new(), self.new("tube"))
            )
            world.sources.add(
                Source(
                    self.new("source"), studio, self.new(), "webcam", active=True, created_at=now
                )
            )
        lines = [ScriptLine(1, self.new("tube"), self.new(), self.new("viewer"), self.new())]
        world.chats[studio] = Chat(Script(lines, period=40), self.new)
        self.add_viewer_message(sandbox, studio)

    def add_viewer_message(self, sandbox: Sandbox, studio: str) -> str:
        """Add a viewer's chat message in one of its studios, and return the text."""
        return sandbox.world.say(studio, self.new("said"), author=self.new("viewer")).text


@dataclass(frozen=True)
class SharedTrax:
    """The ten accounts, their sandbox, and each request that has reached it."""

    sandbox: Sandbox
    accounts: tuple[Account, ...]
    requests: list[Request] = field(default_factory=list)

    async def record_and_mark(self, request: Request, next_handler: RequestHandler) -> Response:
        """Record the request; mark every response by its request id and a cookie."""
        self.requests.append(request)
        owner = _MARK.search(request.secret or "")
        assert owner, "every request needs a key"
        mark = f"owner{owner[1]}x0q"
        response = await next_handler(replace(request, request_id=f"req_{mark}"))
        headers = {"X-Request-Id": f"req_{mark}", "Set-Cookie": f"seen={mark}; Path=/"}
        return replace(response, headers={**response.headers, **headers})


@contextmanager
def shared_trax() -> Iterator[SharedTrax]:
    """A sandbox with only the ten accounts, on a frozen clock."""
    sandbox = Sandbox(ManualClock.frozen(), empty=True, rate_limit=None)
    accounts = tuple(Account(number) for number in range(ACCOUNT_COUNT))
    for it in accounts:
        it.add_to(sandbox)
    roles = {it.user_id: it.new("role") for it in accounts}
    now = sandbox.clock.now()
    sandbox.world.studios.add(Studio(SHARED_STUDIO, "The common stage", "user_nobody", roles, now))
    sandbox.world.destinations.add(
        Destination("dest_stage", SHARED_STUDIO, "Everywhere", "youtube")
    )
    shared = SharedTrax(sandbox, accounts)
    sandbox.faults.add(Fault("marked", shared.record_and_mark), times=None)
    with patch.dict(seed.DISPLAY_NAMES, {it.user_id: it.new() for it in accounts}):
        yield shared


def marks(text: str) -> set[tuple[int, str]]:
    """All marks in a text with their owners, also those inside a base64 cursor."""
    return {(int(it[1]), it[0]) for it in _MARK.finditer(text)}.union(
        *(_marks_in_base64(word) for word in set(_WORD.findall(text)))
    )


@cache
def _marks_in_base64(word: str) -> set[tuple[int, str]]:
    """The marks in a word, if it is base64."""
    try:
        text = base64.urlsafe_b64decode(word + "=" * (-len(word) % 4)).decode("latin-1")
    except (binascii.Error, ValueError):
        return set()
    return {(int(it[1]), it[0]) for it in _MARK.finditer(text)}
