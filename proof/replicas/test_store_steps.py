"""The steps of the store on an engine: the same tests as in memory, at two replicas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio
from tests.units.consent.test_store_questions import *  # noqa: F403  the tests
from tests.units.consent.test_store_steps import *  # noqa: F403  the tests
from tests.units.consent.test_store_stops import *  # noqa: F403  the tests
from tests.units.consent.two_stores import TwoStores

from trax_mcp.replicas import open_replicas

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from proof.replicas.throwaway_engine import ThrowawayEngine


@pytest_asyncio.fixture
async def stores(engine: ThrowawayEngine) -> AsyncIterator[TwoStores]:
    """Two stores on the same engine."""
    async with open_replicas(engine.url) as replicas:
        yield TwoStores(replicas.records)
