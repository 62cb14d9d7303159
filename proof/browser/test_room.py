"""The control room in the official AppBridge, with a server behind it and a TRaX that fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from proof.browser.rooms import STUDIO, open_room
from tests.support.server_process import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.async_api import Browser

    from proof.browser.rooms import ShownRoom


async def tab_to(room: ShownRoom, selector: str) -> None:
    """Press Tab until something has the focus."""
    wanted = room.frame.locator(selector).first
    for _ in range(40):
        if await wanted.evaluate("it => it === document.activeElement"):
            return
        await room.app.page.keyboard.press("Tab")
    raise AssertionError(selector)


async def press_key(room: ShownRoom, selector: str, key: str = "Enter") -> None:
    """Go to something by keyboard, and press a key there."""
    await tab_to(room, selector)
    await room.app.page.keyboard.press(key)


async def wait_until(is_so: Callable[[], bool], room: ShownRoom) -> None:
    """Wait for something that is not on the page."""
    with anyio.fail_after(PATIENCE_SECONDS):
        while not is_so():
            await room.app.page.evaluate("1")


async def test_a_whole_show_is_run_by_keyboard_alone_and_without_a_violation_of_axe(
    browser: Browser,
) -> None:
    async with open_room(browser) as room:
        keyboard = room.app.page.keyboard
        await room.shows("#light", "OFF AIR")
        assert await room.violations() == []
        await room.frame.locator("h1").click()
        await press_key(room, "#air")
        await room.shows("#questions h2", "Go live")
        focused = await room.frame.locator(":focus").inner_text()
        assert focused.startswith("Go live with Friday Night Show")
        await room.frame.locator("button.yes:enabled").wait_for()
        assert await room.violations() == []
        await press_key(room, "button.yes")
        await room.shows("#light", "ON AIR 0:")
        assert await room.violations() == []
        assert await room.frame.locator("#air").evaluate("it => it === document.activeElement")
        await tab_to(room, ".write input")
        await keyboard.type("Hello everybody")
        await keyboard.press("Enter")
        await room.shows("#log li.own", "Hello everybody")
        await press_key(room, "#destinations button[aria-checked=true]")
        await press_key(room, "button.yes:enabled")
        await room.shows("#destinations li[data-on=false]", "Late crowd")
        await room.frame.locator("h1").click()
        await press_key(room, "#air")
        await press_key(room, "button.yes:enabled")
        await room.shows("#light", "OFF AIR")
        assert [it.rpartition("/")[2] for it in room.world.sent] == [
            "go-live",
            "messages",
            "dest_2",
            "go-offline",
        ]


async def test_what_strangers_write_is_text(browser: Browser) -> None:
    hostile = "<img src=x onerror=alert(1)> <a href='https://evil.example'>free</a>"
    async with open_room(browser) as room:
        room.world.trax.say(hostile, author="<b>Ada</b>\u202e")
        await room.shows("#log li", hostile)
        assert await room.frame.locator("#log :is(img, a, b b)").count() == 0
        assert "\\u202e" in await room.frame.locator("#log li").last.inner_text()


async def test_a_hidden_room_makes_no_call(browser: Browser) -> None:
    async with open_room(browser) as room:
        await wait_until(lambda: room.app.calls[-1][1].get("waitSeconds") == 25, room)
        (frame,) = room.app.page.frames[1:]
        await frame.evaluate(
            "Object.defineProperty(document, 'visibilityState',"
            " { get: () => globalThis.isHidden ? 'hidden' : 'visible' });"
            "globalThis.isHidden = true"
        )
        room.world.trax.say("one", author="Ada")  # ends the look under way
        await room.shows("#log li", "one")
        before = len(room.app.calls)
        room.world.trax.say("two", author="Ada")
        await anyio.sleep(3)  # nothing can be waited for
        assert len(room.app.calls) == before
        await frame.evaluate(
            "globalThis.isHidden = false; document.dispatchEvent(new Event('visibilitychange'))"
        )
        await room.shows("#log li", "two")


async def test_the_models_question_is_a_card_and_is_answered_once(browser: Browser) -> None:
    async with open_room(browser) as room:
        result = await room.client.call_tool("go_live", STUDIO)
        assert result.structured_content["status"] == "asking"
        await room.shows("#questions h2", "Go live")
        assert await room.frame.locator("#questions .approval").count() == 1
        await room.frame.locator("button.yes:enabled").click()
        await room.shows("#light", "ON AIR 0:")
        await room.shows("#said", "You're live")
        assert room.world.sent == ["POST /v1/studios/studio_42/go-live"]
        await wait_until(lambda: any("has been on air" in str(it) for it in room.app.told), room)


async def test_two_looks_at_once_show_no_message_twice(browser: Browser) -> None:
    """A press looks again while the room waits."""
    async with open_room(browser) as room:
        switch = room.frame.locator("#sources button[role=switch]").first
        for number in range(12):
            room.world.trax.say(f"message {number}", author="Ada")
            await switch.click()
        await room.shows("#log li", "message 11")
        texts = await room.frame.locator("#log li p").all_inner_texts()
        mine = [it for it in texts if "message" in it]
        assert mine == [f"Ada message {number}" for number in range(12)]


async def test_it_helps_to_ask_the_assistant_and_keeps_in_sight(browser: Browser) -> None:
    async with open_room(browser, modes=("inline", "pip")) as room:
        room.world.trax.change("dest_1", enabled=False)
        room.world.trax.change("dest_2", enabled=False)
        await room.shows("#problems", "All destinations are off")
        await room.frame.locator("#problems button").first.click()
        await wait_until(lambda: any("What can I do?" in str(it) for it in room.app.told), room)
        await room.frame.locator("#mode").click()
        await room.shows("#mode", "Back")
        assert not await room.frame.locator("#destinations").is_visible()
