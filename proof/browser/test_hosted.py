"""`make hosted`, with a person in a real Chromium: a sign-in, and a yes in the panel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proof.browser.test_sign_in_dance import fill_in
from tests.support.server_process import PATIENCE_SECONDS, running

if TYPE_CHECKING:
    from playwright.async_api import Browser


async def test_a_person_plays_it(browser: Browser) -> None:
    """It prints where to go, and ends by itself."""
    context = await browser.new_context()
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    program = ("-m", "proof.hosted.play", "--print")
    async with running(program=program) as play:
        asked = await play.stdout.match(r"^ +(http://\S+/authorize\?\S+)$")
        await fill_in(context, asked[1])
        page = await context.new_page()
        panel_address = await play.stdout.match(r"^ +(http://127\.0\.0\.1:\d+/[\w-]{22}/)$")
        await page.goto(panel_address[1])
        panel = page.frame_locator("iframe")
        await panel.locator("button.yes:enabled").click()
        await panel.locator(".outcome:has-text('Done. It is on air.')").wait_for()
        assert await play.finish() == 0
        assert "On air for " in play.stdout.text
        assert "401" in play.stdout.all[-1]
