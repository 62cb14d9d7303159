"""The product with its real approval page; what it opens in the person's browser is recorded."""

from __future__ import annotations

import socket
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Final
from unittest.mock import patch

import anyio
import uvicorn

from tests.support.server_process import PATIENCE_SECONDS
from trax_mcp.api.errors import no_key
from trax_mcp.web import approval_page, browser
from trax_mcp.web.browser import open_browser as open_in_browser
from trax_mcp.web.enrolment import enrol_passkey as enrol
from trax_mcp.web.room_page import open_rooms

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from typing import NoReturn

    from tests.support.product.software_passkey import SoftwarePasskey
    from trax_mcp.clock import Clock
    from trax_mcp.consent.open_questions import LocalPage
    from trax_mcp.web.room_page import RoomPage

__all__ = [
    "PROBLEMS",
    "RecordedBrowser",
    "enrol",
    "no_key",
    "open_in_browser",
    "open_page",
    "open_rooms",
    "problem",
    "recorded_browser",
]

PROBLEMS: Final = {
    "no child process": (browser, "open_browser"),
    "no temporary folder": (browser, "mkdtemp"),
    "no port": (socket, "create_server"),
    "no server": (uvicorn.Server, "serve"),
}
"""Why a page cannot be opened."""


@contextmanager
def problem(name: str) -> Iterator[None]:
    """Let one of `PROBLEMS` happen."""

    def fail(*_: object, **_options: object) -> NoReturn:
        raise OSError(28, "No space left on device")

    with (
        patch.object(browser, "open_browser", lambda _address: None),
        patch.object(*PROBLEMS[name], fail),
    ):
        yield


class RecordedBrowser:
    """The addresses that were opened, oldest first."""

    page: LocalPage | None
    """The server of the page, which hands addresses to this browser, if there is one."""
    rooms: RoomPage | None
    """That of the control rooms, as well."""

    def __init__(self) -> None:
        self.opened: list[str] = []
        self._news = anyio.Event()

    def open(self, address: str) -> None:
        """Record an address."""
        self.opened.append(address)
        self._news.set()
        self._news = anyio.Event()

    async def next(self, number: int = 1) -> str:
        """The address that was opened as the first, or as the given one."""
        with anyio.fail_after(PATIENCE_SECONDS):
            while len(self.opened) < number:
                await self._news.wait()
        return self.opened[number - 1]


@contextmanager
def recorded_browser(*, is_there: bool = True) -> Iterator[RecordedBrowser]:
    """Record what would be opened. A test can say that there is no browser."""
    opened = RecordedBrowser()
    with (
        patch.object(browser, "open_browser", opened.open),
        patch.object(browser, "has_browser", lambda: is_there),
    ):
        yield opened


@asynccontextmanager
async def open_page(
    clock: Clock,
    passkey: SoftwarePasskey | None = None,
    *,
    practice: bool = False,
    has_browser: bool = True,
) -> AsyncIterator[RecordedBrowser]:
    """The real pages on their ports; yields the browser that opens them, and them for a product."""
    own = None if passkey is None else passkey.passkey
    with recorded_browser(is_there=has_browser) as opened:
        async with (
            approval_page.open_page(clock, own, practice=practice) as opened.page,
            open_rooms(clock) as opened.rooms,
        ):
            yield opened
