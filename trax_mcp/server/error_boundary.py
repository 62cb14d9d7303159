"""What every handler is wrapped in: a wall that lets no exception's text out, and an end.

An exception's text may hold anything, and the earlier era's wire would carry it to the client. What
a handler lets escape is logged here and told to nobody.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import mcp_types as types
from mcp.server import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from trax_mcp.api.errors import Failure, TraxError
from trax_mcp.server.in_flight import InFlight
from trax_mcp.server.lifespan import Lifespan
from trax_mcp.server.results import failure_payload

Context = ServerRequestContext[Lifespan, Any]
ParamsT = TypeVar("ParamsT")
ResultT = TypeVar("ResultT")
Handler = Callable[[Context, ParamsT], Awaitable[ResultT]]

_STOPPING: Final = (
    "The server is stopping and has left this call. If it was to change anything, look before"
    " calling again."
)

_RESOURCE_NOT_FOUND: Final = -32002  # source: specification 2025-11-25, server/resources

_LOG = logging.getLogger(__name__)


class WrongRequestError(Exception):
    """The client asked for what is not there, or not so; the text is a sentence for it."""


class NoSuchResourceError(Exception):
    """Nothing stands at the URI that was asked for."""


def contained(handler: Handler[ParamsT, ResultT]) -> Handler[ParamsT, ResultT]:
    """Let out protocol errors only."""

    async def run(ctx: Context, params: ParamsT) -> ResultT:
        try:
            return await handler(ctx, params)
        except MCPError:
            raise
        except WrongRequestError as error:
            raise MCPError(types.INVALID_PARAMS, str(error)) from None
        except NoSuchResourceError as error:
            raise _no_such_resource(ctx, str(error)) from None
        except TraxError as error:
            raise _failed(ctx, error.failure) from None
        except Exception:  # noqa: BLE001  the wall itself: logged, and told to nobody
            _LOG.exception("%s failed", ctx.method)
            raise MCPError(types.INTERNAL_ERROR, "Internal error") from None

    return run


def endable(handler: Handler[ParamsT, ResultT], in_flight: InFlight) -> Handler[ParamsT, ResultT]:
    """Let a server that stops end the call, and answer it."""

    async def run(ctx: Context, params: ParamsT) -> ResultT:
        with in_flight.tracked():
            return await handler(ctx, params)
        raise MCPError(types.CONNECTION_CLOSED, _STOPPING)  # only what was ended comes here

    return run


def _no_such_resource(ctx: Context, uri: str) -> MCPError:
    return MCPError(_not_found_code(ctx), "There is no such resource.", {"uri": uri})


def _failed(ctx: Context, failure: Failure) -> MCPError:
    """A failed call, where there is no tool result to tell it in."""
    code = _not_found_code(ctx) if failure.code == "not_found" else types.INTERNAL_ERROR
    return MCPError(code, failure.message, {"error": failure_payload(failure)})


def _not_found_code(ctx: Context) -> int:
    """The earlier era has a code of its own for it; in 2026-07-28 it is a wrong parameter."""
    modern = ctx.protocol_version in MODERN_PROTOCOL_VERSIONS
    return types.INVALID_PARAMS if modern else _RESOURCE_NOT_FOUND
