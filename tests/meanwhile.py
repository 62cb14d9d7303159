"""What goes on while a call is under way: TRaX holds a request, a client gives up, others call too.

It knows when things happen, and nothing of what is agreed to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio

from tests.consent import told
from tests.processes import PATIENCE_SECONDS
from trax_mcp.sandbox import Fault

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    import mcp_types as types
    from anyio.abc import TaskGroup

    from tests.acts import Act
    from tests.consent import Desk
    from trax_mcp.sandbox.messages import Answer, Answerer, Request
    from trax_mcp.server.app import ServerDeps


class Paused:
    """A fault that holds a request up on its way in, and lets it go on when released.

    `then` is done before the answer goes out.
    """

    def __init__(self, then: Callable[[], object] = lambda: None) -> None:
        self._then = then
        self._arrived = anyio.Event()
        self._released = anyio.Event()
        self.fault = Fault("paused", self._strike)

    async def arrived(self) -> None:
        """Wait until a request is being held."""
        with anyio.fail_after(PATIENCE_SECONDS):
            await self._arrived.wait()

    def release(self) -> None:
        """Let it go on."""
        self._released.set()

    async def _strike(self, asked: Request, onward: Answerer) -> Answer:
        self._arrived.set()
        await self._released.wait()
        answer = await onward(asked)
        self._then()
        return answer


def afterwards(do: Callable[[], object]) -> Fault:
    """A fault that lets its request pass, and then does something before the answer goes out."""

    async def strike(asked: Request, onward: Answerer) -> Answer:
        answer = await onward(asked)
        do()
        return answer

    return Fault("afterwards", strike)


async def all_at_once(
    desk: Desk,
    act: Act,
    uses: Sequence[Callable[[], Coroutine[Any, Any, object]]],
    *,
    then: Callable[[], object] = lambda: None,
) -> list[tuple[str, str | None]]:
    """Make calls with a yes, each before TRaX has answered the first; what is told, sorted.

    `then` is done before that answer.
    """
    results: list[tuple[str, str | None]] = []

    async def make(use: Callable[[], Coroutine[Any, Any, object]]) -> None:
        results.append(told(await use()))

    held = Paused(then)
    desk.trax.faults.add(held.fault, method=act.sent.partition(" ")[0])
    async with anyio.create_task_group() as tasks:
        for use in uses:
            tasks.start_soon(make, use)
        await held.arrived()
        await settle()
        await desk.plain.list_tools()
        held.release()
    return sorted(results, reverse=True)


async def gives_up(
    call: Callable[[], Coroutine[Any, Any, object]],
    held: Paused,
    *,
    seen: Callable[[], Awaitable[object]],
) -> None:
    """Cancel a call while TRaX holds one of its requests; once that is `seen`, let TRaX go on."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call)
        await held.arrived()
        tasks.cancel_scope.cancel()
        with anyio.CancelScope(shield=True):
            await settle()  # so that the client has said it before whatever `seen` says
            await seen()
            held.release()


def begin(tasks: TaskGroup, call: Callable[[], Awaitable[types.CallToolResult]]) -> list[Any]:
    """Make a call meanwhile; its result will stand in what this returns."""
    results: list[Any] = []

    async def run() -> None:
        results.append(await call())

    tasks.start_soon(run)
    return results


async def acted(house: ServerDeps) -> None:
    """Wait until no act is under way, whoever has given up on it."""
    with anyio.fail_after(PATIENCE_SECONDS):
        await house.acts._until_idle()


async def settle() -> None:
    """Let everything in this process go on until it waits for something."""
    for _ in range(50):
        await anyio.lowlevel.checkpoint()
