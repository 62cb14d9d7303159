"""The demo on servers whose clock advances with each call, with one defective tool."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import mcp_types as types

from tests.support.product.demo import play_demo

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mcp.server import Server, ServerRequestContext
    from rich.console import Console

    from tests.support.product.shared_clock import HandClock

    Params = types.CallToolRequestParams
    Result = types.CallToolResult | types.InputRequiredResult
    Tool = Callable[[Params], Awaitable[Result]]
    Defect = Callable[[Tool, Params], Awaitable[Result]]

MARKUP: Final = "[bold]mind[/bold] the \x1b[2J\u202esound"
"""A viewer's text with rich markup, a control sequence and a direction override."""

_SECONDS_OF_A_CALL: Final = 1
_SECONDS_OF_A_WAIT: Final = 4


async def only_saying_that_it_is_on_air(tool: Tool, params: Params) -> Result:
    """Ask, and then say so without sending anything."""
    if params.request_state is None:
        return await tool(params)
    observed = {"state": "on_air", "since": "2026", "checkedAt": "now"}
    return types.CallToolResult(content=[], structured_content={"observed": observed})


async def with_markup(tool: Tool, params: Params) -> Result:
    """Replace a chat message with `MARKUP`."""
    result = await tool(params)
    for message in _content(result)["messages"]:
        message["text"] = MARKUP if "sound" in message["text"] else message["text"]
    return result


def play_fast(console: Console, defective: str = "", defect: Defect = with_markup) -> int:
    """Play the demo without waiting, with this tool defective, if any; returns its exit code."""
    return play_demo(console, alter=partial(_alter, defective=defective, defect=defect))


def _alter(server: Server[Any], clock: HandClock, *, defective: str, defect: Defect) -> None:
    entry = server.get_request_handler("tools/call")
    assert entry is not None

    async def call(ctx: ServerRequestContext[Any, Any], params: Params) -> Result:
        is_wait = params.name == "wait_for_chat_messages"
        clock.advance(_SECONDS_OF_A_WAIT if is_wait else _SECONDS_OF_A_CALL)

        async def tool(params: Params) -> Result:
            result = await entry.handler(ctx, params)
            assert isinstance(result, types.CallToolResult | types.InputRequiredResult)
            return result

        return await (defect(tool, params) if params.name == defective else tool(params))

    server.add_request_handler("tools/call", types.CallToolRequestParams, call)


def _content(result: Result) -> dict[str, Any]:
    if isinstance(result, types.InputRequiredResult):
        return {}
    return result.structured_content or {}
