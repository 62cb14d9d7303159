"""The steps of the store in the memory of one process. `store_steps` has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.units.consent.store_steps import HandClock, LaterRecords, World, all_steps
from trax_mcp.consent.records import MemoryRecords

if TYPE_CHECKING:
    from tests.units.consent.store_steps import Case


@pytest.mark.parametrize("case", all_steps())
async def test_each_step_is_as_its_name_says(case: Case) -> None:
    await case(World(LaterRecords(MemoryRecords(HandClock()))))
