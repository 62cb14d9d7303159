"""A short soak run, with and without leaks, and the detection of growth."""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from proof.soak.__main__ import main
from proof.soak.growth import find_growth, slope
from proof.soak.resource_count import ResourceCount
from proof.soak.soak_report import ABOUT

if TYPE_CHECKING:
    from collections.abc import Callable

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="a process counts itself in /proc")

SHORT: Final = ("--minutes", "0.6")
"""A warm-up and one show."""

LEAKY: Final = "tests.support.leaky_server"

SHOWS: Final = 45
FLAT: Final = ResourceCount(
    files={"socket": 5, "pipe": 1},
    tasks={"_serve_http": 1, "LifespanOn.main": 1},
    objects={"builtins.dict": 100, "trax_mcp.chat.watcher.Watcher": 2},
    blocks=370_000,
    resident_kib=80_000,
)


@linux_only
def test_short_soak_finds_no_growth(capsys: pytest.CaptureFixture[str]) -> None:
    """With real servers over HTTP and stdio; the table fits 80 columns."""
    assert main(SHORT) == 0
    table = capsys.readouterr().out.splitlines()
    assert table[-1] == "FLAT."
    assert max(map(len, table)) <= 80
    assert "\n".join(table).startswith(ABOUT)
    head, warm_up, show = (line.split() for line in table[ABOUT.count("\n") + 2 :][:3])
    assert head == ["shows", "calls", "subscribers", *["files", "tasks", "MiB"] * 3]
    assert (warm_up[0], show[0]) == ("0", "1")
    assert int(show[1]) > int(warm_up[1]) > 200
    assert int(show[2]) == 2 * int(warm_up[2]) > 0
    assert show[3:5] == warm_up[3:5]


@linux_only
def test_soak_finds_leaks_of_subscriptions(capsys: pytest.CaptureFixture[str]) -> None:
    """A file and a task for every unsubscribe, on each transport."""
    assert main(SHORT, program=LEAKY) == 1
    verdict = capsys.readouterr().out.partition("NOT FLAT. What grew:\n")[2].splitlines()
    growth = [line.strip().split(": ")[:2] for line in verdict]
    servers = ("HTTP", "stdio 2025", "stdio 2026")
    assert growth == [[name, what] for name in servers for what in ("open files", "tasks")]
    assert all(line.endswith((" socket", " Event.wait")) for line in verdict)


def test_constant_counts_are_no_growth() -> None:
    """In any number of shows."""
    assert find_growth([FLAT] * 1_000) == []


def test_one_more_open_file_is_growth() -> None:
    """The file and the number of shows are named."""
    more = replace(FLAT, files={"socket": 6, "pipe": 1})
    assert growth_after(lambda _, show: more if show >= 30 else FLAT) == [
        "open files: from 6 to 7 within 19 shows: +1 socket"
    ]


def test_one_more_task_is_growth() -> None:
    """The task is named."""
    tasks = {**FLAT.tasks, "Watcher._run": 1}
    assert growth_after(lambda _, show: replace(FLAT, tasks=tasks) if show >= SHOWS else FLAT) == [
        "tasks: from 2 to 3 within 34 shows: +1 Watcher._run"
    ]


def test_growth_during_warm_up_is_ignored() -> None:
    """Imports and threads start on first use."""
    assert (
        growth_after(lambda it, show: it if show else replace(it, tasks={}, files={}, blocks=1))
        == []
    )


def test_memory_that_grows_with_each_show_is_growth() -> None:
    """In allocated blocks or resident memory; the growing objects are named."""

    def more(it: ResourceCount, show: int) -> ResourceCount:
        objects = {**it.objects, "trax_mcp.consent.evidence.Entry": 5 * show}
        return replace(it, blocks=it.blocks + 60 * show, objects=objects)

    assert growth_after(more) == [
        "memory: 60 blocks more with each show: +85 trax_mcp.consent.evidence.Entry"
    ]
    assert growth_after(lambda it, show: replace(it, resident_kib=it.resident_kib + 40 * show)) == [
        "resident memory: 40 KiB more with each show"
    ]


def test_memory_that_jumps_at_the_end_is_growth() -> None:
    """A slope alone would not show it."""
    late = replace(FLAT, resident_kib=90_000)
    assert growth_after(lambda it, show: late if show == SHOWS else it) == [
        "resident memory: 90000 KiB in the end, and 80000 on the whole"
    ]


def test_memory_that_grows_up_to_a_limit_is_no_growth() -> None:
    """As with bounded caches."""

    def filling(it: ResourceCount, show: int) -> ResourceCount:
        return replace(it, blocks=it.blocks + 500 * min(show, 15), resident_kib=80_000 + 9 * show)

    assert growth_after(filling) == []


def test_random_changes_of_memory_are_no_growth() -> None:
    """Allocators grow in jumps and release memory late."""
    generator = random.Random(6)  # noqa: S311  not for security

    def noisy(it: ResourceCount, show: int) -> ResourceCount:
        jump = 800 if show > SHOWS * 0.7 else 0
        kib = it.resident_kib + jump + generator.randint(-100, 100)
        return replace(it, blocks=it.blocks + generator.randint(-300, 300), resident_kib=kib)

    assert growth_after(noisy) == []


def test_memory_is_not_judged_after_too_few_shows() -> None:
    """Whatever it does."""
    assert (
        growth_after(lambda it, show: replace(it, blocks=it.blocks + 10_000 * show), shows=5) == []
    )


def test_slope_ignores_one_outlier() -> None:
    """It is the median of all pairwise slopes."""
    assert slope([0, 2, 4, 6, 8]) == 2
    assert slope([7, 7, 7, 7, 900, 7, 7]) == 0


def growth_after(
    change: Callable[[ResourceCount, int], ResourceCount], *, shows: int = SHOWS
) -> list[str]:
    """The reported growth, if `change` gives the counts after each show."""
    return find_growth([change(FLAT, show) for show in range(shows + 1)])
