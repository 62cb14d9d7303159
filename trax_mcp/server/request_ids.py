"""The ids that tie the lines of a log to one request.

Over HTTP each request has an id: the caller's `X-Request-Id`, or a new one. The answer gives it
back. The id of the trace is that of the caller's `traceparent` (source: W3C Trace Context, 3.2).
"""

import re
from typing import Final
from uuid import uuid4

from opentelemetry.trace import format_trace_id, get_current_span
from starlette.types import Message, Scope, Send

from trax_mcp.api.caller import KEY_PATTERN, Caller
from trax_mcp.api.errors import TraxError
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.api.responses import Response
from trax_mcp.server.logs import CURRENT_IDS, RequestIds

REQUEST_ID_HEADER: Final = "X-Request-Id"

_REQUEST_ID_NAME: Final = b"x-request-id"
_IDS: Final = "trax.request_ids"
"""The key of the `RequestIds` in a request's scope."""
_REQUEST_ID: Final = re.compile(r"[\x21-\x7e]{1,128}")
_TRACEPARENT: Final = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-[0-9a-f]{16}-.*")


def identify(scope: Scope, send: Send) -> tuple[Scope, Send]:
    """Give an HTTP request its id. Returns what passes it on and sends it back."""
    given = _header(scope, _REQUEST_ID_NAME)
    # A key has no place there, and would be in each line.
    is_usable = _REQUEST_ID.fullmatch(given) and not KEY_PATTERN.search(given)
    request_id = given if is_usable else uuid4().hex
    ids = RequestIds(request_id)
    CURRENT_IDS.set(ids)

    async def send_with_id(message: Message) -> None:
        if message["type"] == "http.response.start":
            with_id = (_REQUEST_ID_NAME, request_id.encode())
            message = {**message, "headers": [*message.get("headers", ()), with_id]}
        await send(message)

    return {**scope, _IDS: ids}, send_with_id


def resume(scope: Scope | None) -> RequestIds:
    """The ids of a message of MCP, from here on the current ones. On stdio there is no `scope`.

    A session of the earlier era answers in a task of its own, which began with another request.
    """
    ids: RequestIds = RequestIds() if scope is None else scope[_IDS]
    ids.trace_id = _current_trace_id()
    if ids.trace_id is None and scope is not None:
        found = _TRACEPARENT.fullmatch(_header(scope, b"traceparent"))
        ids.trace_id = found and found[1]
    CURRENT_IDS.set(ids)
    return ids


def record_answer(
    _operation: Operation[Model], _caller: Caller, result: Response[Model] | TraxError | None
) -> None:
    """Take note of TRaX's answer to a call that the current request has made."""
    if result is not None and result.request_id and (ids := CURRENT_IDS.get()) is not None:
        ids.trax_request_id = result.request_id


def _current_trace_id() -> str | None:
    """The id of the current trace in hexadecimal. None if there is none."""
    span = get_current_span().get_span_context()
    return format_trace_id(span.trace_id) if span.is_valid else None


def _header(scope: Scope, name: bytes) -> str:
    """The first of these headers, or nothing. Names in a scope are in lower case."""
    return next((it for found, it in scope["headers"] if found == name), b"").decode("latin-1")
