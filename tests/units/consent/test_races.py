"""Four thousand random rounds over two replicas in memory, half of them with trouble."""

from __future__ import annotations

import random
from collections import Counter

import anyio
import pytest

from tests.support.product.virtual_time import VirtualClock, run_in_virtual_time
from tests.units.consent.races import KINDS, Round
from trax_mcp.consent.store import MemoryRecords

pytestmark = pytest.mark.no_cover

AT_ONCE = 250
ROUNDS = 1000
"""In each of four parts."""


class SharedRecords(MemoryRecords):
    """Memory as replicas share it: a turn ends by itself."""

    is_shared = True
    lease_seconds = 2.0


@pytest.mark.parametrize("first", range(0, 4 * ROUNDS, ROUNDS))
def test_random_rounds_hold(first: int) -> None:
    kinds: Counter[str] = Counter()

    async def run(records: MemoryRecords, number: int) -> None:
        chance = random.Random(number)  # noqa: S311  a seed
        try:
            one = Round(chance, (records, records), pause=0.01, in_trouble=number % 2 == 1)
            kinds[await one.run()] += 1
        except BaseException as error:
            error.add_note(f"round {number}")
            raise

    async def run_all() -> None:
        records = SharedRecords(VirtualClock())
        for begin in range(first, first + ROUNDS, AT_ONCE):
            async with anyio.create_task_group() as tasks:
                for number in range(begin, begin + AT_ONCE):
                    tasks.start_soon(run, records, number)

    run_in_virtual_time(run_all)
    assert set(kinds) == {f"{it}{trouble}" for it in KINDS for trouble in ("", " in trouble")}
    assert kinds.total() == ROUNDS
