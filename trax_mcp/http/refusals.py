"""What a request gets that is refused for load after its body was read: an answer, in HTTP 200.

Several MCP libraries hang at an error of HTTP, or end their session, and its sentence is lost.
"""

import json
from contextlib import suppress
from typing import Any, Final

import mcp_types as types

from trax_mcp.api.contract import JsonObject
from trax_mcp.api.errors import TraxError
from trax_mcp.api.operation import Operation
from trax_mcp.server.offer import TOOLS
from trax_mcp.server.results import error_payload, error_result

RETRY_SECONDS: Final = 5
"""After that there is probably room again."""


def answer_to(body: bytes, happened: str, *, modern: bool) -> bytes:
    """The JSON-RPC response that says what happened. Empty if the body is not a request.

    A call of a tool is a failed call, so that its model reads the sentence.
    """
    message: Any = None
    with suppress(ValueError, RecursionError):
        message = json.loads(body)
    match message:
        case {"id": str() | int() as number, "method": "tools/call", "params": {"name": name}}:
            answer: JsonObject = {"result": _failed_call(name, happened, modern=modern)}
        case {"id": str() | int() as number, "method": str()}:
            answer = {"error": _error(_overload(happened))}
        case _:
            return b""
    return json.dumps({"jsonrpc": "2.0", "id": number, **answer}).encode()


def _failed_call(name: object, happened: str, *, modern: bool) -> JsonObject:
    tool = TOOLS.get(name) if isinstance(name, str) else None
    if tool is None or tool.endpoint.mutates:
        is_stop = tool is not None and issubclass(tool, Operation) and tool.stops_broadcast
        look = "Look at what came of it before anything else." if tool is None else tool.look
        error = _overload(
            happened,
            next_step=look,
            not_done="; whether it took effect is not known",
            outcome="unknown",
            retryable=is_stop,
            retry_after_seconds=RETRY_SECONDS if is_stop else None,
        )
    else:
        error = _overload(happened)
    result = error_result(error).model_dump(mode="json", by_alias=True, exclude_none=True)
    if not modern:
        result.pop("resultType", None)  # the earlier era has none
    return result


def _error(error: TraxError) -> JsonObject:
    data = {"error": error_payload(error)}
    return {"code": types.INTERNAL_ERROR, "message": error.message, "data": data}


def _overload(happened: str, **details: Any) -> TraxError:  # noqa: ANN401  fields of the error
    again = f"Call again in {RETRY_SECONDS} s."
    usual = {"next_step": again, "retryable": True, "retry_after_seconds": RETRY_SECONDS}
    return TraxError("rate_limited", happened, **{**usual, **details})
