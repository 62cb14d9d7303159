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

from trax_mcp.server.in_flight import InFlight

Context = ServerRequestContext[Any, Any]
ParamsT = TypeVar("ParamsT")
ResultT = TypeVar("ResultT")
Handler = Callable[[Context, ParamsT], Awaitable[ResultT]]

_STOPPING: Final = (
    "The server is stopping and has left this call. If it was to change anything, look before"
    " calling again."
)

_LOG = logging.getLogger(__name__)


class WrongRequestError(Exception):
    """The client asked for what is not there, or not so; the text is a sentence for it."""


def contained(handler: Handler[ParamsT, ResultT]) -> Handler[ParamsT, ResultT]:
    """Let out protocol errors only."""

    async def run(ctx: Context, params: ParamsT) -> ResultT:
        try:
            return await handler(ctx, params)
        except MCPError:
            raise
        except WrongRequestError as error:
            raise MCPError(types.INVALID_PARAMS, str(error)) from None
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
