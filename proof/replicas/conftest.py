"""Two replicas on an engine, for each test or for all tests of a module."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from proof.replicas.replica_setup import Replicas, open_replicas
from proof.replicas.throwaway_engine import ThrowawayEngine, throwaway_engine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
def on_air_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sandbox is on air, and off the air, with its answer."""
    monkeypatch.setattr("trax_mcp.sandbox.world.GO_LIVE_SECONDS", 0.0)
    monkeypatch.setattr("trax_mcp.sandbox.world.GO_OFFLINE_SECONDS", 0.0)


@pytest_asyncio.fixture
async def engine() -> AsyncIterator[ThrowawayEngine]:
    """An empty engine, without replicas."""
    async with throwaway_engine() as engine:
        yield engine


@pytest_asyncio.fixture
async def replicas() -> AsyncIterator[Replicas]:
    """Two replicas that the test may kill."""
    async with open_replicas() as replicas:
        yield replicas


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def shared_replicas() -> AsyncIterator[Replicas]:
    """Two replicas for all tests of a module, which needs `pytest.mark.asyncio(loop_scope=...)`."""
    async with open_replicas() as replicas:
        yield replicas
