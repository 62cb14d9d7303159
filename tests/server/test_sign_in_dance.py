"""Signing in from end to end: the SDK's own OAuth client, and a person's browser."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.document_server import HOST, document, json_answer, serving_documents
from tests.support.guarded_calls import STUDIO
from tests.support.hosted_process import hosted_server
from tests.support.oauth_steps import OAuthSteps
from tests.support.sdk_oauth_client import TokenMemory, callback_page, sdk_oauth_client
from tests.support.served_sign_in import signing_in
from trax_mcp.sandbox import SANDBOX_KEY
from trax_mcp.server.tool_filter import ToolFilter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from mcp import Client

pytestmark = pytest.mark.slow

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
    """What a client can read."""
    return str((await client.call_tool("list_studios", {})).structured_content)


async def test_a_client_that_registers_signs_a_person_in_and_calls(
    tmp_path: Path, era: str
) -> None:
    """Metadata, registration, the page, code, token, calls; the client never sees the key."""
    memory = TokenMemory()
    async with (
        signing_in(tmp_path) as front,
        callback_page() as callback,
        front.steps() as steps,
        sdk_oauth_client(
            front.address, person_at(steps), callback, memory=memory, era=era
        ) as client,
    ):
        tools = (await client.list_tools()).tools
        studios = await names_of_studios(client)
        (sign_in,) = front.store.all()
    assert [tool.name for tool in tools] == [it.tool_name for it in ToolFilter().kinds()]
    assert "Friday Night Show" in studios
    assert set(front.keys) == {SANDBOX_KEY}
    assert memory.tokens is not None
    assert memory.client is not None
    assert memory.tokens.scope == "run"
    assert SANDBOX_KEY not in str(memory)
    assert sign_in.client_id == memory.client.client_id


async def test_a_client_with_a_document_signs_in_goes_live_refreshes_and_is_revoked(
    tmp_path: Path, era: str
) -> None:
    """It registers nowhere. Its page's address has another port than its document says."""
    memory = TokenMemory()
    async with (
        serving_documents() as host,
        signing_in(tmp_path, documents=host.documents()) as front,
        callback_page() as callback,
        front.steps(host.client_id()) as steps,
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
            left = front.store.all()
            bearer = {"authorization": f"Bearer {memory.tokens.access_token}"}
            after = await steps.http.post("/mcp", headers=bearer)
    assert (live.structured_content or {})["observed"]["state"] == "on_air"
    assert len(front.trax.mutations) == 1
    assert (memory.client and memory.client.client_id) == steps.client_id
    assert (left, after.status_code) == ([], 401)


async def test_a_sign_in_outlives_the_process(tmp_path: Path, era: str) -> None:
    """The process is killed. Nobody is asked again, and no secret is in what it wrote."""
    memory, written = TokenMemory(), ""
    async with callback_page() as callback:
        async with hosted_server(tmp_path, "--sandbox", settings=REGISTRATION) as first:
            async with (
                OAuthSteps(first.address) as steps,
                sdk_oauth_client(
                    first.address, person_at(steps), callback, memory=memory, era=era
                ) as client,
            ):
                assert "Friday Night Show" in await names_of_studios(client)
            await first.process.stop(signal.SIGKILL)
            written += first.process.stderr.text
        assert memory.tokens is not None
        tokens = memory.tokens
        async with hosted_server(
            tmp_path, "--sandbox", settings=REGISTRATION, port=first.port
        ) as second:
            async with sdk_oauth_client(
                second.address, nobody, callback, memory=memory, era=era
            ) as client:
                assert "Friday Night Show" in await names_of_studios(client)
            written += second.process.stderr.text + second.process.stdout.text
    for secret in (SANDBOX_KEY, tokens.access_token, tokens.refresh_token):
        assert str(secret) not in written


async def test_without_its_secret_everybody_signs_in_again(tmp_path: Path) -> None:
    """And the server says so when it starts."""
    async with hosted_server(tmp_path, "--sandbox", settings=REGISTRATION) as first:
        async with OAuthSteps(first.address) as steps:
            await steps.register()
            tokens = await steps.sign_in(SANDBOX_KEY)
        await first.process.stop(signal.SIGTERM)
    first.secret_file.unlink()
    async with (
        hosted_server(tmp_path, "--sandbox", settings=REGISTRATION, port=first.port) as second,
        OAuthSteps(second.address) as steps,
    ):
        await second.process.stderr.match("everybody signs in again")
        bearer = {"authorization": f"Bearer {tokens['access_token']}"}
        answer = await steps.http.post("/mcp", headers=bearer)
        assert answer.status_code == 401
