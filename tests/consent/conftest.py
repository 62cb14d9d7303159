"""The store that the tests of its steps use. A further implementation is tried in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from trax_mcp.consent.memory_store import MemoryStore

if TYPE_CHECKING:
    from tests.support.shared_clock import HandClock
    from trax_mcp.consent.store import ConsentStore


@pytest.fixture
def store(clock: HandClock) -> ConsentStore:
    """A store whose clock the test moves."""
    return MemoryStore(clock)
