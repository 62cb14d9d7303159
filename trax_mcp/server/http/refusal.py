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


def refuse(status: HTTPStatus, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON-RPC error without an id. By default it has the headers that belong to the status."""
    error = {"code": types.INVALID_REQUEST, "message": message}
    body = json.dumps({"jsonrpc": "2.0", "id": None, "error": error})
    headers = _HEADERS.get(status) if headers is None else headers
    return Response(body, status, headers, media_type="application/json")
