"""What goes wrong around a room: answers are lost, clocks differ, tabs are many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from proof.browser.fake_rooms import HIDE, LATER, fake_rooms, light, until
from tests.support.server_process import PATIENCE_SECONDS

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page


async def button(page: Page) -> str:
    """What the large button says."""
    return await page.locator("#air").inner_text()


# Going offline


async def test_it_goes_offline_at_once_though_as_many_rooms_wait_as_a_browser_has_connections(
    browser: Browser,
) -> None:
    async with fake_rooms(browser, 6) as rooms:
        page, studio = rooms[-1]
        await until(page, lambda: all(it.waits for _, it in rooms))
        with anyio.fail_after(3):
            await page.click("#air")
            await until(page, lambda: studio.presses == ["go_offline"])
            await page.click("button.yes:enabled")
            await until(page, lambda: studio.choices == ["Go offline"])


async def test_a_hidden_tab_ends_its_look(browser: Browser) -> None:
    async with fake_rooms(browser) as [(page, studio)]:
        await until(page, lambda: studio.waits == 1)
        await page.evaluate(HIDE, arg=True)
        await until(page, lambda: studio.waits == 0)
        await page.evaluate(HIDE, arg=False)
        await until(page, lambda: studio.waits == 1)


@pytest.mark.parametrize("lost", [{"look"}, {"choose", "look"}])
async def test_it_goes_offline_after_answers_were_lost(browser: Browser, lost: set[str]) -> None:
    """Of the card's first look, or of its approval."""
    async with fake_rooms(browser) as [(page, studio)]:
        if "choose" not in lost:
            studio.lost = lost
        await page.click("#air")
        if "choose" in lost:
            await page.wait_for_selector("button.yes:enabled")
            studio.lost = lost
            await page.click("button.yes")
        await until(page, lambda: lost <= {*studio.hangs})
        studio.lost = set()
        with anyio.fail_after(PATIENCE_SECONDS):
            while len(studio.presses) < 2:
                await page.click("#air")
        studio.choices.clear()
        await page.click("button.yes:enabled:visible")
        await until(page, lambda: studio.choices == ["Go offline"])
        assert await page.locator("#questions .approval").count() == 1


async def test_it_goes_offline_though_no_look_at_its_card_is_answered(browser: Browser) -> None:
    """Its question comes with the answer to the press."""
    async with fake_rooms(browser) as [(page, studio)]:
        studio.describes, studio.lost = True, {"look"}
        with anyio.fail_after(3):
            await page.click("#air")
            await page.click("button.yes:enabled")
            await until(page, lambda: studio.choices == ["Go offline"])


async def test_a_second_press_leads_to_the_card_that_is_open(browser: Browser) -> None:
    async with fake_rooms(browser) as [(page, studio)]:
        await page.click("#air")
        await page.wait_for_selector("button.yes:enabled")
        await page.click("#air")
        await page.wait_for_selector("#questions h2:focus")
        assert studio.presses == ["go_offline"]


async def test_a_press_of_go_live_that_hangs_holds_up_no_stop(browser: Browser) -> None:
    async with fake_rooms(browser) as [(page, studio)]:
        studio.change(live=False)
        await page.wait_for_selector("#air:has-text('Go live')")
        studio.lost = {"press"}
        await page.click("#air")
        await until(page, lambda: studio.presses == ["go_live"])
        assert await page.get_attribute("#air", "aria-busy") == "true"
        studio.lost = set()
        studio.change(live=True)
        await page.wait_for_selector("#air:has-text('Go offline'):not([aria-busy])")
        await page.click("#air")
        await page.wait_for_selector("button.yes:enabled")
        assert studio.presses == ["go_live", "go_offline"]


async def test_a_card_whose_first_look_fails_is_there_within_a_second(browser: Browser) -> None:
    async with fake_rooms(browser) as [(page, studio)]:
        studio.failing = 1
        with anyio.fail_after(2):
            await page.click("#air")
            await page.wait_for_selector("button.yes:enabled")


async def test_what_may_be_on_air_can_be_taken_off(browser: Browser) -> None:
    """Because it's old, or because nothing answers."""
    async with fake_rooms(browser) as [(page, studio)]:
        studio.change(live=False)
        await light(page, "OFF AIR")
        assert await button(page) == "Go live"
        studio.change(stale=True)
        await light(page, "OFF AIR ?")
        assert await button(page) == "Go offline"
        studio.change(stale=False)
        await light(page, "OFF AIR")
        assert await button(page) == "Go live"


# The light


async def test_a_clock_that_goes_back_holds_up_no_news(browser: Browser) -> None:
    async with fake_rooms(browser) as [(page, studio)]:
        await light(page, "ON AIR")
        studio.clock_seconds = -20
        with anyio.fail_after(3):
            studio.change(live=False)
            await light(page, "OFF AIR")


async def test_after_long_out_of_sight_the_light_waits_for_what_is_new(browser: Browser) -> None:
    async with fake_rooms(browser) as [(page, studio)]:
        await light(page, "ON AIR")
        await page.evaluate(HIDE, arg=True)
        await page.evaluate(LATER, arg=600)
        studio.age_seconds = 600
        await page.evaluate(HIDE, arg=False)
        assert await page.locator("#light b").inner_text() == "ON AIR ?"
        await until(page, lambda: studio.looks > 3)
        assert await page.locator("#light b").inner_text() == "ON AIR ?"
        studio.age_seconds = 0
        await light(page, "ON AIR")


async def test_a_short_time_out_of_sight_changes_nothing(browser: Browser) -> None:
    async with fake_rooms(browser) as [(page, _)]:
        await light(page, "ON AIR")
        await page.evaluate(HIDE, arg=True)
        await page.evaluate(HIDE, arg=False)
        assert await page.locator("#light b").inner_text() == "ON AIR"


async def test_a_computer_that_has_slept_shows_nothing_as_if_it_were_so_now(
    browser: Browser,
) -> None:
    async with fake_rooms(browser) as [(page, studio)]:
        await page.clock.install()
        await light(page, "ON AIR")
        studio.age_seconds = 7200
        await page.clock.fast_forward("02:00:00")
        await light(page, "ON AIR ?")
        studio.age_seconds = 0
        await light(page, "ON AIR")


async def test_a_server_that_hangs_while_a_question_is_open_is_noticed(browser: Browser) -> None:
    """Each look at the card ends the look that waits."""
    async with fake_rooms(browser) as [(page, studio)]:
        await page.click("#air")
        await page.wait_for_selector("button.yes:enabled")
        studio.lost = {"watch", "look"}
        with anyio.fail_after(20):
            await light(page, "ON AIR ?")


async def test_a_room_that_has_ended_goes_on_after_any_look_that_is_answered(
    browser: Browser,
) -> None:
    async with fake_rooms(browser) as [(page, studio)]:
        studio.change(ended=True, trouble="The key doesn't work.")
        await light(page, "ON AIR ?")
        studio.change(ended=False, trouble=None)
        await page.evaluate(HIDE, arg=True)
        await page.evaluate(LATER, arg=11)
        await page.evaluate(HIDE, arg=False)
        await light(page, "ON AIR")
        with anyio.fail_after(10):
            studio.change(live=False)
            await light(page, "OFF AIR")


async def test_a_room_that_may_not_read_the_status_waits_for_news_again(browser: Browser) -> None:
    async with fake_rooms(browser) as [(page, studio)]:
        studio.age_seconds = None
        studio.change(live=None)
        await light(page, "NOT KNOWN")
        await until(page, lambda: studio.waits == 1)
        await page.evaluate(HIDE, arg=True)
        await page.evaluate(LATER, arg=11)
        await until(page, lambda: studio.waits == 0)
        await page.evaluate(HIDE, arg=False)
        await until(page, lambda: studio.waits == 1)


async def test_a_platform_with_an_odd_name_hides_no_message(browser: Browser) -> None:
    async with fake_rooms(browser) as [(page, studio)]:
        platforms = ("twitch", "constructor", "__proto__", "toString", "youtube")
        studio.messages = [
            {
                "id": it,
                "platform": it,
                "author": "Ada",
                "text": f"by {it}",
                "at": "2026-12-02T06:10:19Z",
            }
            for it in platforms
        ]
        studio.change()
        await page.wait_for_selector("#log li:has-text('by youtube')")
        assert [
            text.partition("by ")[2] for text in await page.locator("#log li p").all_inner_texts()
        ] == [*platforms]
