"""Over real sockets: a stop has connections that no flood of other requests can take."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import anyio
import pytest
from mcp import Client

from tests.support.consent_clients import SECOND_KEY, servers, status_and_reason
from tests.support.guarded_calls import GO_OFFLINE, STUDIO
from tests.support.jsonrpc import MODERN
from tests.support.product.local_servers import Held, upstream
from tests.support.server_process import PATIENCE_SECONDS
from trax_mcp.api import client as trax_client
from trax_mcp.sandbox.keys import ACCOUNT, SCOPES
from trax_mcp.sandbox.records import Key
from trax_mcp.server.app import ServerDeps

if TYPE_CHECKING:
    from mcp.types import CallToolResult

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("tool", "arguments", "path"),
    [("send_chat_message", {"text": "Hello"}, "*/chat/messages"), ("list_media", None, "*/media")],
    ids=["changes", "reads"],
)
async def test_a_stop_is_sent_while_300_other_calls_are_in_flight(
    tool: str, arguments: dict[str, object] | None, path: str
) -> None:
    """Of another key; the upstream answers none of them."""
    held = Held()
    async with upstream() as sandbox:
        sandbox.world.keys[SECOND_KEY] = Key(SECOND_KEY, "second", ACCOUNT, SCOPES)
        client = trax_client.Client(
            base_url=sandbox.base_url, timeout_seconds=20, now=lambda: datetime.now(UTC)
        )
        first, second = servers(client, ServerDeps())
        sandbox.faults.add(held.fault, times=None, path=path)
        async with (
            Client(first, mode=MODERN, cache=None) as mine,
            Client(second, mode=MODERN, cache=None) as other,
            anyio.create_task_group() as tasks,
        ):
            for _ in range(300):
                tasks.start_soon(
                    partial(other.call_tool, tool, {} if arguments is None else STUDIO | arguments)
                )
            await held.arrived()
            with anyio.fail_after(PATIENCE_SECONDS):
                stopped = await _stop(mine)
            assert status_and_reason(stopped) == ("ran", None)
            assert [it.path for it in sandbox.mutations if "go-offline" in it.path]
            held.release()
            tasks.cancel_scope.cancel()
        await client.aclose()


async def _stop(client: Client) -> CallToolResult:
    shown = await client.call_tool(GO_OFFLINE.tool, GO_OFFLINE.arguments)
    confirmation = (shown.structured_content or {})["confirmation"]
    evidence = {"confirm": True, "confirmation": confirmation}
    return await client.call_tool(GO_OFFLINE.tool, {**GO_OFFLINE.arguments, **evidence})
