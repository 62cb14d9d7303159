"""A TRaX with several accounts, and a mark in every string that one of them owns.

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

from tests.support.product.faults import Fault
from tests.support.product.manual_clock import ManualClock
from tests.support.product.sandbox import Sandbox
from tests.support.product.sandbox_accounts import display_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.product.faults import Request, RequestHandler, Response

SHARED_STUDIO: Final = "studio_stage"
"""A studio that all accounts share. Only their roles in it are marked."""

_MARK = re.compile(r"owner(\d+)x\d+q")
_WORD = re.compile(r"[\w-]{16,}")


@dataclass(frozen=True)
class Account:
    """One of the accounts: its key and everything that it owns."""

    number: int
    studios: list[str] = field(default_factory=list, compare=False)
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

    def add_to(self, sandbox: Sandbox) -> None:
        """Add this account with two full studios, a linked platform account and a file."""
        sandbox.add_key(self.key, account=self.user_id)
        sandbox.add_connection(
            self.new(),
            record_id=self.new("conn"),
            account=self.user_id,
            platform=self.new("tube"),
        )
        sandbox.add_asset(self.new(), record_id=self.new("asset"), account=self.user_id)
        for _ in range(2):
            studio = sandbox.add_studio(
                f"Show {self.new()}", record_id=self.new("studio"), account=self.user_id
            )
            sandbox.change(studio, description=self.new())
            for _ in range(2):
                place, platform = self.new("dest"), self.new("tube")
                sandbox.add_destination(
                    self.new(), record_id=place, studio=studio, platform=platform
                )
                sandbox.add_source(self.new(), record_id=self.new("source"), studio=studio)
            self.studios.append(studio)
            self.add_viewer_message(sandbox, studio)

    def add_viewer_message(self, sandbox: Sandbox, studio: str) -> None:
        """Add a viewer's chat message in one of its studios."""
        sandbox.say(self.new("said"), studio=studio, author=self.new("viewer"))


@dataclass(frozen=True)
class SharedTrax:
    """The accounts, their sandbox, and each request that has reached it."""

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
def shared_trax(account_count: int) -> Iterator[SharedTrax]:
    """A sandbox with only these accounts, on a frozen clock."""
    sandbox = Sandbox(ManualClock.frozen(), empty=True, rate_limit=None)
    accounts = tuple(Account(number) for number in range(account_count))
    for it in accounts:
        it.add_to(sandbox)
    sandbox.add_studio("The common stage", record_id=SHARED_STUDIO, account="user_nobody")
    sandbox.change(SHARED_STUDIO, roles={it.user_id: it.new("role") for it in accounts})
    sandbox.add_destination("Everywhere", record_id="dest_stage", studio=SHARED_STUDIO)
    shared = SharedTrax(sandbox, accounts)
    sandbox.faults.add(Fault("marked", shared.record_and_mark), times=None)
    with display_names({it.user_id: it.new() for it in accounts}):
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
