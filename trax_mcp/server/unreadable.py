"""Lines that are no message: whoever sent one is told, and no request waits for ever.

The SDK leaves them unanswered on stdio. Nothing of such a line is repeated but its id.
"""

import json
import re
from typing import Any

import mcp_types as types
from pydantic import ValidationError

_HALF_PAIR = re.compile("[\ud800-\udfff]")  # cannot be said again: it would end the server
_NEXT = "Nothing was done. Send one JSON-RPC 2.0 message on each line."


def answer_to_unreadable(why: Exception) -> types.JSONRPCError | None:
    """What to say to whoever sent a line that the SDK could not read for this reason.

    Source of the rule: JSON-RPC 2.0, section 5.1: a parse error or an invalid request, with the
    request's id, or with null where that cannot be told. A blank line is no message, and nothing
    is said to it.
    """
    problem = why.errors(include_url=False)[0] if isinstance(why, ValidationError) else None
    if problem is None or problem["type"] != "json_invalid":
        return _error(types.INVALID_REQUEST, "This is no JSON-RPC message.", _message(why))
    line = str(problem["input"])
    if not line.strip():
        return None
    return _error(types.PARSE_ERROR, f"{problem['msg']}.", _parsed(line))


def _error(code: int, happened: str, message: object) -> types.JSONRPCError:
    error = types.ErrorData(code=code, message=f"{happened} {_NEXT}")
    return types.JSONRPCError(jsonrpc="2.0", id=_request_id(message), error=error)


def _message(why: Exception) -> object:
    """The message as it came: a part that is missing is missed in the whole of it."""
    problems = why.errors(include_url=False) if isinstance(why, ValidationError) else ()
    return next((it["input"] for it in problems if it["type"] == "missing"), None)


def _parsed(line: str) -> object:
    """Python reads some lines that are not quite JSON, such as half a surrogate pair."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _request_id(message: Any) -> types.RequestId | None:  # noqa: ANN401  any JSON
    """The id of a request. An answer's id is one of ours, and must not be taken for it."""
    if not isinstance(message, dict) or "method" not in message:
        return None
    number = message.get("id")
    if isinstance(number, str):
        return None if _HALF_PAIR.search(number) else number
    return number if isinstance(number, int) and not isinstance(number, bool) else None
