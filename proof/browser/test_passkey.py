"""A passkey, from `trax-mcp passkey` to a go-live that only its signature starts."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import anyio
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from proof.browser.opened_pages import follow
from tests import ROOT
from tests.support.guarded_calls import STUDIO
from tests.support.server_process import PATIENCE_SECONDS

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Browser, CDPSession, Page

    from tests.support.opened_addresses import OpenedAddresses


async def _authenticator(page: Page) -> tuple[CDPSession, str]:
    """A virtual authenticator of the browser, whose user is verified until the test says no."""
    session = await page.context.new_cdp_session(page)
    await session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    made = await session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session, made["authenticatorId"]


async def _enrol(page: Page, opened: OpenedAddresses, file: Path) -> None:
    opened.environment["TRAX_PASSKEY_FILE"] = str(file)
    command = [sys.executable, "-m", "trax_mcp", "passkey"]
    async with await anyio.open_process(command, env=opened.environment, cwd=ROOT) as process:
        await follow(page, opened)
        await page.click("#make")
        await page.wait_for_selector("h2:has-text('Your passkey is ready')")
        with anyio.fail_after(PATIENCE_SECONDS):
            assert await process.wait() == 0
    opened.forget()


async def test_a_yes_needs_the_passkey_and_a_stop_does_not(
    browser: Browser, opened: OpenedAddresses, tmp_path: Path
) -> None:
    page = await (await browser.new_context()).new_page()
    page.set_default_timeout(PATIENCE_SECONDS * 1000)
    session, authenticator = await _authenticator(page)
    file = tmp_path / "passkey.json"
    await _enrol(page, opened, file)
    assert file.stat().st_mode & 0o777 == 0o600

    server = StdioServerParameters(
        command=sys.executable, args=["-m", "trax_mcp"], env=opened.environment, cwd=ROOT
    )
    async with Client(stdio_client(server)) as client, anyio.create_task_group() as tasks:
        results: list[Any] = []

        async def go_live() -> None:
            results.append(await client.call_tool("go_live", STUDIO))

        tasks.start_soon(go_live)
        await follow(page, opened)
        await page.wait_for_selector("button.yes:enabled")
        verified = {"authenticatorId": authenticator, "isUserVerified": False}
        await session.send("WebAuthn.setUserVerified", verified)
        await page.click("button.yes")
        await page.wait_for_selector("#notice:has-text('so nothing was sent')")
        assert results == []
        verified["isUserVerified"] = True
        await session.send("WebAuthn.setUserVerified", verified)
        await page.click("button.yes:enabled")
        await page.wait_for_selector('h2:has-text("You\'re live")')
        with anyio.fail_after(PATIENCE_SECONDS):
            while not results:
                await anyio.lowlevel.checkpoint()
        assert results[0].meta["live.traxstreaming/approvedIn"] == "passkey"
        stop = await client.call_tool("go_offline", STUDIO)
        assert stop.structured_content["status"] == "asking"
        assert stop.structured_content["confirmation"]
        await page.click("section:has(h2:has-text('off air?')) button.yes:enabled")
        await page.wait_for_selector('h2:has-text("You\'re off air")')
