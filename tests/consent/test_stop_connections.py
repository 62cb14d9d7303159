"""Over real sockets: a stop has connections that no flood of other requests can take."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import anyio
import pytest
from mcp import Client

from tests.support.consent_clients import SECOND_KEY, status_and_reason
from tests.support.guarded_calls import GO_OFFLINE, STUDIO
from tests.support.jsonrpc import MODERN
from tests.support.product.local_servers import Held, upstream
from tests.support.product.server import Product
from tests.support.server_process import PATIENCE_SECONDS

if TYPE_CHECKING:
    from mcp.types import CallToolResult


@pytest.mark.parametrize(
    ("tool", "arguments", "path"),
    [
        ("send_chat_message", {**STUDIO, "text": "Hello"}, "*/chat/messages"),
        ("list_media", {}, "*/media"),
    ],
    ids=["changes", "reads"],
)
async def test_a_stop_is_sent_while_300_other_calls_are_in_flight(
    tool: str, arguments: dict[str, object], path: str
) -> None:
    """Of another key; the upstream answers none of them."""
    held = Held()
    async with upstream() as sandbox:
        sandbox.add_key(SECOND_KEY)
        settings = {"TRAX_BASE_URL": sandbox.base_url, "TRAX_TIMEOUT_SECONDS": "20"}
        product = Product(sandbox, settings=settings)
        sandbox.faults.add(held.fault, times=None, path=path)
        async with (
            Client(product.server(), mode=MODERN, cache=None) as mine,
            Client(product.server(SECOND_KEY), mode=MODERN, cache=None) as other,
            anyio.create_task_group() as tasks,
        ):
            for _ in range(300):
                tasks.start_soon(partial(other.call_tool, tool, arguments))
            await held.arrived()
            with anyio.fail_after(PATIENCE_SECONDS):
                stopped = await _stop(mine)
            assert status_and_reason(stopped) == ("ran", None)
            assert GO_OFFLINE.sent in sandbox.sent
            held.release()
            tasks.cancel_scope.cancel()


async def _stop(client: Client) -> CallToolResult:
    shown = await client.call_tool(GO_OFFLINE.tool, GO_OFFLINE.arguments)
    confirmation = (shown.structured_content or {})["confirmation"]
    evidence = {"confirm": True, "confirmation": confirmation}
    return await client.call_tool(GO_OFFLINE.tool, {**GO_OFFLINE.arguments, **evidence})
