"""One model of calls, approvals, stops and faults over two replicas: histories by chance.

A history is a list of steps in virtual time, in which calls cross. A seed chooses it, and not
Hypothesis: its lists repeat a few steps, and seldom cross where it matters. A failure prints the
promise that was broken, and the story of the shortest history that was found.

`MODEL_HISTORIES=20000 MODEL_SEED=tonight pytest -n auto tests/model` plays so many others.
"""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import count
from random import Random
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from tests.model.histories import random_history
from tests.model.run import LONGEST_SECONDS, TIMEOUT_SECONDS, ReplicaTransport, Run
from tests.support.product.virtual_time import run_in_virtual_time
from tests.world.world import open_world

if TYPE_CHECKING:
    from tests.model.histories import History
    from tests.support.product.sandbox import Sandbox

HISTORIES: Final = int(os.environ.get("MODEL_HISTORIES", "60"))
TELLING: Final = (136, 197, 203)
"""Histories of the gate's seed that notice what few others do."""
SEED: Final = os.environ.get("MODEL_SEED", "gate")
_BATCH: Final = 5


@pytest.mark.parametrize("first", [*range(0, HISTORIES, _BATCH), HISTORIES])
def test_every_history_keeps_every_promise(first: int) -> None:
    """In whatever order calls come. The last batch has the telling ones."""
    numbers = range(first, min(first + _BATCH, HISTORIES))
    for number in numbers or TELLING:
        history = random_history(Random(f"{SEED} {number}"))  # noqa: S311  no secret
        if play(history):
            pytest.fail("\n".join([f"MODEL_SEED={SEED}, history {number}:", *shortest(history)]))


def play(history: History) -> list[str]:
    """Play a history. Return the promises that it broke, and the story."""
    found, numbers = list[str](), count()

    def transport(trax: Sandbox) -> ReplicaTransport:
        return ReplicaTransport(trax, next(numbers))

    async def run() -> None:
        async with open_world(
            virtual=True,
            replicas=2,
            era=history.era,
            transport=transport,
            TRAX_ASK=history.ways,
            TRAX_TIMEOUT_SECONDS=str(TIMEOUT_SECONDS),
        ) as world:
            it = Run(world, history.ways, history.seed, history.slowest)
            for step in history.steps:
                await getattr(it, step.name)(**step.arguments)
                await anyio.sleep(step.pause)
            it.faults.clear()
            await it.wait(LONGEST_SECONDS)
            it.promises.settle()
            if it.promises.broken:
                how = f"{history.ways}, {history.era}, TRaX takes up to {history.slowest} seconds"
                found.extend([*it.promises.broken, "", how, *it.story])

    run_in_virtual_time(run)
    return found


def shortest(history: History) -> list[str]:
    """Leave out each step that is not needed to break a promise. Return the rest's story."""
    story = play(history)
    for index in reversed(range(len(history.steps))):
        fewer = replace(history, steps=[*history.steps[:index], *history.steps[index + 1 :]])
        if broken := play(fewer):
            history, story = fewer, broken
    return story
