"""The whole way of a hosted server: the SDK's own OAuth client, and a person in a real Chromium.

Metadata, the client's document or its registration, the page, code, tokens, calls, a go-live with
its yes in the panel, a refresh, and the end on the page of sign-ins; in both protocol eras.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from proof.browser.panels import APPS, show_panel
from tests.support.document_server import HOST, document, json_answer, serving_documents
from tests.support.guarded_calls import GO_LIVE, STUDIO
from tests.support.sdk_oauth_client import TokenMemory, callback_page, sdk_oauth_client
from tests.support.server_process import PATIENCE_SECONDS
from tests.world.sign_in import signing_in
from tests.world.wire import ERAS
from tests.world.world import MINE

if TYPE_CHECKING:
    from pathlib import Path

    from mcp import Client
    from playwright.async_api import Browser, BrowserContext

    from tests.world.sign_in import SignInWorld


@pytest.mark.parametrize(
    ("way", "era"), [*zip(("document", "registration"), ERAS, strict=True)], ids=str
)
async def test_a_person_signs_in_goes_live_and_ends_it(
    browser: Browser, tmp_path: Path, era: str, way: str
) -> None:
    """The key is in no token, and the client never has it. `way` is how it says who it is."""
    memory, visits = TokenMemory(), []
    context = await browser.new_context()
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    async with (
        serving_documents() as host,
        callback_page() as callback,
        signing_in(
            tmp_path,
            internet=host.internet(),
            TRAX_ASK="form,panel,preview",
            TRAX_SIGN_IN_REGISTRATION=str(int(way == "registration")),
        ) as it,
    ):
        loopback = {"redirect_uris": ["http://127.0.0.1/callback"]}
        host.answers[HOST] = json_answer(document(host.client_id(), **loopback))

        async def sign_in(url: str) -> None:
            visits.append(url)
            await fill_in(context, url)

        client_of = partial(
            sdk_oauth_client,
            it.address,
            sign_in,
            callback,
            memory=memory,
            document=host.client_id() if way == "document" else None,
            era=era,
            extensions=APPS,
        )
        async with client_of() as client:
            await go_live(browser, it, client)
            await refresh(client, memory)
            assert len(visits) == 1
        await end(context, it)  # an open client would sign in again by itself
        async with client_of() as client:  # the person is sent to the page again
            assert not (await client.call_tool("list_studios", {})).is_error
        (sign_in_now,) = it.sign_ins()
        assert set(it.keys) == {MINE}
    assert len(visits) == 2
    assert len(host.requests) == int(way == "document")
    assert memory.client
    assert (memory.client.client_id == host.client_id()) is (way == "document")
    assert sign_in_now["clientId"] == memory.client.client_id
    assert MINE not in str(memory)


async def fill_in(context: BrowserContext, url: str) -> None:
    """A person signs in, and is sent back to the client."""
    page = await context.new_page()
    await page.goto(url)
    await page.get_by_role("radio", name="Run shows").check()
    await page.get_by_label("Your TRaX key").fill(MINE)
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_role("button", name="Connect").click()
    await page.wait_for_url("**/callback?**")
    assert MINE not in await page.content()
    await page.close()


async def go_live(browser: Browser, it: SignInWorld, client: Client) -> None:
    """Go live with a click in the panel."""
    asked = await client.call_tool("go_live", STUDIO)
    assert (asked.structured_content or {})["status"] == "asking", asked
    assert it.sent == []
    page, _ = await show_panel(browser, client, asked)
    panel = page.frame_locator("iframe")
    await panel.locator("button.yes").wait_for()
    it.hand_clock.advance(2)  # no yes counts in the first second
    await panel.locator("button.yes:enabled").click()
    await panel.locator('h2:has-text("You\'re live")').wait_for()
    later = await client.call_tool("go_live", STUDIO)
    assert (later.structured_content or {})["observed"]["state"] == "on_air"
    assert it.sent == [GO_LIVE.sent]


async def refresh(client: Client, memory: TokenMemory) -> None:
    """The client takes another pair of tokens by itself."""
    assert memory.tokens is not None
    before = memory.tokens
    memory.let_token_end()
    await client.call_tool("list_studios", {})
    assert memory.tokens.access_token != before.access_token
    assert memory.tokens.refresh_token != before.refresh_token


async def end(context: BrowserContext, it: SignInWorld) -> None:
    """The person ends it on the page of sign-ins."""
    page = await context.new_page()
    await page.goto(f"{it.address}/sign-in/sessions")
    await page.get_by_label("Your TRaX key").fill(MINE)
    await page.get_by_role("button", name="Show").click()
    end_it = page.get_by_role("button", name="End").first
    await end_it.click()
    await end_it.wait_for(state="detached")
    assert it.sign_ins() == []
    await page.close()
