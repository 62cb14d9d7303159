"""Two messages are read and worked on at once; for the others, the callers take turns.

One thread does everything: if two hundred lists were made at the same time, each step of a stop
would wait for a step of all of them. So a stop takes no turn, and nobody keeps one while TRaX or a
person is asked.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any, Final

from mcp.server import ServerRequestContext
from mcp.server.context import CallNext, HandlerResult
from starlette.types import Scope

from trax_mcp.api.caller import Caller
from trax_mcp.api.errors import TraxError
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.api.responses import Response
from trax_mcp.server.request import TURN

_LONGEST_SECONDS: Final = 0.2


class MessageTurn:
    """The time in which a message is worked on. It ends with `end`, or by itself."""

    def __init__(self, pass_on: Callable[[], None]) -> None:
        self._pass_on = pass_on
        self._begun = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self.has_ended = False

    def begin(self) -> None:
        """Begin it."""
        self._begun.set()
        self._timer = asyncio.get_running_loop().call_later(_LONGEST_SECONDS, self.end)

    async def begun(self) -> None:
        """Wait until it begins."""
        await self._begun.wait()

    def end(self) -> None:
        """End it, unless it has ended. Then the next one begins."""
        if self.has_ended:
            return
        self.has_ended = True
        if self._timer is not None:
            self._timer.cancel()
            self._pass_on()


_CURRENT: ContextVar[MessageTurn | None] = ContextVar("turn", default=None)


class Turns:
    """The turns of all callers, by name: each name has one after each other."""

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._waiting: dict[str, deque[MessageTurn]] = {}
        """By name. The name that is next comes first."""

    @asynccontextmanager
    async def take(self, name: str, scope: Scope) -> AsyncIterator[MessageTurn]:
        """Wait for a turn. It ends with the block at the latest."""
        turn = scope[TURN] = MessageTurn(self._pass_on)
        self._waiting.setdefault(name, deque()).append(turn)
        if self._free:
            self._free -= 1
            self._pass_on()
        try:
            await turn.begun()
            _CURRENT.set(turn)
            yield turn
        finally:
            turn.end()

    def _pass_on(self) -> None:
        while self._waiting:
            name = next(iter(self._waiting))
            turns = self._waiting.pop(name)
            turn = turns.popleft()
            if turns:
                self._waiting[name] = turns
            if not turn.has_ended:  # the request that waited for it was cancelled
                turn.begin()
                return
        self._free += 1


async def resume(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Middleware that makes a message's turn the current one.

    A session of the earlier era answers in a task of its own, which began with another request.
    """
    _CURRENT.set(ctx.request.scope.get(TURN) if ctx.request is not None else None)
    return await call_next(ctx)


def end_current(
    _operation: Operation[Model], _caller: Caller, _result: Response[Model] | TraxError | None
) -> None:
    """End the turn of a message that asks TRaX."""
    if (turn := _CURRENT.get()) is not None:
        turn.end()
