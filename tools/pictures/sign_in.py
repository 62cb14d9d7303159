"""Draws what a person sees of a hosted server: the front page, signing in, and the passkey page."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio

from tests import ROOT
from tests.support.opened_addresses import OpenedAddresses
from tests.world.sign_in import CLAUDE, CLAUDE_CALLBACK, signing_in
from tests.world.world import MINE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from playwright.async_api import Browser, Page

    Drawn = Callable[[Page, str], Awaitable[None]]

_APP: Final = "cursor://anysphere.cursor-mcp/oauth/callback"
"""No program here opens it, so the last page stays."""


_NAME_SERVER: Final = """
(host) => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode;
    text.data = text.data.replaceAll(`http://${host}`, "https://trax.example.com")
      .replaceAll(host, "trax.example.com");
  }
}
"""
"""Shows a name in place of this computer's address, whose port is another one each time."""


async def draw_sign_in(browser: Browser, draw: Drawn) -> None:
    """Draw the pages of a server with practice studios, one after the other."""
    page = await browser.new_page()
    with tempfile.TemporaryDirectory() as folder:
        async with signing_in(Path(folder), TRAX_SANDBOX="1") as it:

            async def drawn(page: Page, name: str) -> None:
                await page.evaluate(_NAME_SERVER, it.address.removeprefix("http://"))
                await draw(page, name)

            async with it.steps(CLAUDE, redirect_uri=CLAUDE_CALLBACK) as steps:
                await page.goto(it.address)
                await drawn(page, "front")
                await page.goto(steps.request())
                await drawn(page, "key")
                await _type_key(page, "sk_live_wrong")
                await page.get_by_role("alert").wait_for()
                await drawn(page, "wrong-key")
                await _type_key(page, MINE)
                await page.get_by_role("heading", name="Connect").wait_for()
                await drawn(page, "connect")
            async with it.steps(redirect_uri=_APP) as steps:
                registered = await steps.register(client_name="Cursor", redirect_uris=[_APP])
                registered.raise_for_status()
                await page.goto(steps.request())
                await drawn(page, "unverified")
                await _type_key(page, MINE)
                await page.get_by_role("button", name="Connect").click()
                await page.get_by_role("heading", name="Connected").wait_for()
                await drawn(page, "connected")
                await steps.sign_in(MINE)
            await page.close()
            page = await browser.new_page()  # the other one still waits for the app
            await page.goto(f"{it.address}/sign-in/sessions")
            await drawn(page, "sessions-key")
            await page.get_by_label("Your TRaX key").fill(MINE)
            await page.get_by_role("button", name="Show").click()
            await page.get_by_role("heading", name="Signed in with your key", exact=True).wait_for()
            await drawn(page, "sessions")
    await page.close()


async def draw_passkey(browser: Browser, drawn: Drawn) -> None:
    """Draw the page that makes a passkey."""
    page = await browser.new_page()
    with tempfile.TemporaryDirectory() as folder:
        opened = OpenedAddresses(Path(folder))
        opened.environment["TRAX_PASSKEY_FILE"] = str(Path(folder) / "passkey.json")
        command = [sys.executable, "-m", "trax_mcp", "passkey"]
        async with await anyio.open_process(command, env=opened.environment, cwd=ROOT) as process:
            await page.goto(await opened.next())
            await page.locator("#make:enabled").wait_for()
            await drawn(page, "passkey")
            process.terminate()
    await page.close()


async def _type_key(page: Page, key: str) -> None:
    await page.get_by_label("Your TRaX key").fill(key)
    await page.get_by_role("radio", name="Run shows").check()
    await page.get_by_role("button", name="Continue").click()
