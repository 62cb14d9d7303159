"""The steps of the store on an engine: the same as in memory, at two replicas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.units.consent.store_steps import LaterRecords, World, all_steps
from trax_mcp.replicas import open_replicas

if TYPE_CHECKING:
    from proof.replicas.throwaway_engine import ThrowawayEngine
    from tests.units.consent.store_steps import Case


@pytest.mark.parametrize("case", all_steps())
async def test_each_step_is_as_its_name_says(case: Case, engine: ThrowawayEngine) -> None:
    async with open_replicas(engine.url) as replicas:
        await case(World(LaterRecords(replicas.records)))
