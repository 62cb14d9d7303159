"""The store of the store's tests, and the setup of the tests of approvals."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.support.approval_setup import approval_setups
from trax_mcp.consent.memory_store import MemoryStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.approval_setup import OpenSetup
    from tests.support.product.sandbox import Sandbox
    from tests.support.product.shared_clock import HandClock
    from trax_mcp.api.client import Client as Trax
    from trax_mcp.consent.store import ConsentStore


@pytest.fixture
async def store(clock: HandClock) -> AsyncIterator[ConsentStore]:
    """A store whose clock the test moves. TEST_STORE_URL is an engine to keep it in.

    Each worker has a database of its own there.
    """
    if (url := os.environ.get("TEST_STORE_URL")) is None:
        yield MemoryStore(clock)
        return
    from tests.support.shared_store import open_shared_store  # noqa: PLC0415  needs an engine

    database = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    async with open_shared_store(f"{url}?db={database}", clock) as store:
        yield store


@pytest.fixture
def open_setup(sandbox: Sandbox, trax: Trax, clock: HandClock, tmp_path: Path) -> OpenSetup:
    """Opens a server with a page, and a client of it."""
    return approval_setups(sandbox, trax, clock, tmp_path / "audit.jsonl")
