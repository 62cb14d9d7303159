"""The control room on its page: `trax-mcp room` in a process of its own, and a real browser."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from proof.browser.opened_pages import follow
from tests.support.server_process import PATIENCE_SECONDS, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, Page

    from tests.support.opened_addresses import OpenedAddresses
    from tests.support.server_process import Running


@asynccontextmanager
async def in_room(
    browser: Browser, opened: OpenedAddresses
) -> AsyncIterator[tuple[Running, Page, list[str]]]:
    """A tab with the room of the Friday Night Show, its server, and what it has logged."""
    async with running("room", "studio_42", "--sandbox", settings=opened.environment) as server:
        page = await (await browser.new_context()).new_page()
        page.set_default_timeout(PATIENCE_SECONDS * 1000)
        logged: list[str] = []
        page.on("console", lambda message: logged.append(message.text))
        page.on("pageerror", lambda error: logged.append(str(error)))
        await follow(page, opened)
        yield server, page, logged


async def light(page: Page, words: str) -> None:
    """Wait until the light says something."""
    await page.wait_for_selector(f"#light:has-text('{words}')")


async def test_a_show_is_run_in_the_browser_alone(
    browser: Browser, opened: OpenedAddresses
) -> None:
    """Nothing that the page needs is refused by its policy."""
    async with in_room(browser, opened) as (_, page, logged):
        await light(page, "OFF AIR")
        assert "#" not in page.url, "the secret is gone from the address bar"
        await page.click("#air")
        await page.click("button.yes:enabled")
        await light(page, "ON AIR")
        await page.fill(".write input", "Hello from the browser")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#log li.own:has-text('Hello from the browser')")
        await page.click("#air")
        await page.click("button.yes:enabled")
        await light(page, "OFF AIR")
        assert logged == []


async def test_a_reloaded_tab_goes_on_and_a_second_one_says_where_the_room_is(
    browser: Browser, opened: OpenedAddresses
) -> None:
    async with in_room(browser, opened) as (_, page, _):
        await light(page, "OFF AIR")
        await page.reload()
        await light(page, "OFF AIR")
        second = await page.context.new_page()
        await second.goto(page.url)
        await second.wait_for_selector("#contact:has-text('open in another tab')")
        assert await second.is_hidden("main")
        await page.click("#air")
        await page.click("button.no:enabled")
        await light(page, "OFF AIR")
