"""Random races of questions, yeses, stops and cancellations around a studio, in virtual time.

`RACES` is how many rounds are run, and `RACES_SEED` the seed, which a failure prints. With
`RACES_FROM` a failed round is the first.
"""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from tests.support.product.memory import slow_memory
from tests.support.product.server import Product
from tests.support.product.virtual_time import VirtualClock, run_in_virtual_time
from tests.support.random_round import LONGEST_SECONDS, SEED, Round, chance, open_world
from tests.support.random_trax import Moments
from tests.support.round_judge import broken_in
from tests.support.virtual_setup import virtual_sandbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from random import Random

    from tests.support.random_round import World

ROUNDS: Final = int(os.environ.get("RACES", "100"))
FIRST: Final = int(os.environ.get("RACES_FROM", "0"))
_BATCH: Final = 20


@pytest.mark.parametrize("first", range(FIRST, FIRST + ROUNDS, _BATCH))
def test_a_race_keeps_every_promise(first: int) -> None:
    """In each round, whoever wins."""
    found: list[str] = []

    async def run() -> None:
        async with open_slow_world(chance(f"trax {first}")) as world:
            for number in range(first, min(first + _BATCH, FIRST + ROUNDS)):
                found.extend(await broken_in(Round(world, number, chance(number))))

    run_in_virtual_time(run)
    again = f"RACES_SEED={SEED} RACES_FROM={first} RACES={_BATCH}"
    assert not found, "\n".join([f"once more with {again}:", *found])


@asynccontextmanager
async def open_slow_world(random: Random) -> AsyncIterator[World]:
    """A server whose memory is slow, on a sandbox whose answers are."""
    sandbox, clock, moments = virtual_sandbox(), VirtualClock(), Moments(random)
    product = Product(
        sandbox,
        clock,
        {"TRAX_TIMEOUT_SECONDS": "10"},
        pause=anyio.sleep,
        memory=slow_memory(clock, moments.pause),
    )

    async def settle() -> None:
        await anyio.sleep(LONGEST_SECONDS)

    async with open_world([product], moments, random, settle=settle) as world:
        yield world
