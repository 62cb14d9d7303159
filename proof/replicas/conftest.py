"""An engine for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from proof.replicas.throwaway_engine import ThrowawayEngine, throwaway_engine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
def on_air_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sandbox is on air, and off the air, with its answer."""
    monkeypatch.setattr("trax_mcp.sandbox.world.GO_LIVE_SECONDS", 0.0)
    monkeypatch.setattr("trax_mcp.sandbox.world.GO_OFFLINE_SECONDS", 0.0)


@pytest.fixture
def read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A preview is read with its answer, by replicas in this process."""
    monkeypatch.setattr("trax_mcp.consent.question.PREVIEW_SECONDS", 0.0)
    monkeypatch.setattr("tests.world.caller.PREVIEW_SECONDS", 0.0)


@pytest_asyncio.fixture
async def engine() -> AsyncIterator[ThrowawayEngine]:
    """An empty engine, without replicas."""
    async with throwaway_engine() as engine:
        yield engine
