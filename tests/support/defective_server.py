"""The demo on servers whose clock advances with each call, without or with one defective tool."""

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


async def ignoring_answers(tool: Tool, params: Params) -> Result:
    """Ask a question and run the call whatever the answer is."""
    choice = types.ElicitResult(
        action="accept", content={"choice": 'Go offline: "Friday Night Show"'}
    )
    answers = dict.fromkeys(params.input_responses or {}, choice)
    return await tool(params.model_copy(update={"input_responses": answers or None}))


async def accepting_an_invented_yes(tool: Tool, params: Params) -> Result:
    """Say of a call with such a yes that it ran."""
    result = await tool(params)
    if _content(result).get("reason") != "expired":
        return result
    return result.model_copy(update={"is_error": False, "structured_content": {}})


async def with_markup(tool: Tool, params: Params) -> Result:
    """Replace a chat message with `MARKUP`."""
    result = await tool(params)
    for message in _content(result)["messages"]:
        message["text"] = MARKUP if "sound" in message["text"] else message["text"]
    return result


DEFECTS: Final[dict[str, tuple[str, Defect]]] = {
    "only says that it is on air": ("go_live", only_saying_that_it_is_on_air),
    "ignores a no": ("go_offline", ignoring_answers),
    "accepts an invented yes": ("delete_destination", accepting_an_invented_yes),
    "has markup in its chat": ("wait_for_chat_messages", with_markup),
}
"""By name: the defective tool, and its defect."""


def play_fast(console: Console, defect: str = "") -> int:
    """Play the demo without waiting, with one of the defects; returns its exit code."""
    return play_demo(console, alter=partial(_alter, defect=defect))


def _alter(server: Server[Any], clock: HandClock, *, defect: str) -> None:
    entry = server.get_request_handler("tools/call")
    assert entry is not None

    async def pass_on(_tool: Tool, _params: Params) -> Result:
        raise NotImplementedError

    defective_tool, act = DEFECTS.get(defect, ("", pass_on))

    async def call(ctx: ServerRequestContext[Any, Any], params: Params) -> Result:
        is_wait = params.name == "wait_for_chat_messages"
        clock.advance(_SECONDS_OF_A_WAIT if is_wait else _SECONDS_OF_A_CALL)

        async def tool(params: Params) -> Result:
            result = await entry.handler(ctx, params)
            assert isinstance(result, types.CallToolResult | types.InputRequiredResult)
            return result

        return await (act(tool, params) if params.name == defective_tool else tool(params))

    server.add_request_handler("tools/call", types.CallToolRequestParams, call)


def _content(result: Result) -> dict[str, Any]:
    if isinstance(result, types.InputRequiredResult):
        return {}
    return result.structured_content or {}
