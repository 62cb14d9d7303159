"""The whole way of a hosted server: the SDK's own OAuth client, and a person in a real Chromium.

Metadata, the client's document or its registration, the page, code, tokens, calls, a go-live with
its yes in the panel, a refresh, and the end on the page of sign-ins; in both protocol eras.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import pytest

from proof.browser.panels import APPS, show_panel
from tests.support.document_server import HOST, document, json_answer, serving_documents
from tests.support.guarded_calls import STUDIO
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.sdk_oauth_client import TokenMemory, callback_page, sdk_oauth_client
from tests.support.served_sign_in import signing_in
from tests.support.server_process import PATIENCE_SECONDS
from tests.world.wire import ERAS

if TYPE_CHECKING:
    from pathlib import Path

    from mcp import Client
    from playwright.async_api import Browser, BrowserContext

    from tests.support.served_sign_in import SignInFront

WAYS: Final = ("document", "registration")
"""How the client says who it is."""


@pytest.mark.parametrize(("way", "era"), [*zip(WAYS, ERAS, strict=True)])
async def test_a_person_signs_in_goes_live_and_ends_it(
    browser: Browser, tmp_path: Path, era: str, way: str
) -> None:
    """The key is in no token, and the client never has it."""
    memory, visits = TokenMemory(), []
    context = await browser.new_context()
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    async with serving_documents() as host, callback_page() as callback:
        loopback = {"redirect_uris": ["http://127.0.0.1/callback"]}
        host.answers[HOST] = json_answer(document(host.client_id(), **loopback))
        async with signing_in(
            tmp_path,
            internet=host.internet(),
            TRAX_ASK="form,panel",
            TRAX_SIGN_IN_REGISTRATION=str(int(way == "registration")),
        ) as front:

            async def sign_in(url: str) -> None:
                visits.append(url)
                await fill_in(context, url)

            client_of = partial(
                sdk_oauth_client,
                front.address,
                sign_in,
                callback,
                memory=memory,
                document=host.client_id() if way == "document" else None,
                era=era,
                extensions=APPS,
            )
            async with client_of() as client:
                await go_live(browser, front, client)
                await refresh(client, memory)
                assert len(visits) == 1
            await end(context, front)  # an open client would sign in anew by itself
            async with client_of() as client:  # the person is sent to the page again
                assert not (await client.call_tool("list_studios", {})).is_error
            (sign_in_now,) = front.sign_ins()
    assert len(visits) == 2
    assert len(host.requests) == int(way == "document")
    known = host.client_id() if way == "document" else memory.client and memory.client.client_id
    assert sign_in_now["clientId"] == known
    assert set(front.keys) == {SANDBOX_KEY}
    assert SANDBOX_KEY not in str(memory)


async def fill_in(context: BrowserContext, url: str) -> None:
    """A person signs in, and is sent back to the client."""
    page = await context.new_page()
    await page.goto(url)
    await page.get_by_role("radio", name="Run shows").check()
    await page.get_by_label("Your TRaX key").fill(SANDBOX_KEY)
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_role("button", name="Connect").click()
    await page.wait_for_url("**/callback?**")
    assert SANDBOX_KEY not in await page.content()
    await page.close()


async def go_live(browser: Browser, front: SignInFront, client: Client) -> None:
    """Go live with a click in the panel."""
    asked = await client.call_tool("go_live", STUDIO)
    assert (asked.structured_content or {})["status"] == "asking", asked
    assert front.trax.mutations == []
    page, _ = await show_panel(browser, client, asked)
    panel = page.frame_locator("iframe")
    await panel.locator("button.yes").wait_for()
    front.clock.advance(2)  # no yes counts in the first second
    await panel.locator("button.yes:enabled").click()
    await panel.locator(".outcome:has-text('Done. It is on air.')").wait_for()
    later = await client.call_tool("go_live", STUDIO)
    assert (later.structured_content or {})["observed"]["state"] == "on_air"
    assert [it.path for it in front.trax.mutations] == ["/v1/studios/studio_42/go-live"]


async def refresh(client: Client, memory: TokenMemory) -> None:
    """The client takes another pair of tokens by itself."""
    assert memory.tokens is not None
    before = memory.tokens
    memory.let_token_end()
    await client.call_tool("list_studios", {})
    assert memory.tokens.access_token != before.access_token
    assert memory.tokens.refresh_token != before.refresh_token


async def end(context: BrowserContext, front: SignInFront) -> None:
    """The person ends it on the page of sign-ins."""
    page = await context.new_page()
    await page.goto(f"{front.address}/sign-in/sessions")
    await page.get_by_label("Your TRaX key").fill(SANDBOX_KEY)
    await page.get_by_role("button", name="Show").click()
    end_it = page.get_by_role("button", name="End").first
    await end_it.click()
    await end_it.wait_for(state="detached")
    assert front.sign_ins() == []
    await page.close()
