"""What counts as growth in a soak test, on invented counts. `make soak` takes real ones."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from proof.soak.fast_process import ResourceCount
from proof.soak.growth import find_growth

if TYPE_CHECKING:
    from collections.abc import Callable

SHOWS: Final = 45
FLAT: Final = ResourceCount(
    files={"socket": 5, "pipe": 1},
    tasks={"_serve_http": 1, "LifespanOn.main": 1},
    objects={"builtins.dict": 100},
    blocks=370_000,
    resident_kib=80_000,
)


def growth_after(change: Callable[[int], ResourceCount], *, shows: int = SHOWS) -> list[str]:
    """The reported growth, if `change` gives the count after each show."""
    return list(find_growth([change(show) for show in range(shows + 1)]))


@pytest.mark.parametrize(
    ("change", "growth"),
    [
        (
            lambda show: replace(FLAT, files={"socket": 5 + (show >= 30), "pipe": 1}),
            "open files: +1 socket within 19 shows",
        ),
        (
            lambda show: replace(FLAT, tasks=FLAT.tasks | {"Watcher._run": int(show >= SHOWS)}),
            "tasks: +1 Watcher._run within 34 shows",
        ),
        (
            lambda show: replace(FLAT, blocks=500 * show, objects={"Entry": show}),
            "memory: 500 blocks more with each show: +34 Entry",
        ),
        (
            lambda show: replace(FLAT, resident_kib=FLAT.resident_kib + 120 * show),
            "resident memory: 120 KiB more with each show",
        ),
    ],
)
def test_growth_is_described(change: Callable[[int], ResourceCount], growth: str) -> None:
    """Of files, tasks, allocated blocks and resident memory."""
    assert growth_after(change) == [growth]


@pytest.mark.parametrize(
    "change",
    [
        lambda _: FLAT,
        lambda show: FLAT if show else replace(FLAT, tasks={}, files={}, blocks=1),
        lambda show: replace(FLAT, blocks=FLAT.blocks + 500 * min(show, 15)),
        lambda show: replace(FLAT, resident_kib=FLAT.resident_kib + 800 * (show > SHOWS * 0.7)),
    ],
)
def test_constant_counts_warm_up_full_caches_and_one_step_are_no_growth(
    change: Callable[[int], ResourceCount],
) -> None:
    """Imports and threads start on first use, caches are bounded, allocators grow in steps."""
    assert growth_after(change) == []


def test_memory_is_not_judged_after_too_few_shows() -> None:
    """Chance would decide. Files and tasks are judged after any number."""
    assert growth_after(lambda it: replace(FLAT, blocks=10_000 * it), shows=5) == []
    assert growth_after(lambda it: replace(FLAT, tasks={"task": it}), shows=5) != []
