"""Two stores in the memory of one process."""

from __future__ import annotations

import pytest

from tests.units.consent.two_stores import TwoStores
from tests.units.set_clock import SetClock
from trax_mcp.consent.records import MemoryRecords


@pytest.fixture
def stores() -> TwoStores:
    return TwoStores(MemoryRecords(SetClock()))
