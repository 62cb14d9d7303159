"""What a request gets that is refused for load after its body was read: an answer, in HTTP 200.

Several MCP libraries hang at an error of HTTP, or end their session, and its sentence is lost.
"""

import json
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final

import mcp_types as types
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from starlette.datastructures import Headers
from starlette.responses import Response

from trax_mcp.api.contract import JsonObject
from trax_mcp.api.errors import TraxError
from trax_mcp.http.authentication import refuse
from trax_mcp.server.results import error_payload, error_result

_CLOSE: Final = {"Connection": "close"}
"""An idle connection is a file that others may need."""
_RETRY_SECONDS: Final = 5
"""After that there is probably room again."""


def overloaded(body: bytes, headers: Headers, happened: str) -> Response:
    """The response that says what happened: an error of HTTP only if no body was read."""
    is_modern = headers.get("mcp-protocol-version") in MODERN_PROTOCOL_VERSIONS
    if answer := _answer_to(body, happened, modern=is_modern):
        return Response(answer, headers=_CLOSE, media_type="application/json")
    return refuse(HTTPStatus.SERVICE_UNAVAILABLE, f"{happened}. Try again in a moment.")


def _answer_to(body: bytes, happened: str, *, modern: bool) -> bytes:
    """The JSON-RPC response. Empty if the body is not a request.

    A call of a tool is a failed call, so that its model reads the sentence.
    """
    message: Any = None
    with suppress(ValueError, RecursionError):
        message = json.loads(body)
    match message:
        case {"id": str() | int() as number, "method": "tools/call"}:
            answer: JsonObject = {"result": _failed_call(happened, modern=modern)}
        case {"id": str() | int() as number, "method": str()}:
            answer = {"error": _error(_overload(happened))}
        case _:
            return b""
    return json.dumps({"jsonrpc": "2.0", "id": number, **answer}).encode()


def _failed_call(happened: str, *, modern: bool) -> JsonObject:
    result = error_result(_overload(happened)).model_dump(
        mode="json", by_alias=True, exclude_none=True
    )
    if not modern:
        result.pop("resultType", None)  # the earlier era has none
    return result


def _error(error: TraxError) -> JsonObject:
    data = {"error": error_payload(error)}
    return {"code": types.INTERNAL_ERROR, "message": error.message, "data": data}


def _overload(happened: str) -> TraxError:
    again = f"Call again in {_RETRY_SECONDS} s."
    return TraxError(
        "rate_limited", happened, again, retryable=True, retry_after_seconds=_RETRY_SECONDS
    )
