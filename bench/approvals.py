"""Counts what an approval costs at TRaX: the requests, and how many follow one another.

In virtual time, in which TRaX takes one second for each request, the seconds are the rounds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import anyio

from tests.support.guarded_calls import GUARD_ALSO, GUARDED_OPERATIONS
from tests.support.product.virtual_time import VirtualLoop
from tests.world.world import MINE, open_world

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from tests.support.guarded_calls import GuardedOperation
    from tests.world.world import World

HEAD: Final = f"{'what an approval costs at TRaX':44}{'preview':>16}{'approved call':>16}"


def lines() -> Iterator[str]:
    """A line for each guarded operation: requests, and rounds of them."""
    yield HEAD
    for name, operation in GUARDED_OPERATIONS.items():
        preview, call = anyio.run(_cost, operation, backend_options={"loop_factory": VirtualLoop})
        yield f"  {name:42}{preview:>16}{call:>16}"


async def _cost(operation: GuardedOperation) -> tuple[str, str]:
    async with open_world(MINE, virtual=True, TRAX_GUARD_ALSO=GUARD_ALSO) as it:
        if operation.on_air:
            it.trax.go_live()
            await anyio.sleep(10)
        it.trax.faults.slow(1)
        confirmation = ""

        async def preview() -> None:
            nonlocal confirmation
            confirmation = await it[MINE].confirmation(operation)

        return (
            await _counted(it, preview),
            await _counted(it, lambda: it[MINE].use(operation, confirmation)),
        )


async def _counted(it: World, act: Callable[[], Awaitable[Any]]) -> str:
    requests, began = len(it.trax.requests), anyio.current_time()
    await act()
    rounds = round(anyio.current_time() - began)
    return f"{len(it.trax.requests) - requests} in {rounds}"
