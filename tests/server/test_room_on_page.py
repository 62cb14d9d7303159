"""The control room in the browser of the person at this computer: real sockets, a real sandbox.

`tests/web/test_room_page.py` has who gets in, `test_room_presses` what a press does.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from tests.support.guarded_calls import GO_LIVE, GO_OFFLINE, NO, STUDIO, YES
from tests.support.product.shared_clock import settled
from tests.world.answers import outcome, text_of
from tests.world.page import PageClient, address_behind
from tests.world.panel import TICKET
from tests.world.room import QUESTIONS
from tests.world.world import MINE, open_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.world.world import World

OPEN: Final = "open_control_room"
SEEN: Final = "The control room is open in the user's browser. Don't repeat what it shows."
OFF_AIR: Final = '"Friday Night Show" is off air, with YouTube and Twitch on.'
with_page: Final = partial(open_world, MINE, page=True, TRAX_ASK="page,preview")


@dataclass
class Tab:
    """A tab with the room, as its script keeps it."""

    it: World
    page: PageClient
    said: str
    """What the model read that has opened it."""
    state: dict[str, Any] = field(default_factory=dict)
    version: str | None = None

    async def look(self, *, wait: float = 0) -> list[str]:
        """Look at the state, and keep what is new. Returns the tickets of open questions."""
        known = {} if self.version is None else {"version": self.version}
        looked = await self.page.call("watch", chat=False, waitSeconds=wait, **known)
        result = looked.json()
        self.version = result["structuredContent"]["version"]
        self.state = result["structuredContent"].get("state", self.state)
        return list(result.get("_meta", {}).get(QUESTIONS, ()))

    async def press(self, press: str, **arguments: object) -> dict[str, Any]:
        """Press a button."""
        pressed = await self.page.call("press", press=press, arguments=arguments)
        return dict(pressed.json())

    async def answer(self, ticket: str, choice: str | None = None) -> dict[str, Any]:
        """Show a question, or press one of its buttons."""
        chosen = {} if choice is None else {"choice": choice}
        answered = await self.page.call("answer", ticket=ticket, **chosen)
        return dict(answered.json()["structuredContent"])

    async def approve(self, ticket: str, choice: str) -> dict[str, Any]:
        """Show a question, read it, and press a button."""
        await self.answer(ticket)
        self.it.hand_clock.advance(1)
        return await self.answer(ticket, choice)


async def open_tab(it: World) -> Tab:
    """Let the model open the room, and the browser claim it."""
    before = len(it.open_page.browser.opened)
    call = it[MINE].start(OPEN, **STUDIO)
    page = PageClient(address_behind(await it.open_page.browser.next(before + 1)))
    assert (await page.redeem()).status_code == httpx.codes.OK
    return Tab(it, page, text_of(await call.result()))


@asynccontextmanager
async def in_tab(**options: Any) -> AsyncIterator[tuple[World, Tab]]:  # noqa: ANN401  of a world
    """A world, and a tab in which a person sees the room."""
    async with with_page(**options) as it:
        tab = await open_tab(it)
        await tab.look()
        yield it, tab


# The tool


async def test_where_no_app_is_drawn_the_tool_opens_the_page() -> None:
    """The room's other tools are for apps."""
    async with in_tab() as (it, tab):
        listed = {tool.name: tool for tool in (await it[MINE].client.list_tools()).tools}
        assert [name for name in listed if name.endswith("_control_room")] == [OPEN]
        assert listed[OPEN].meta is None
        assert tab.said == f"{SEEN} {OFF_AIR}"
        assert (tab.state["name"], tab.state["live"]) == ("Friday Night Show", False)


@pytest.mark.parametrize(
    "options",
    [{"has_browser": False}, {"TRAX_ASK": "form,panel,preview"}, {"TRAX_TOOLS": "go_live"}],
    ids=["no browser", "TRAX_ASK without page", "TRAX_TOOLS without check_studio"],
)
async def test_where_no_page_can_be_opened_there_is_no_tool(options: dict[str, Any]) -> None:
    async with with_page(**options) as it:
        assert OPEN not in {tool.name for tool in (await it[MINE].client.list_tools()).tools}
        assert it.page is None or it.open_page.browser.opened == []


async def test_the_model_is_told_what_became_of_each_call() -> None:
    """Not that a person sees a room which nobody has opened."""
    async with in_tab() as (it, tab):
        again = text_of(await it[MINE].call(OPEN, **STUDIO))
        assert again.startswith("The user already has the control room open in their browser.")
        await tab.page.post("/leave")
        it.hand_clock.advance(60)
        call = it[MINE].start(OPEN, **STUDIO)
        await it.hand_clock.pass_until(lambda: call.has_ended)
        nobody = text_of(await call.result())
        told = "The control room couldn't be opened in a browser. Tell the user."
        assert nobody == f"{told} {OFF_AIR}"


async def test_nothing_is_opened_for_a_studio_that_is_not_there() -> None:
    async with with_page() as it:
        assert (await it[MINE].call(OPEN, studioId="studio_0")).is_error
        assert it.open_page.browser.opened == []


async def test_nothing_that_the_model_reads_and_no_log_holds_a_secret_of_the_room(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    async with in_tab() as (_, tab):
        ticket = (await tab.press("go_live"))["_meta"][TICKET]
        await tab.approve(ticket, NO)
        for secret in (ticket, tab.page.secret, tab.page.session):
            assert secret
            assert secret not in tab.said + caplog.text


# What is pressed and asked there


async def test_a_press_is_asked_in_the_tab_and_nowhere_else() -> None:
    async with in_tab() as (it, tab):
        pressed = await tab.press("go_live")
        assert pressed["structuredContent"] == {"asking": True}
        ended = await tab.approve(pressed["_meta"][TICKET], YES)
        assert ended["ended"]["headline"] == "You're live"
        stop = (await tab.press("go_offline"))["_meta"][TICKET]
        await tab.answer(stop)
        await tab.answer(stop, "Go offline")
        assert it.sent == [GO_LIVE.sent, GO_OFFLINE.sent]
        assert len(it.open_page.browser.opened) == 1


async def test_what_the_model_asks_is_shown_in_the_tab_and_opens_no_other() -> None:
    """It learns the answer."""
    async with in_tab() as (it, tab):
        call = it[MINE].start(GO_LIVE)
        (ticket,) = await tab.look(wait=25)
        await tab.approve(ticket, YES)
        assert outcome(await call.result()) == ("ran", None)
        assert it.sent == [GO_LIVE.sent]
        assert await tab.look() == []
        await it.hand_clock.pass_by(10)
        assert len(it.open_page.browser.opened) == 1


async def test_what_the_model_asks_opens_the_page_if_the_tab_does_not_show_it_in_time() -> None:
    async with in_tab() as (it, tab):
        it[MINE].start(GO_LIVE)
        await tab.look()
        await settled()
        assert len(it.open_page.browser.opened) == 1
        await it.hand_clock.pass_by(3)
        assert len(it.open_page.browser.opened) == 2


async def test_what_the_model_asks_opens_the_page_at_once_if_the_tab_is_closed_or_hidden() -> None:
    async with in_tab() as (it, _):
        it.hand_clock.advance(4)
        it[MINE].start(GO_LIVE)
        await it.open_page.browser.next(2)


async def test_a_stop_that_the_model_asks_about_opens_the_page_at_once() -> None:
    """The tab shows it too, but a stop doesn't wait to learn that."""
    async with in_tab() as (it, _):
        it.trax.go_live()
        it.hand_clock.advance(3)
        it[MINE].start(GO_OFFLINE)
        await it.open_page.browser.next(2)
