"""What lives as long as the server runs, and is at hand in every request of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
from anyio.abc import TaskGroup

from trax_mcp.api.client import Client
from trax_mcp.chat.watchers import Watchers
from trax_mcp.clock import Clock


@dataclass(frozen=True, slots=True)
class Lifespan:
    """The watchers, and the tasks that tell clients of what they saw."""

    watchers: Watchers
    tasks: TaskGroup


@asynccontextmanager
async def lifespan(client: Client, *, shortest: float, clock: Clock) -> AsyncIterator[Lifespan]:
    """Have it until the block ends. `shortest` is the least time between two looks, in seconds."""
    async with anyio.create_task_group() as tasks:
        yield Lifespan(Watchers(client, shortest=shortest, clock=clock, tasks=tasks), tasks)
        tasks.cancel_scope.cancel()
