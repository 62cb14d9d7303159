"""A line of the log for each call of a tool: what it was, what came of it, and how long it took.

It holds no argument and nothing of an answer.
"""

import logging
from typing import Any, Final

import mcp_types as types
from mcp.server import ServerRequestContext
from mcp.server.context import CallNext, HandlerResult
from mcp.shared.exceptions import MCPError
from pydantic import ValidationError

from trax_mcp.api.caller import Caller
from trax_mcp.clock import Clock
from trax_mcp.server import panel, request_ids
from trax_mcp.server.offer import TOOLS
from trax_mcp.server.request import Request

_TOOL_CALL: Final = "tools/call"
_OK: Final = "ok"
_CANCELLED: Final = "cancelled"

_LOG: Final = logging.getLogger(__name__)


def is_wanted() -> bool:
    """Whether anybody reads these lines."""
    return _LOG.isEnabledFor(logging.INFO)


class CallLog:
    """Middleware of the SDK that writes the lines. Requests that call no tool are for DEBUG."""

    def __init__(self, clock: Clock, default_caller: Caller) -> None:
        self._clock = clock
        self._default_caller = default_caller

    async def __call__(
        self, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> HandlerResult:
        """Answer a request, and write its line."""
        ids = request_ids.resume(None if ctx.request is None else ctx.request.scope)
        if ctx.request_id is None:
            return await call_next(ctx)  # a notification
        began, outcome = self._clock.seconds(), _CANCELLED
        try:
            result = await call_next(ctx)
            outcome = outcome_of(result)
        except Exception as error:
            outcome = str(_error_code(error))
            raise
        else:
            return result
        finally:
            _write(
                ctx.method,
                (ctx.params or {}).get("name") if ctx.method == _TOOL_CALL else None,
                outcome=outcome,
                milliseconds=round(1000 * (self._clock.seconds() - began), 1),
                transport="stdio" if ctx.request is None else "http",
                caller=Request(ctx, None, self._clock, self._default_caller).caller,
                trax_request_id=ids.trax_request_id,
            )


def outcome_of(result: HandlerResult) -> str:
    """What came of a request, in a word: `ok`, why a call did not run, or the code of its error.

    The SDK gives middleware the result as it is sent.
    """
    match result:
        case {"resultType": "input_required"}:
            return "input_required"
        case {"structuredContent": {"executed": False, "status": str(status)}}:
            return status
        case {"isError": True, "structuredContent": {"error": {"code": str(code)}}}:
            return code
        case {"isError": True}:
            return "error"
    return _OK


def _error_code(error: Exception) -> int:
    """The code of the JSON-RPC error that the client gets."""
    if isinstance(error, MCPError):
        return error.error.code
    return types.INVALID_PARAMS if isinstance(error, ValidationError) else types.INTERNAL_ERROR


def _write(
    method: str,
    name: object,
    *,
    outcome: str,
    milliseconds: float,
    transport: str,
    caller: Caller,
    trax_request_id: str | None,
) -> None:
    tool = _known_tool(name)
    facts = {
        "method": method,
        "tool": tool,
        "outcome": outcome,
        "milliseconds": milliseconds,
        "transport": transport,
        "enduser.pseudo.id": caller.owner,
        "trax_request_id": trax_request_id,
    }
    _LOG.log(
        logging.INFO if method == _TOOL_CALL else logging.DEBUG,
        "%s: %s in %s ms",
        f"{method} {tool}" if tool else method,
        outcome,
        milliseconds,
        extra={"facts": facts},
    )


def _known_tool(name: object) -> str | None:
    """The name of a tool that there is: another name could be any text."""
    return name if isinstance(name, str) and (name in TOOLS or name == panel.TOOL_NAME) else None
