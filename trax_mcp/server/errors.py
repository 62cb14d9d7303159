"""Turns the exceptions of method handlers into protocol errors, and answers on shutdown.

The text of an unexpected exception may hold a secret, and the SDK would send it to clients of the
earlier protocol era. It is logged, and the client gets "Internal error".
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import mcp_types as types
from mcp.shared.exceptions import MCPError

from trax_mcp.api.caller import redact
from trax_mcp.api.errors import TraxError
from trax_mcp.server.request import Context, McpRequest, ParamsT
from trax_mcp.server.results import error_payload
from trax_mcp.server.sdk_compat import InFlight

ResultT = TypeVar("ResultT")
Method = Callable[[McpRequest[ParamsT]], Awaitable[ResultT]]
"""Answers a method of MCP."""
SdkHandler = Callable[[Context, ParamsT], Awaitable[ResultT]]
"""The same, as the SDK calls it."""

_SHUTTING_DOWN: Final = (
    "The server is shutting down and has left this call. If it was to change anything, look"
    " before calling again."
)

_RESOURCE_NOT_FOUND: Final = -32002  # source: specification 2025-11-25, server/resources

_LOG = logging.getLogger(__name__)


class WrongRequestError(Exception):
    """The client sent a request that cannot be answered; the text is a sentence for it."""


class NoSuchResourceError(Exception):
    """There is no resource at the requested URI."""


def handle_errors(answer: Method[ParamsT, ResultT]) -> Method[ParamsT, ResultT]:
    """Raise only protocol errors."""

    async def run(request: McpRequest[ParamsT]) -> ResultT:
        try:
            return await answer(request)
        except MCPError:
            raise
        except WrongRequestError as error:
            raise MCPError(types.INVALID_PARAMS, str(error)) from None
        except NoSuchResourceError as error:
            raise _no_such_resource(request, str(error)) from None
        except TraxError as error:
            raise _call_failed(request, error) from None
        except Exception:  # noqa: BLE001  logged here, and hidden from the client
            _LOG.exception("%s failed", request.ctx.method)
            raise MCPError(types.INTERNAL_ERROR, "Internal error") from None

    return run


def answer_on_shutdown(
    answer: Method[ParamsT, ResultT], in_flight: InFlight
) -> Method[ParamsT, ResultT]:
    """If `in_flight` cancels the call, answer with an error."""

    async def run(request: McpRequest[ParamsT]) -> ResultT:
        with in_flight.call():
            return await answer(request)
        raise MCPError(types.CONNECTION_CLOSED, _SHUTTING_DOWN)  # reached only when ended

    return run


def _no_such_resource(request: McpRequest[Any], uri: str) -> MCPError:
    asked = redact(uri)
    return MCPError(_not_found_code(request), "There is no such resource.", {"uri": asked})


def _call_failed(request: McpRequest[Any], error: TraxError) -> MCPError:
    """A failed call to TRaX, outside of a tool."""
    code = _not_found_code(request) if error.code == "not_found" else types.INTERNAL_ERROR
    return MCPError(code, error.message, {"error": error_payload(error)})


def _not_found_code(request: McpRequest[Any]) -> int:
    """The earlier protocol era has its own code; 2026-07-28 uses invalid params."""
    return types.INVALID_PARAMS if request.is_modern else _RESOURCE_NOT_FOUND
