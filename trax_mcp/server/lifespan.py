"""State that lives as long as the server runs; every request can use it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
from anyio.abc import TaskGroup

from trax_mcp.api.client import Client
from trax_mcp.chat.watchers import SharedPolls, Watchers
from trax_mcp.clock import Clock
from trax_mcp.consent.store import Store
from trax_mcp.server.http.readiness import Readiness


@dataclass(frozen=True, slots=True)
class Lifespan:
    """The watchers, and the task group that notifies clients."""

    watchers: Watchers
    tasks: TaskGroup


@asynccontextmanager
async def lifespan(
    client: Client,
    *,
    shortest: float,
    clock: Clock,
    store: Store,
    readiness: Readiness,
    shared: SharedPolls | None = None,
) -> AsyncIterator[Lifespan]:
    """Open it until the block ends. `shortest` is the shortest poll interval, in seconds."""
    async with anyio.create_task_group() as tasks:
        watchers = Watchers(client, shortest=shortest, clock=clock, tasks=tasks, shared=shared)
        if store.records.is_shared:
            tasks.start_soon(readiness.keep, "the watch over what replicas share", store.watch)
        yield Lifespan(watchers, tasks)
        tasks.cancel_scope.cancel()
