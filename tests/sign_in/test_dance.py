"""Signing in from end to end: the SDK's own OAuth client, and a person's browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from mcp import Client

from tests.support.document_server import HOST, document, json_answer, serving_documents
from tests.support.guarded_calls import STUDIO
from tests.support.sdk_oauth_client import TokenMemory, callback_page, sdk_oauth_client
from tests.world.answers import data_of
from tests.world.caller import PREVIEW_SECONDS
from tests.world.sign_in import signing_in
from tests.world.wire import ERAS
from tests.world.world import MINE

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("way", "era"), [*zip(("document", "registration"), ERAS, strict=True)], ids=str
)
async def test_a_client_signs_a_person_in_goes_live_refreshes_and_is_revoked(
    way: str, era: str, tmp_path: Path
) -> None:
    """Metadata, registration or document, the page, code, tokens. The client never has the key.

    The page that it opens for the answer has another port than its document says.
    """
    memory = TokenMemory()
    async with (
        serving_documents() as host,
        signing_in(
            tmp_path,
            internet=host.internet(),
            TRAX_SIGN_IN_REGISTRATION=str(int(way == "registration")),
        ) as it,
        callback_page() as callback,
        it.steps_on_wire() as steps,
        Client(it.product.server(), cache=None) as has_key,
    ):
        loopback = {"redirect_uris": ["http://127.0.0.1/callback"]}
        host.answers[HOST] = json_answer(document(host.client_id(), **loopback))

        async def sign_in(url: str) -> None:
            await steps.browser.get(await steps.connected(url, MINE))

        async with sdk_oauth_client(
            it.address,
            sign_in,
            callback,
            memory=memory,
            document=host.client_id() if way == "document" else None,
            era=era,
        ) as client:
            offered = [tool.name for tool in (await client.list_tools()).tools]
            assert offered == [tool.name for tool in (await has_key.list_tools()).tools]
            shown = data_of(await client.call_tool("go_live", STUDIO))
            assert it.sent == []
            it.hand_clock.advance(PREVIEW_SECONDS)
            yes = {"confirm": True, "confirmation": shown["confirmation"]}
            live = data_of(await client.call_tool("go_live", {**STUDIO, **yes}))
            assert live["observed"]["state"] == "on_air"
            first = memory.tokens
            memory.let_token_end()
            assert not (await client.call_tool("list_studios", {})).is_error
            tokens, known = memory.tokens, memory.client
            assert tokens
            assert known
            assert tokens != first
            assert tokens.scope == "run"
            (sign_in_now,) = it.sign_ins()
            assert sign_in_now["clientId"] == known.client_id
            assert (known.client_id == host.client_id()) is (way == "document")
            given = {"token": tokens.access_token, "client_id": str(known.client_id)}
            await steps.http.post("/revoke", data=given)
            assert it.sign_ins() == []
            assert await it.status_of({"access_token": tokens.access_token}) == 401
        assert len(it.sent) == 1
        assert set(it.keys) == {MINE}
    assert MINE not in str(memory)
