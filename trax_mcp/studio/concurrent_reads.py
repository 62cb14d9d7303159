"""Runs several reads at the same time."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

import anyio

from trax_mcp.api.errors import TraxError

MAX_AT_A_TIME: Final = 6
"""The most requests at the same time of a tool that looks at several studios."""

FoundT = TypeVar("FoundT")


async def read_concurrently(
    reads: Sequence[Callable[[], Awaitable[FoundT]]],
) -> list[FoundT | TraxError]:
    """Run all reads. Returns the result of each, or its error, in order."""
    found: dict[int, FoundT | TraxError] = {}

    async def run(index: int, read: Callable[[], Awaitable[FoundT]]) -> None:
        try:
            found[index] = await read()
        except TraxError as error:
            found[index] = error

    async with anyio.create_task_group() as tasks:
        for index, read in enumerate(reads):
            tasks.start_soon(run, index, read)
    return [found[index] for index in range(len(reads))]
