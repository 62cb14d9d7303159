"""A response to another request is returned to no caller: it may hold another account's data.

A gateway sends one response too many on a kept connection, in front of the next one. On a real
socket; both callers share the connection.
"""

from __future__ import annotations

import json
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from tests.conftest import OWNER, no_pause
from tests.support.fault_table.wire_cases import TIMEOUT_SECONDS, followed_by, head
from tests.support.product.local_servers import upstream
from tests.support.product.sandbox_accounts import ANOTHER_ACCOUNT_KEY
from tests.support.tcp_proxy import proxy_to
from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.errors import Failure, LostAnswer
from trax_mcp.api.operations import GetHealth, GetStudio, GoLive, ListConnections

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.tcp_proxy import Proxy

OTHER_CALLER: Final = Caller(ANOTHER_ACCOUNT_KEY)
OTHER_REQUEST_ID: Final = f"mcp_{'0' * 32}"
"""The id of another client's request."""

MISMATCH: Final = "TRaX answered another request in place of this one"


class MismatchSetup(NamedTuple):
    """A client, and the proxy with an extra response on the connection."""

    client: Client
    proxy: Proxy


@asynccontextmanager
async def open_setup(body: dict[str, object], request_id: str) -> AsyncIterator[MismatchSetup]:
    """The owner has read a studio; an extra response followed on the same connection."""
    encoded = json.dumps(body).encode()
    response = (
        head(length=len(encoded)).removesuffix(b"\r\n") + f"X-Request-Id: {request_id}".encode()
    )
    async with upstream() as trax, proxy_to(trax.base_url, stall_seconds=TIMEOUT_SECONDS) as proxy:
        client = Client(base_url=proxy.url, timeout_seconds=TIMEOUT_SECONDS, sleep=no_pause)
        async with aclosing(client):
            proxy.add_fault(followed_by(response + b"\r\n\r\n" + encoded))
            await client.send(GetStudio(studio_id="studio_42"), OWNER)
            proxy.clear_faults()
            yield MismatchSetup(client, proxy)


async def test_a_read_does_not_return_the_response_to_another_request() -> None:
    """It fails and can be retried, on another connection."""
    async with open_setup({"data": [{"id": "conn_1"}]}, OTHER_REQUEST_ID) as setup:
        with pytest.raises(LostAnswer) as caught:
            await setup.client.send(ListConnections(), OTHER_CALLER)
        answer = await setup.client.send(ListConnections(), OTHER_CALLER)
    assert caught.value.failure == Failure(
        code="bad_answer",
        message=f"{MISMATCH}. Call again later.",
        happened=MISMATCH,
        retryable=True,
        request_id=caught.value.failure.request_id,
    )
    assert [it["id"] for it in answer.data["data"]] == ["conn_90"]
    assert caught.value.failure.request_id != OTHER_REQUEST_ID


async def test_a_change_answered_by_another_response_has_an_unknown_outcome() -> None:
    """It is not sent again; the failure says to check first."""
    async with open_setup(
        {"encoderStreamId": "e", "destinationIds": []}, OTHER_REQUEST_ID
    ) as setup:
        with pytest.raises(LostAnswer) as caught:
            await setup.client.send(GoLive(studio_id="studio_42"), OWNER)
        posts = [it for it in setup.proxy.exchanges if it.method == "POST"]
    assert caught.value.failure == Failure(
        code="bad_answer",
        message=f"{MISMATCH}; whether it took effect is not known."
        " Look with get_stream_status before anything else.",
        happened=MISMATCH,
        retryable=False,
        outcome="unknown",
        request_id=caught.value.failure.request_id,
    )
    assert len(posts) <= 1


async def test_a_public_response_may_have_another_request_id() -> None:
    """A cached response has the id of the request that filled the cache."""
    async with open_setup({"status": "ok"}, OTHER_REQUEST_ID) as setup:
        answer = await setup.client.send(GetHealth(), OWNER)
    assert (answer.data, answer.request_id) == ({"status": "ok"}, OTHER_REQUEST_ID)
