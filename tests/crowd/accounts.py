"""A TRaX with ten accounts in it, and a mark in every string that one of them owns.

A mark says whose a thing is: `owner3x12q` is the twelfth thing of the fourth account. Whoever finds
one in what another account was told has found a leak. It knows the sandbox and nothing of MCP.
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

from trax_mcp.sandbox import Clock, Fault, Sandbox, seed
from trax_mcp.sandbox.chat import Chat, Line, Script
from trax_mcp.sandbox.keys import SCOPES
from trax_mcp.sandbox.records import Asset, Connection, Destination, Key, Source, Studio

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trax_mcp.sandbox.messages import Answer, Answerer, Request

PEOPLE: Final = 10
COMMON: Final = "studio_stage"
"""A studio that all of them share. Only what each may do there is marked."""

_MARK = re.compile(r"owner(\d)x\d+q")
_WORD = re.compile(r"[\w-]{16,}")


@dataclass(frozen=True)
class Account:
    """One of the ten: its key, and whatever of it a caller can name."""

    number: int
    _codes: Iterator[int] = field(default_factory=count, repr=False, compare=False)

    def new(self, kind: str = "") -> str:
        """A new string of this account's: `studio_owner3x12q`."""
        return f"{kind}{'_' if kind else ''}owner{self.number}x{next(self._codes)}q"

    @property
    def key(self) -> str:
        """Its API key."""
        return f"sk_live_owner{self.number}x0q"

    @property
    def user(self) -> str:
        """What TRaX calls it."""
        return f"user_owner{self.number}x0q"

    def studios(self, trax: Sandbox) -> list[str]:
        """Its own studios."""
        return [it.id for it in trax.world.studios.of(self.user) if it.id != COMMON]

    def move_in(self, trax: Sandbox) -> None:
        """Come with two studios and all that belongs to one, a linked account and a file."""
        world, now = trax.world, trax.clock.now()
        world.keys[self.key] = Key(self.key, self.new("key"), self.user, SCOPES)
        world.connections.add(
            Connection(self.new("conn"), self.user, self.new("tube"), self.new(), "active", now)
        )
        world.library.assets.add(
            Asset(self.new("asset"), self.user, self.new(), "video", 1, "video/mp4", now)
        )
        for _ in range(2):
            self._furnish(trax, self.new("studio"))

    def _furnish(self, trax: Sandbox, studio: str) -> None:
        world, now = trax.world, trax.clock.now()
        roles = {self.user: self.new("role")}
        world.studios.add(
            Studio(studio, f"Show {self.new()}", self.user, roles, now, description=self.new())
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
        lines = [Line(1, self.new("tube"), self.new(), self.new("viewer"), self.new())]
        world.chats[studio] = Chat(Script(lines, period=40), self.new)
        self.hear(trax, studio)

    def hear(self, trax: Sandbox, studio: str) -> str:
        """Let a viewer say something in one of its studios, and return what."""
        return trax.world.say(studio, self.new("said"), author=self.new("viewer")).text


@dataclass(frozen=True)
class Town:
    """The ten, the TRaX that they are in, and each request that has reached it."""

    trax: Sandbox
    people: tuple[Account, ...]
    reached: list[Request] = field(default_factory=list)

    async def mark(self, asked: Request, onward: Answerer) -> Answer:
        """Write it down, and mark even the answers that say nothing: by their id and a cookie."""
        self.reached.append(asked)
        whose = _MARK.search(asked.secret or "")
        assert whose, "nobody here calls without a key"
        marked = f"owner{whose[1]}x0q"
        answer = await onward(replace(asked, request_id=f"req_{marked}"))
        told = {"X-Request-Id": f"req_{marked}", "Set-Cookie": f"seen={marked}; Path=/"}
        return replace(answer, headers={**answer.headers, **told})


@contextmanager
def town() -> Iterator[Town]:
    """A TRaX with the ten in it and nobody else, and time that stands still."""
    trax = Sandbox(Clock.frozen(), empty=True, rate_limit=None)
    people = tuple(Account(number) for number in range(PEOPLE))
    for it in people:
        it.move_in(trax)
    roles = {it.user: it.new("role") for it in people}
    now = trax.clock.now()
    trax.world.studios.add(Studio(COMMON, "The common stage", "user_nobody", roles, now))
    trax.world.destinations.add(Destination("dest_stage", COMMON, "Everywhere", "youtube"))
    found = Town(trax, people)
    trax.faults.add(Fault("marked", found.mark), times=None)
    with patch.dict(seed.NAMES, {it.user: it.new() for it in people}):
        yield found


def marks(text: str) -> set[tuple[int, str]]:
    """All marks in a text with their owners, also where it is a cursor that holds one."""
    return {(int(it[1]), it[0]) for it in _MARK.finditer(text)}.union(
        *(_hidden(word) for word in set(_WORD.findall(text)))
    )


@cache
def _hidden(word: str) -> set[tuple[int, str]]:
    """What a word of base64 says."""
    try:
        text = base64.urlsafe_b64decode(word + "=" * (-len(word) % 4)).decode("latin-1")
    except (binascii.Error, ValueError):
        return set()
    return {(int(it[1]), it[0]) for it in _MARK.finditer(text)}
