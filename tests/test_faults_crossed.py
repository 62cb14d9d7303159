"""An answer that belongs to another request is given to nobody: it may be another caller's.

A gateway that says one answer too many on a connection that is kept puts it in the place of the
next one. On a real socket; both callers share the connection.
"""

from __future__ import annotations

import json
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from tests.conftest import OWNER, no_pause
from tests.faults.wires import PATIENCE_SECONDS, and_then, head
from tests.ports import upstream
from tests.proxy import between
from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.errors import Failure, LostAnswer
from trax_mcp.api.operations import GetHealth, GetStudio, GoLive, ListConnections
from trax_mcp.sandbox import STRANGER_KEY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.proxy import Proxy

STRANGER: Final = Caller(STRANGER_KEY)
OTHERS: Final = f"mcp_{'0' * 32}"
"""The id of a request that somebody else has made here."""

CROSSED: Final = "TRaX answered another request in place of this one"


class Crossing(NamedTuple):
    """A client of ours, the way to TRaX, and the answer that waits on the connection."""

    client: Client
    proxy: Proxy


@asynccontextmanager
async def crossing(body: dict[str, object], request_id: str) -> AsyncIterator[Crossing]:
    """The owner has asked for a studio, and with it came an answer too many."""
    said = json.dumps(body).encode()
    told = head(length=len(said)).removesuffix(b"\r\n") + f"X-Request-Id: {request_id}".encode()
    async with upstream() as trax, between(trax.base_url, patience=PATIENCE_SECONDS) as proxy:
        client = Client(base_url=proxy.url, timeout_seconds=PATIENCE_SECONDS, sleep=no_pause)
        async with aclosing(client):
            proxy.mistreat(and_then(told + b"\r\n\r\n" + said))
            await client.send(GetStudio(studio_id="studio_42"), OWNER)
            proxy.relent()
            yield Crossing(client, proxy)


async def test_a_read_is_not_given_what_another_caller_has_asked_for() -> None:
    """It fails and may be made again, over another connection."""
    async with crossing({"data": [{"id": "conn_1"}]}, OTHERS) as cross:
        with pytest.raises(LostAnswer) as caught:
            await cross.client.send(ListConnections(), STRANGER)
        answer = await cross.client.send(ListConnections(), STRANGER)
    assert caught.value.failure == Failure(
        code="bad_answer",
        message=f"{CROSSED}; nothing was changed. Call again later.",
        happened=CROSSED,
        retryable=True,
        request_id=caught.value.failure.request_id,
    )
    assert [it["id"] for it in answer.data["data"]] == ["conn_90"]
    assert caught.value.failure.request_id != OTHERS


async def test_a_change_is_not_taken_for_done_because_another_one_was() -> None:
    """Whether it was done is not known: look first; and it is not sent again."""
    async with crossing({"encoderStreamId": "e", "destinationIds": []}, OTHERS) as cross:
        with pytest.raises(LostAnswer) as caught:
            await cross.client.send(GoLive(studio_id="studio_42"), OWNER)
        posts = [it for it in cross.proxy.exchanges if it.method == "POST"]
    assert caught.value.failure == Failure(
        code="bad_answer",
        message=f"{CROSSED}; whether it took effect is not known."
        " Look with get_stream_status before anything else.",
        happened=CROSSED,
        retryable=False,
        outcome="unknown",
        request_id=caught.value.failure.request_id,
    )
    assert len(posts) <= 1


async def test_what_is_public_may_come_from_a_cache() -> None:
    """With the id of whoever asked first: it belongs to everybody."""
    async with crossing({"status": "ok"}, OTHERS) as cross:
        answer = await cross.client.send(GetHealth(), OWNER)
    assert (answer.data, answer.request_id) == ({"status": "ok"}, OTHERS)
