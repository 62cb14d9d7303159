"""The page of the control room, over real sockets: who gets in, and what its requests may do.

What a room does is recorded here; `tests/server/test_room_on_page.py` has the real one. A browser
is played by an HTTP client; `make proof PART=browser` uses a real one.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import anyio
import httpx
import pytest

from tests.support.product.frozen_sandbox import frozen_sandbox
from tests.support.product.pages import PROBLEMS, no_key, open_rooms, problem, recorded_browser
from tests.support.product.shared_clock import HandClock, settled
from tests.support.server_process import PATIENCE_SECONDS
from tests.world.page import FORGED, ROOM_TOOLS, PageClient, address_behind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from anyio.abc import TaskGroup

    from tests.support.product.pages import RecordedBrowser

STUDIO: Final = "studio_42"
OTHER: Final = "studio_7"
PRESS: Final[dict[str, Any]] = {
    "name": ROOM_TOOLS["press"],
    "arguments": {"press": "go_live", "arguments": {}},
}
TICKETS: Final = {
    "_meta": {
        "live.traxstreaming/ticket": "asked_by_press",
        "live.traxstreaming/questions": ["asked_by_model"],
    }
}
FAILED: Final = "Something went wrong in trax-mcp. Check what was done before you press again."
MINUTE: Final = 60
HOUR: Final = 3600
A_MOMENT: Final = 4
"""In seconds, after which a room without requests is not shown any more."""


@dataclass
class RecordedRoom:
    """What the page calls. A watch with `waitSeconds` lasts until it is cancelled."""

    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    answer: dict[str, Any] = field(default_factory=dict)
    waiting: anyio.Event = field(default_factory=anyio.Event)
    was_left: anyio.Event = field(default_factory=anyio.Event)
    run: Callable[[], Awaitable[None]] | None = None

    async def call(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Record a call, and answer it."""
        self.calls.append((name, arguments))
        if self.run is not None:
            await self.run()
        if "waitSeconds" in arguments:
            self.waiting.set()
            try:
                await anyio.sleep_forever()
            finally:
                self.was_left.set()
        return {"structuredContent": {"of": name}, **self.answer}


@dataclass
class Rooms:
    """The page's server, what it opens in the browser, and the rooms."""

    page: Any
    clock: HandClock
    browser: RecordedBrowser
    tasks: TaskGroup
    rooms: dict[str, RecordedRoom] = field(default_factory=dict)

    def start(self, studio: str) -> list[str]:
        """Begin to open a room. What becomes of it comes into the list."""
        room = self.rooms.setdefault(studio, RecordedRoom())
        opened: list[str] = []

        async def run() -> None:
            opened.append(await self.page.open(studio, room.call))

        self.tasks.start_soon(run)
        return opened

    async def open(self, studio: str = STUDIO) -> str:
        """Open a room, and let time pass until that has ended."""
        opened = self.start(studio)
        await self.clock.pass_until(lambda: opened)
        return opened[0]

    async def tab(self, studio: str = STUDIO) -> PageClient:
        """The tab that claims a room."""
        before = len(self.browser.opened)
        opened = self.start(studio)
        tab = PageClient(address_behind(await self.browser.next(before + 1)))
        assert (await tab.redeem()).status_code == httpx.codes.OK
        await settled()
        assert opened == ["opened"]
        return tab

    async def watch(self, tab: PageClient, studio: str = STUDIO) -> anyio.CancelScope:
        """Let a tab wait for news. Cancelling is closing it."""
        room = self.rooms[studio]
        room.waiting, room.was_left = anyio.Event(), anyio.Event()
        scope = anyio.CancelScope()

        async def run() -> None:
            with scope:
                await tab.call("watch", waitSeconds=25)

        self.tasks.start_soon(run)
        with anyio.fail_after(PATIENCE_SECONDS):
            await room.waiting.wait()
        return scope

    async def close(self, scope: anyio.CancelScope, studio: str = STUDIO) -> None:
        """Close a tab that waits for news."""
        scope.cancel()
        with anyio.fail_after(PATIENCE_SECONDS):
            await self.rooms[studio].was_left.wait()
        await settled()


@asynccontextmanager
async def rooms() -> AsyncIterator[Rooms]:
    """A server of rooms, which opens no page yet."""
    clock = HandClock(frozen_sandbox())
    with recorded_browser() as browser:
        async with open_rooms(clock) as page, anyio.create_task_group() as tasks:
            yield Rooms(page, clock, browser, tasks)
            tasks.cancel_scope.cancel()


# Opening


async def test_a_room_that_is_shown_is_opened_once() -> None:
    """Even while another one is opened, and until its tab is closed for a minute."""
    async with rooms() as it:
        tab = await it.tab()
        assert await it.open() == "shown"
        it.clock.advance(A_MOMENT)
        watching = await it.watch(tab)
        assert it.page.is_shown(STUDIO)
        it.clock.advance(MINUTE)
        assert await it.open() == "shown"
        assert not it.page.is_shown(OTHER)
        await it.tab(OTHER)
        await it.close(watching)
        it.clock.advance(A_MOMENT)
        assert not it.page.is_shown(STUDIO)
        assert len(it.browser.opened) == 2


async def test_a_closed_room_is_opened_again_once_a_minute() -> None:
    """The tab that was closed gets in no more."""
    async with rooms() as it:
        first = await it.tab()
        it.clock.advance(A_MOMENT)
        assert (await first.post("/leave")).status_code == httpx.codes.OK
        assert await it.open() == "shown"
        it.clock.advance(MINUTE)
        second = await it.tab()
        assert (await first.call("watch")).status_code == httpx.codes.UNAUTHORIZED
        assert (await second.call("watch")).status_code == httpx.codes.OK
        assert len(it.browser.opened) == 2


async def test_a_tab_that_makes_no_request_is_missed_for_a_minute_before_another_opens() -> None:
    """It is hidden, and would get in no more; or its browser has ended without a word."""
    async with rooms() as it:
        tab = await it.tab()
        it.clock.advance(HOUR)
        assert await it.open() == "shown"
        assert not it.page.is_shown(STUDIO)
        assert (await tab.call("watch")).status_code == httpx.codes.OK
        it.clock.advance(MINUTE)
        assert await it.open() == "shown", "it was seen meanwhile"
        it.clock.advance(MINUTE)
        await it.tab()
        assert len(it.browser.opened) == 2


async def test_a_tab_that_is_loaded_again_is_not_opened_again() -> None:
    async with rooms() as it:
        tab = await it.tab()
        await tab.post("/leave")
        await tab.call("watch")
        it.clock.advance(MINUTE)
        assert await it.open() == "shown"


async def test_a_room_that_no_tab_claims_is_said_to_have_failed() -> None:
    """Its address was opened through a file, and itself."""
    async with rooms() as it:
        assert await it.open() == "failed"
        file, address = it.browser.opened
        assert (file.startswith("file://"), address.startswith("http://localhost:")) == (True, True)
        assert await it.open() == "failed"


@pytest.mark.parametrize("name", PROBLEMS)
async def test_a_room_that_cannot_be_opened_is_said_to_have_failed(name: str) -> None:
    """Unless it may have been on its way, it can be tried again at once."""
    async with rooms() as it:
        with problem(name):
            assert await it.open() == "failed"
        if name in {"no port", "no temporary folder"}:
            await it.tab()


async def test_without_a_browser_there_are_no_rooms() -> None:
    with recorded_browser(is_there=False):
        async with open_rooms(HandClock(frozen_sandbox())) as page:
            assert page is None


# Requests


async def test_the_page_loads_nothing_from_elsewhere_and_cannot_be_framed() -> None:
    """Each part that it names is there."""
    async with rooms() as it:
        tab = await it.tab()
        page = (await tab.get()).text
        parts = [text.partition('"')[0] for text in page.replace("href", "src").split('src="')[1:]]
        assert {"/room.css", "/page_host.js", "/room.js"} <= {*parts}
        assert "/host.js" not in parts
        for path in ("/", *parts):
            loaded = await tab.get(path)
            assert loaded.status_code == httpx.codes.OK, path
            policy = loaded.headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
            assert "frame-ancestors 'none'" in policy
            assert loaded.headers["Cache-Control"] == "no-store"
            assert "set-cookie" not in loaded.headers


async def test_a_forged_request_calls_nothing() -> None:
    """The same without the forgery does, with what the room answers."""
    async with rooms() as it:
        tab, room = await it.tab(), it.rooms[STUDIO]
        port = tab.origin.rpartition(":")[2]
        for forgery, headers in FORGED.items():
            forged = {name: value.format(port=port) for name, value in headers.items()}
            response = await tab.post("/call", PRESS, content=None, **forged)
            assert response.status_code in {401, 403}, forgery
        assert room.calls == []
        response = await tab.post("/call", PRESS)
        assert response.json() == {"structuredContent": {"of": ROOM_TOOLS["press"]}}
        assert room.calls == [(ROOM_TOOLS["press"], PRESS["arguments"])]


async def test_nothing_but_the_page_s_own_json_is_taken() -> None:
    """No other call, by no other method, and nothing too long."""
    bad_names = [{**PRESS, "name": name} for name in ("", "open", "redeem", 1, None, ["press"])]
    bad_arguments: list[dict[str, Any]] = [
        {**PRESS, "arguments": arguments} for arguments in (None, [0], "", 1)
    ]
    async with rooms() as it:
        tab = await it.tab()
        for path in ("/redeem", "/call"):
            assert (await tab.get(path)).status_code == httpx.codes.METHOD_NOT_ALLOWED
            long = await tab.post(path, content=b" " * 16_385)
            assert long.status_code == httpx.codes.FORBIDDEN
        for body in [*bad_names, *bad_arguments]:
            refused = await tab.post("/call", body)
            assert refused.status_code == httpx.codes.BAD_REQUEST, body
        for content in (b"", b"{", b"[]", b"1", b"\xff", b"null", b"[" * 9000):
            refused = await tab.post("/call", content=content)
            assert refused.status_code == httpx.codes.BAD_REQUEST, content
        assert it.rooms[STUDIO].calls == []


async def test_a_second_opener_gets_in_nowhere_and_the_first_stays() -> None:
    async with rooms() as it:
        tab = await it.tab()
        for secret in (tab.secret, "", "guessed", "\xe4"):
            second = PageClient(f"{tab.origin}/#{secret}")
            assert (await second.redeem()).status_code == httpx.codes.CONFLICT
            refused = await second.post("/call", PRESS)
            assert refused.status_code == httpx.codes.UNAUTHORIZED
        assert (await tab.call("watch")).status_code == httpx.codes.OK


async def test_a_tab_reaches_the_room_that_it_was_opened_for_and_no_other() -> None:
    """Not even by the ticket of a question in it."""
    async with rooms() as it:
        mine = await it.tab()
        it.clock.advance(A_MOMENT)
        other = await it.tab(OTHER)
        assert mine.origin == other.origin
        it.rooms[OTHER].answer = TICKETS
        await other.call("watch")
        assert (await mine.call("answer", ticket="asked_by_model")).json()["structuredContent"][
            "phase"
        ] == "gone"
        await mine.call("watch", studioId=OTHER)
        assert it.rooms[STUDIO].calls == [(ROOM_TOOLS["watch"], {"studioId": OTHER})]
        assert it.rooms[OTHER].calls == [(ROOM_TOOLS["watch"], {})]


async def test_a_room_answers_the_questions_that_it_was_shown_and_no_other() -> None:
    async with rooms() as it:
        tab, room = await it.tab(), it.rooms[STUDIO]
        known = ("asked_by_press", "asked_by_model")
        for ticket in (*known, "", "guessed", None, [known[0]]):
            await tab.call("answer", ticket=ticket, choice="Go live")
        assert room.calls == []
        room.answer = TICKETS
        await tab.call("press", press="go_live")
        for ticket in (*known, "guessed"):
            await tab.call("answer", ticket=ticket)
        answers = [
            arguments["ticket"] for name, arguments in room.calls if name == ROOM_TOOLS["answer"]
        ]
        assert answers == [*known]


async def test_a_closed_tab_ends_its_watch_and_no_press() -> None:
    """So nothing is polled for a room that nobody sees. What was pressed goes on."""
    async with rooms() as it:
        tab, room = await it.tab(), it.rooms[STUDIO]
        await it.close(await it.watch(tab))
        pressing, done = anyio.CancelScope(), anyio.Event()

        async def press() -> None:
            pressing.cancel()
            await settled()  # the server has learnt that the tab is gone
            done.set()

        room.run = press
        with pressing:
            await tab.post("/call", PRESS)
        with anyio.fail_after(PATIENCE_SECONDS):
            await done.wait()


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [
        ("press", RuntimeError("sk_live_canary"), FAILED),
        ("watch", RuntimeError("sk_live_canary"), FAILED),
        ("press", no_key(), "It didn't work. There is no TRaX key, so nothing was sent."),
    ],
)
async def test_a_call_that_fails_is_answered_in_words(
    name: str, error: Exception, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    """And logged in a line that says nothing of what was sent."""
    async with rooms() as it:
        tab, room = await it.tab(), it.rooms[STUDIO]

        async def fail() -> None:
            raise error

        room.run = fail
        response = await tab.call(name)
        assert response.status_code == httpx.codes.OK
        assert response.json() == {"structuredContent": {"outcome": said}, "isError": True}
        room.run = None
        assert (await tab.call(name)).json() == {"structuredContent": {"of": ROOM_TOOLS[name]}}
    logged = [f"{ROOM_TOOLS[name]} failed on the page: RuntimeError"] if said == FAILED else []
    assert [it.getMessage() for it in caplog.records if it.name.startswith("trax_mcp")] == logged
