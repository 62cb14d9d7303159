"""Concurrency around a call: TRaX holds a request, a client cancels, other calls run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio

from tests.support.product.faults import Fault
from tests.support.product.shared_clock import settled
from tests.support.server_process import PATIENCE_SECONDS
from tests.world.answers import outcome

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    import mcp_types as types
    from anyio.abc import TaskGroup

    from tests.support.guarded_calls import GuardedOperation
    from tests.support.product.faults import Request, RequestHandler, Response
    from tests.support.product.sandbox import Sandbox


class Paused:
    """A fault that holds a request before TRaX handles it, until it is released.

    `then` runs before the answer is sent.
    """

    def __init__(self, then: Callable[[], object] = lambda: None) -> None:
        self._then = then
        self._arrived = anyio.Event()
        self._released = anyio.Event()
        self.fault = Fault("paused", self._apply)

    async def arrived(self) -> None:
        """Wait until a request is being held."""
        with anyio.fail_after(PATIENCE_SECONDS):
            await self._arrived.wait()

    def release(self) -> None:
        """Let the request continue."""
        self._released.set()

    async def _apply(self, request: Request, handle: RequestHandler) -> Response:
        self._arrived.set()
        await self._released.wait()
        answer = await handle(request)
        self._then()
        return answer


async def all_at_once(
    trax: Sandbox,
    operation: GuardedOperation,
    uses: Sequence[Callable[[], Coroutine[Any, Any, object]]],
) -> list[tuple[str, str | None]]:
    """Make confirmed calls before TRaX answers the first. Return their outcomes, sorted."""
    results: list[tuple[str, str | None]] = []

    async def make(use: Callable[[], Coroutine[Any, Any, object]]) -> None:
        results.append(outcome(await use()))

    held = Paused()
    trax.faults.add(held.fault, method=operation.sent.partition(" ")[0])
    async with anyio.create_task_group() as tasks:
        for use in uses:
            tasks.start_soon(make, use)
        await held.arrived()
        await settled()
        held.release()
    return sorted(results, reverse=True)


async def cancel_while_held(
    call: Callable[[], Coroutine[Any, Any, object]],
    held: Paused,
    *,
    seen: Callable[[], Awaitable[object]] = settled,
) -> None:
    """Cancel a call while TRaX holds one of its requests. After `seen`, release the request."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(call)
        await held.arrived()
        tasks.cancel_scope.cancel()
        with anyio.CancelScope(shield=True):
            await settle()  # the client sends its cancellation before what `seen` sends
            await seen()
            held.release()


def begin(tasks: TaskGroup, call: Callable[[], Awaitable[types.CallToolResult]]) -> list[Any]:
    """Start a call. Its result is appended to the returned list."""
    results: list[Any] = []

    async def run() -> None:
        results.append(await call())

    tasks.start_soon(run)
    return results


async def settle() -> None:
    """Let the other tasks of this process run until they wait."""
    for _ in range(50):
        await anyio.lowlevel.checkpoint()


class MostAtOnce:
    """A fault that counts how many requests TRaX handles at the same time."""

    def __init__(self) -> None:
        self.count = 0
        self._now = 0
        self.fault = Fault("counted", self._apply)

    async def _apply(self, request: Request, handle: RequestHandler) -> Response:
        self._now += 1
        self.count = max(self.count, self._now)
        await settle()
        self._now -= 1
        return await handle(request)
