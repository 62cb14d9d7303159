"""A `SharedStore` on a real engine, with the time of the test's clock."""

from __future__ import annotations

from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio

from tests.support import store_steps
from tests.support.server_process import PATIENCE_SECONDS
from trax_mcp.api.errors import NotSent
from trax_mcp.replicas.consent_store import SharedStore
from trax_mcp.replicas.engine import Engine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.product.shared_clock import HandClock
    from trax_mcp.replicas.engine import Snapshot


class TimedEngine(Engine):
    """An engine whose time the test moves."""

    def __init__(self, url: str, clock: HandClock) -> None:
        super().__init__(url)
        self._clock = clock

    async def read(self, *names: str, take_number: bool = False) -> Snapshot:
        """Read, as at the time of the test's clock."""
        snapshot = await super().read(*names, take_number=take_number)
        return replace(snapshot, now=self._clock.seconds())


@asynccontextmanager
async def open_shared_store(url: str, clock: HandClock) -> AsyncIterator[SharedStore]:
    """A store in an empty engine."""
    engine = TimedEngine(url, clock)
    await engine.clear()
    store = SharedStore(engine, clock)
    yield store
    await store.aclose()


async def until_back(store: SharedStore) -> None:
    """Wait until the store has noticed that the engine answers again."""
    with anyio.fail_after(PATIENCE_SECONDS):
        while True:
            with suppress(NotSent):
                await store_steps.look(store)
                return
            await anyio.sleep(0.02)
