"""A read and a write for tests of single faults, and the failure in a result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import mcp

from tests.support.guarded_calls import STUDIO
from tests.world.wire import MODERN

if TYPE_CHECKING:
    from collections.abc import Iterable

    import mcp_types as types
    from mcp.server import Server

    from tests.support.product.faults import Fault
    from tests.support.product.sandbox import Sandbox

Call = tuple[str, dict[str, Any]]

READ: Final[Call] = ("get_stream_status", STUDIO)
WRITE: Final[Call] = ("send_chat_message", {**STUDIO, "text": "Hello"})
"""Needs no confirmation, so that it meets the fault itself."""

CHECK_FIRST: Final = (
    "It's unclear whether it took effect. Check with list_chat_messages before anything else."
)


async def results_of(
    server: Server[Any], sandbox: Sandbox, tool_call: Call, faults: Iterable[Fault]
) -> list[types.CallToolResult]:
    """The result of this read or write for each fault, by one client."""
    results = []
    async with mcp.Client(server, mode=MODERN, cache=None) as client:
        for fault in faults:
            sandbox.faults.add(fault, times=None, method="GET" if tool_call is READ else "POST")
            results.append(await client.call_tool(*tool_call))
            sandbox.faults.clear()
    return results


def failure_in(result: Any, sandbox: Sandbox) -> dict[str, object]:  # noqa: ANN401  the SDK's result
    """The failure in a result; the id of the last request in it becomes "ours"."""
    error = dict(result.structured_content["error"])
    assert result.is_error
    assert [block.text for block in result.content] == [error["message"]]
    if sandbox.requests and error.get("requestId") == sandbox.requests[-1].request_id:
        error["requestId"] = "ours"
    return error
