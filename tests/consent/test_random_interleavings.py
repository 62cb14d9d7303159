"""Random races of questions, yeses, stops and cancellations around a studio, in virtual time.

`RACES` is how many rounds are run, and `RACES_SEED` the seed, which a failure prints. With
`RACES_FROM` a failed round is the first.
"""

from __future__ import annotations

import os
import secrets
from contextlib import AsyncExitStack, asynccontextmanager
from random import Random
from typing import TYPE_CHECKING, Final

import anyio
import pytest
from mcp import Client

from tests.support.jsonrpc import MODERN
from tests.support.product.memory import slow_memory
from tests.support.product.sandbox_accounts import ANOTHER_ACCOUNT
from tests.support.product.server import Product
from tests.support.product.virtual_time import VirtualClock, run_in_virtual_time
from tests.support.random_round import PEOPLE, STRANGER, WITH_FORMS, Round, World
from tests.support.random_trax import Moments, RandomTrax
from tests.support.round_judge import problems, problems_in_the_calm
from tests.support.simulated_person import Person
from tests.support.virtual_setup import virtual_sandbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROUNDS: Final = int(os.environ.get("RACES", "80"))
SEED: Final = os.environ.get("RACES_SEED", "") or secrets.token_hex(3)
FIRST: Final = int(os.environ.get("RACES_FROM", "0"))
_BATCH: Final = 20
_LONGEST_SECONDS: Final = 60.0
"""All calls of a race have ended by then."""


@pytest.mark.parametrize("first", range(FIRST, FIRST + ROUNDS, _BATCH))
def test_a_race_keeps_every_promise(first: int) -> None:
    """In each round, whoever wins."""
    found: list[str] = []

    async def run() -> None:
        async with open_world(chance(f"trax {first}")) as world:
            for number in range(first, min(first + _BATCH, FIRST + ROUNDS)):
                found.extend(await run_round(world, number))

    run_in_virtual_time(run)
    again = f"RACES_SEED={SEED} RACES_FROM={first} RACES={_BATCH}"
    assert not found, "\n".join([f"once more with {again}:", *found])


async def run_round(world: World, number: int) -> list[str]:
    """Run a round, and then see what is left of it. Return what was broken, and its story."""
    it = Round(world, number, chance(str(number)))
    with anyio.fail_after(10 * _LONGEST_SECONDS):
        await it.run()
        found = [*problems(it)] or await problems_in_the_calm(it)
    return [f"round {number}:", *found, it.story()] if found else []


def chance(what: str) -> Random:
    """The chance of one part, which the seed decides."""
    return Random(f"{SEED} {what}")  # noqa: S311  no secret


@asynccontextmanager
async def open_world(random: Random) -> AsyncIterator[World]:
    """A server whose memory is slow, on a sandbox whose answers are."""
    sandbox, clock = virtual_sandbox(), VirtualClock()
    for name, key in PEOPLE.items():
        if name == STRANGER:
            sandbox.add_key(key, account=ANOTHER_ACCOUNT, scopes={"stream:golive"})
        else:
            sandbox.add_key(key)
    moments = Moments(random)
    product = Product(
        sandbox,
        clock,
        {"TRAX_TIMEOUT_SECONDS": "10"},
        pause=anyio.sleep,
        memory=slow_memory(clock, moments.pause),
    )
    async with AsyncExitStack() as stack:
        clients = {}
        for name, key in PEOPLE.items():
            form = Person() if name in WITH_FORMS else None
            client = Client(product.server(key), mode=MODERN, cache=None, elicitation_callback=form)
            clients[name] = await stack.enter_async_context(client)
        trax = RandomTrax(sandbox, random, moments)
        yield World(sandbox, trax, moments, [clients], lambda: anyio.sleep(_LONGEST_SECONDS))
