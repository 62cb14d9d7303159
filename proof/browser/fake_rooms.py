"""The page of the control room in a real browser, with a studio that a test makes up."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import anyio

from tests.support.product.pages import open_rooms, recorded_browser
from tests.support.server_process import PATIENCE_SECONDS
from tests.world.page import address_behind
from trax_mcp.clock import Clock
from trax_mcp.web.approval_view import PRESS, WATCH

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from playwright.async_api import Browser, Page

QUESTION: Final[dict[str, Any]] = {
    "phase": "open",
    "readingSeconds": 1.0,
    "secondsLeft": 290,
    "isStop": True,
    "sending": "Going offline…",
    "practice": True,
    "goesLive": False,
    "headline": ["Take the show off air?"],
    "no": "Stay on air",
    "yes": "Go offline",
    "asker": "Test",
    "outcome": None,
}
"""About a stop, as the server describes it."""
HIDE: Final = """isHidden => {
    Object.defineProperty(document, 'visibilityState', {
        configurable: true, get: () => (isHidden ? 'hidden' : 'visible'),
    });
    document.dispatchEvent(new Event('visibilitychange'));
}"""
LATER: Final = """seconds => {
    const now = performance.now.bind(performance);
    performance.now = () => now() + seconds * 1000;
}"""
_PRESSES: Final = ("go_live", "go_offline", "update_destination", "send_chat_message")
_STATE: Final[dict[str, Any]] = {
    "name": "The Show",
    "practice": True,
    "live": True,
    "since": "2026-12-02T06:00:00Z",
    "starting": False,
    "ready": None,
    "destinations": [
        {"id": f"dest_{number}", "name": f"Place {number}", "platform": "twitch", "enabled": True}
        for number in range(3)
    ],
    "sources": [],
    "problems": [],
    "unknown": [],
    "can": dict.fromkeys(_PRESSES, True),
    "hasChat": True,
    "chatTrouble": None,
    "trouble": None,
    "stale": False,
    "ended": False,
}


@dataclass
class FakeStudio:
    """What its room is told, and what was pressed there. A test changes any of it."""

    state: dict[str, Any] = field(default_factory=lambda: dict(_STATE))
    version: int = 1
    messages: list[dict[str, Any]] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    """The tickets of those that a model has asked."""
    cards: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By ticket, in what a question differs from `QUESTION`."""
    clock_seconds: float = 0
    """How far the server's clock is ahead."""
    age_seconds: float | None = 0
    """How old what it was told is. None if it was told nothing."""
    lost: set[str] = field(default_factory=set)
    """The calls whose answers never come: "watch", "press", "look" at a card, or "choose"."""
    describes: bool = False
    """Whether a press brings its question."""
    failing: int = 0
    """How many looks at a card fail from now on."""
    presses: list[str] = field(default_factory=list)
    choices: list[str] = field(default_factory=list)
    waits: int = 0
    looks: int = 0
    hangs: list[str] = field(default_factory=list)
    """The calls that were lost."""
    _news: anyio.Event = field(default_factory=anyio.Event)

    def ask(self, *tickets: str) -> None:
        """Ask these as a model. Each question is approved with "Approve" and its ticket."""
        self.questions += tickets
        self.cards |= {it: {"yes": f"Approve {it}"} for it in tickets}
        self.change()

    def end(self, ticket: str, headline: str) -> None:
        """End a question elsewhere."""
        ended: dict[str, Any] = {"headline": headline, "since": None, "text": []}
        self.cards[ticket] = {"phase": "ended", "ended": ended}

    def change(self, **changes: object) -> None:
        """Change the state, and tell the rooms that wait."""
        self.state |= changes
        self.version += 1
        self._news.set()
        self._news = anyio.Event()

    async def call(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Answer the room."""
        if name == WATCH:
            return await self._watch(arguments)
        if name == PRESS:
            self.presses.append(arguments["press"])
            await self._lose("press")
            ticket = f"ticket_{len(self.presses)}"
            meta = {"live.traxstreaming/ticket": ticket}
            known = {"question": QUESTION} if self.describes else {}
            return {"structuredContent": {"asking": True, **known}, "_meta": meta}
        if "choice" in arguments:
            self.choices.append(arguments["choice"])
            await self._lose("choose")
        await self._lose("look")
        if self.failing:
            self.failing -= 1
            raise RuntimeError
        return {"structuredContent": QUESTION | self.cards.get(arguments["ticket"], {})}

    async def _lose(self, what: str) -> None:
        if what in self.lost:
            self.hangs.append(what)
            await anyio.sleep_forever()

    async def _watch(self, arguments: dict[str, Any]) -> dict[str, Any]:
        await self._lose("watch")
        waits = bool(arguments["waitSeconds"])
        self.waits += waits
        self.looks += 1
        try:
            with anyio.move_on_after(arguments["waitSeconds"]):
                while arguments.get("version") == str(self.version):
                    await self._news.wait()
        finally:
            self.waits -= waits
        now = datetime.now(UTC) + timedelta(seconds=self.clock_seconds)
        age = self.age_seconds
        answer: dict[str, Any] = {
            "now": now.isoformat(),
            "version": str(self.version),
            "seenAt": None if age is None else (now - timedelta(seconds=age)).isoformat(),
            "chat": {
                "messages": self.messages[int(arguments.get("after", 0)) :],
                "cursor": str(len(self.messages)),
                "missed": False,
            },
        }
        if arguments.get("version") != str(self.version):
            answer |= {"state": self.state, "summary": "It stands."}
        return {
            "structuredContent": answer,
            "_meta": {"live.traxstreaming/questions": self.questions},
        }


async def until(page: Page, is_so: Callable[[], bool]) -> None:
    """Wait for something that is not on the page."""
    with anyio.fail_after(PATIENCE_SECONDS):
        while not is_so():
            await page.evaluate("1")


async def light(page: Page, words: str) -> None:
    """Wait until the light says exactly this."""
    await page.wait_for_function(
        "words => document.querySelector('#light b').textContent === words", arg=words
    )


@asynccontextmanager
async def fake_rooms(
    browser: Browser, number: int = 1
) -> AsyncIterator[list[tuple[Page, FakeStudio]]]:
    """Tabs with one room each, which all have one server."""
    tabs: list[tuple[Page, FakeStudio]] = []
    context = await browser.new_context(viewport={"width": 760, "height": 800})
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    clock = _FastClock()
    with recorded_browser() as opened:
        async with open_rooms(clock) as rooms, anyio.create_task_group() as tasks:
            assert rooms is not None

            for index in range(number):
                studio, page = FakeStudio(), await context.new_page()
                count = len(opened.opened)
                clock.ahead += 100  # rooms are not opened at once
                tasks.start_soon(rooms.open, f"studio_{index}", studio.call)
                await page.goto(address_behind(await opened.next(count + 1)))
                await page.wait_for_selector("#air:not([hidden])")
                tabs.append((page, studio))
            yield tabs
            await context.close()
            tasks.cancel_scope.cancel()


class _FastClock(Clock):
    ahead = 0.0

    def seconds(self) -> float:
        """Monotonic seconds."""
        return super().seconds() + self.ahead
