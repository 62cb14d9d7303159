"""The questions in a room: what moves them, what ends them, and what is said of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio

from proof.browser.fake_rooms import LATER, fake_rooms, light, until

if TYPE_CHECKING:
    from playwright.async_api import Browser

STOP_CLOCK: Final = """() => {
    const at = performance.now();
    performance.now = () => at;
}"""


async def test_a_click_on_its_way_does_not_approve_a_question_that_comes_unasked(
    browser: Browser,
) -> None:
    async with fake_rooms(browser) as [(page, studio)]:
        await page.evaluate(STOP_CLOCK)
        studio.ask("one")
        await page.click("button.yes:enabled")
        await page.evaluate(LATER, arg=1)
        assert studio.choices == []
        await page.click("button.yes:enabled")
        await until(page, lambda: studio.choices == ["Approve one"])


async def test_a_click_on_its_way_does_not_approve_a_question_that_moved_under_the_pointer(
    browser: Browser,
) -> None:
    """The one above it has ended elsewhere."""
    async with fake_rooms(browser) as [(page, studio)]:
        for ticket in ("lower", "upper"):
            studio.ask(ticket)
            await page.get_by_role("button", name=f"Approve {ticket}", disabled=False).wait_for()
        box = await page.get_by_role("button", name="Approve upper").bounding_box()
        assert box is not None
        at = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        await page.evaluate(LATER, arg=1)
        await page.evaluate(STOP_CLOCK)
        studio.end("upper", "Done")
        await page.get_by_role("button", name="Approve upper").wait_for(state="detached")
        await page.mouse.click(*at)
        await page.evaluate(LATER, arg=1)
        assert studio.choices == []
        await page.mouse.click(*at)
        await until(page, lambda: studio.choices == ["Approve lower"])


async def test_what_is_said_of_a_stop_stays_until_the_next_press(browser: Browser) -> None:
    async with fake_rooms(browser) as [(page, studio)]:
        await page.clock.install()
        await page.click("#air")
        await page.wait_for_selector("button.yes:enabled")
        studio.end("ticket_1", "STILL ON AIR")
        await page.wait_for_selector("#said:has-text('STILL ON AIR')")
        await page.clock.fast_forward("01:00")
        assert await page.locator("#said").inner_text() == "STILL ON AIR"
        await page.click("#air")
        await page.wait_for_selector("#said", state="hidden")


async def test_nothing_is_said_of_a_stop_that_is_asked_again(browser: Browser) -> None:
    async with fake_rooms(browser) as [(page, studio)]:
        await page.click("#air")
        await page.wait_for_selector("button.yes:enabled")
        studio.ask("again")
        studio.end("ticket_1", "This isn't asked any more")
        await page.wait_for_selector("button.yes:has-text('Approve again')")
        await page.get_by_role("button", name="Go offline").nth(1).wait_for(state="detached")
        assert await page.locator("#said").inner_text() == ""


async def test_off_air_no_stop_is_asked_but_one_that_was_sent_is_told(browser: Browser) -> None:
    async with fake_rooms(browser) as [(page, studio)]:
        studio.ask("one", "two")
        await page.get_by_role("button", name="Approve one", disabled=False).wait_for()
        await page.get_by_role("button", name="Approve two", disabled=False).wait_for()
        await page.evaluate(LATER, arg=1)
        studio.lost = {"choose"}
        await page.get_by_role("button", name="Approve one").click()
        await until(page, lambda: studio.choices == ["Approve one"])
        studio.change(live=False)
        await light(page, "OFF AIR")
        assert await page.locator(".approval:visible .outcome").all_inner_texts() == [
            "Going offline…"
        ]


async def test_a_stop_that_takes_long_is_on_its_way_and_can_be_pressed_again(
    browser: Browser,
) -> None:
    async with fake_rooms(browser) as [(page, studio)]:
        await page.click("#air")
        await page.wait_for_selector("button.yes:enabled")
        studio.lost = {"choose"}
        await page.click("button.yes")
        await anyio.sleep(11)  # nothing can be waited for
        assert await page.locator("#questions .outcome").inner_text() == "Going offline…"
        await page.click("#air")
        await until(page, lambda: len(studio.presses) == 2)
