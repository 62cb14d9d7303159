"""Two stores in the memory of one process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.units.consent.two_stores import TwoStores
from tests.units.studio_facts import NOW
from trax_mcp.clock import Clock
from trax_mcp.consent.records import MemoryRecords

if TYPE_CHECKING:
    from datetime import datetime


class StillClock(Clock):
    """A clock that stands still: `TwoStores` lets time pass."""

    def now(self) -> datetime:
        return NOW


@pytest.fixture
def stores() -> TwoStores:
    return TwoStores(MemoryRecords(StillClock()))
