"""HTTP responses to requests that do not reach the MCP SDK."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import mcp_types as types
from starlette.responses import Response

_CLOSE: Final = {"Connection": "close"}
_HEADERS: Final[Mapping[HTTPStatus, Mapping[str, str]]] = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": "Bearer"},
    HTTPStatus.REQUEST_TIMEOUT: _CLOSE,
    HTTPStatus.SERVICE_UNAVAILABLE: _CLOSE,
}


def refuse(status: HTTPStatus, message: str) -> Response:
    """A JSON-RPC error without an id, with the headers that belong to the status."""
    error = {"code": types.INVALID_REQUEST, "message": message}
    body = json.dumps({"jsonrpc": "2.0", "id": None, "error": error})
    return Response(body, status, _HEADERS.get(status), media_type="application/json")
