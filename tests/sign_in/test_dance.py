"""Signing in from end to end: the SDK's own OAuth client, and a person's browser."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Final

from mcp import Client

from tests.support.document_server import HOST, document, json_answer, serving_documents
from tests.support.guarded_calls import STUDIO
from tests.support.hosted_process import hosted_server
from tests.support.loopback_ports import held_port
from tests.support.oauth_steps import OAuthSteps
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.sdk_oauth_client import TokenMemory, callback_page, sdk_oauth_client
from tests.support.served_sign_in import signing_in

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

REGISTRATION: Final = {"TRAX_SIGN_IN_REGISTRATION": "1"}


def person_at(steps: OAuthSteps) -> Callable[[str], Awaitable[None]]:
    """A person with the sandbox's key, who is sent to an address by their client."""

    async def sign_in(url: str) -> None:
        await steps.browser.get(await steps.connected(url, SANDBOX_KEY))

    return sign_in


async def nobody(url: str) -> None:
    """Fail: nobody is asked again."""
    raise AssertionError(url)


async def names_of_studios(client: Client) -> str:
    """The studios that a client can read."""
    return str((await client.call_tool("list_studios", {})).structured_content)


async def test_a_client_that_registers_signs_a_person_in_and_calls(
    tmp_path: Path, era: str
) -> None:
    """Metadata, registration, the page, code, token, calls; the client never sees the key."""
    memory = TokenMemory()
    async with (
        signing_in(tmp_path) as front,
        callback_page() as callback,
        front.steps_on_wire() as steps,
        sdk_oauth_client(
            front.address, person_at(steps), callback, memory=memory, era=era
        ) as client,
        Client(front.product.server(), cache=None) as has_key,
    ):
        tools = [it.name for it in (await client.list_tools()).tools]
        studios = await names_of_studios(client)
        (sign_in,) = front.sign_ins()
        assert tools == [it.name for it in (await has_key.list_tools()).tools]
    assert "Friday Night Show" in studios
    assert set(front.keys) == {SANDBOX_KEY}
    assert memory.tokens is not None
    assert memory.client is not None
    assert memory.tokens.scope == "run"
    assert SANDBOX_KEY not in str(memory)
    assert sign_in["clientId"] == memory.client.client_id


async def test_a_client_with_a_document_signs_in_goes_live_refreshes_and_is_revoked(
    tmp_path: Path, era: str
) -> None:
    """It registers nowhere. Its page's address has another port than its document says."""
    memory = TokenMemory()
    async with (
        serving_documents() as host,
        signing_in(tmp_path, internet=host.internet()) as front,
        callback_page() as callback,
        front.steps_on_wire(host.client_id()) as steps,
    ):
        host.answers[HOST] = json_answer(
            document(steps.client_id, redirect_uris=["http://127.0.0.1/callback"])
        )
        async with sdk_oauth_client(
            front.address,
            person_at(steps),
            callback,
            memory=memory,
            document=steps.client_id,
            era=era,
        ) as client:
            preview = await client.call_tool("go_live", STUDIO)
            assert front.trax.mutations == []
            confirmation = (preview.structured_content or {})["confirmation"]
            live = await client.call_tool(
                "go_live", {**STUDIO, "confirm": True, "confirmation": confirmation}
            )
            assert memory.tokens is not None
            refreshed = (await steps.refresh(str(memory.tokens.refresh_token))).json()
            given = {"token": refreshed["access_token"], "client_id": steps.client_id}
            await steps.http.post("/revoke", data=given)
            left = front.sign_ins()
            bearer = {"authorization": f"Bearer {memory.tokens.access_token}"}
            after = await steps.http.post("/mcp", headers=bearer)
    assert (live.structured_content or {})["observed"]["state"] == "on_air"
    assert len(front.trax.mutations) == 1
    assert (memory.client and memory.client.client_id) == steps.client_id
    assert (left, after.status_code) == ([], 401)


async def test_a_sign_in_outlives_the_process(tmp_path: Path) -> None:
    """The process is killed. Nobody is asked again, and no secret is in what it wrote."""
    memory, written = TokenMemory(), ""
    with held_port() as port:
        async with callback_page() as callback:
            async with hosted_server(
                tmp_path, "--sandbox", settings=REGISTRATION, port=port
            ) as first:
                async with (
                    OAuthSteps(first.address) as steps,
                    sdk_oauth_client(
                        first.address, person_at(steps), callback, memory=memory
                    ) as client,
                ):
                    assert "Friday Night Show" in await names_of_studios(client)
                await first.process.stop(signal.SIGKILL)
                written += first.process.stderr.text
            assert memory.tokens is not None
            tokens = memory.tokens
            async with hosted_server(
                tmp_path, "--sandbox", settings=REGISTRATION, port=port
            ) as second:
                async with sdk_oauth_client(
                    second.address, nobody, callback, memory=memory
                ) as client:
                    assert "Friday Night Show" in await names_of_studios(client)
                written += second.process.stderr.text + second.process.stdout.text
    for secret in (SANDBOX_KEY, tokens.access_token, tokens.refresh_token):
        assert str(secret) not in written
