"""Plays a row, and the same calls without a deviation."""

from __future__ import annotations

import asyncio
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple
from unittest.mock import patch

from tests.deviations.plays import as_documented
from tests.deviations.told import lines_for_models, lines_for_people
from tests.support.product.virtual_time import run_in_virtual_time

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.deviations.row import Row
    from tests.deviations.scenarios import Evening, Scenario, Told
    from tests.support.product.sandbox import Sandbox


class Read(NamedTuple):
    """What a row says was read and sent."""

    person: tuple[str, ...]
    model: tuple[str, ...]
    sent: tuple[str, ...]


def play(calls: Scenario, deviate: Callable[[Sandbox], None]) -> Evening:
    """Make the calls in a world of their own."""
    evenings: list[Evening] = []

    async def run() -> None:
        evenings.append(await calls.play(deviate, Path(folder)))

    with TemporaryDirectory() as folder, patch("random.random", return_value=0.5):  # pauses
        asyncio.run(run()) if calls.uploads else run_in_virtual_time(run)
    return evenings[0]


@cache
def usual(calls: Scenario) -> Mapping[str, Told]:
    """The answers where TRaX does as documented, by their label."""
    return {it.label: it for it in play(calls, as_documented).told}


def read_in(row: Row, evening: Evening) -> Read:
    """What was read and sent; where nothing deviates, all of it."""
    before = {} if row.play is as_documented else usual(row.calls)
    return Read(
        lines_for_people(evening.told, before),
        lines_for_models(evening.told, before),
        tuple(evening.sent),
    )
