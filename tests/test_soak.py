"""The soak in short: it runs, it sees what is lost, and it tells growth from chance."""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from proof.soak.__main__ import main
from proof.soak.census import Census
from proof.soak.judge import growth, slope
from proof.soak.report import ABOUT

if TYPE_CHECKING:
    from collections.abc import Callable

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="a process counts itself in /proc")

SHORT: Final = ("--minutes", "0.6")
"""A rehearsal and one show."""

LEAKY: Final = "tests.leaky_server"

SHOWS: Final = 45
FLAT: Final = Census(
    files={"socket": 5, "pipe": 1},
    tasks={"_serve_http": 1, "LifespanOn.main": 1},
    objects={"builtins.dict": 100, "trax_mcp.chat.watcher.Watcher": 2},
    blocks=370_000,
    resident_kib=80_000,
)


@linux_only
def test_a_short_soak_is_flat(capsys: pytest.CaptureFixture[str]) -> None:
    """Real servers over HTTP and stdio, and a table that fits a terminal."""
    assert main(SHORT) == 0
    table = capsys.readouterr().out.splitlines()
    assert table[-1] == "FLAT."
    assert max(map(len, table)) <= 80
    assert "\n".join(table).startswith(ABOUT)
    head, rehearsal, show = (line.split() for line in table[ABOUT.count("\n") + 2 :][:3])
    assert head == ["shows", "calls", "subscribers", *["files", "tasks", "MiB"] * 3]
    assert (rehearsal[0], show[0]) == ("0", "1")
    assert int(show[1]) > int(rehearsal[1]) > 200
    assert int(show[2]) == 2 * int(rehearsal[2]) > 0
    assert show[3:5] == rehearsal[3:5]


@linux_only
def test_what_is_lost_with_a_subscription_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    """A file and a task stay behind whenever somebody unsubscribes, on each transport."""
    assert main(SHORT, program=LEAKY) == 1
    verdict = capsys.readouterr().out.partition("NOT FLAT. What grew:\n")[2].splitlines()
    named = [line.strip().split(": ")[:2] for line in verdict]
    servers = ("HTTP", "stdio 2025", "stdio 2026")
    assert named == [[name, what] for name in servers for what in ("open files", "tasks")]
    assert all(line.endswith((" socket", " Event.wait")) for line in verdict)


def test_what_does_not_change_is_flat() -> None:
    """However long it goes on."""
    assert growth([FLAT] * 1_000) == []


def test_one_open_file_more_is_growth() -> None:
    """After any show; it is named, and so is how long that took."""
    more = replace(FLAT, files={"socket": 6, "pipe": 1})
    assert grown(lambda _, show: more if show >= 30 else FLAT) == [
        "open files: from 6 to 7 within 19 shows: +1 socket"
    ]


def test_one_task_more_is_growth() -> None:
    """It is named."""
    tasks = {**FLAT.tasks, "Watcher._run": 1}
    assert grown(lambda _, show: replace(FLAT, tasks=tasks) if show >= SHOWS else FLAT) == [
        "tasks: from 2 to 3 within 34 shows: +1 Watcher._run"
    ]


def test_what_comes_while_it_warms_up_is_not_judged() -> None:
    """Code is imported, and threads are started, when they are first needed."""
    assert grown(lambda it, show: it if show else replace(it, tasks={}, files={}, blocks=1)) == []


def test_memory_that_grows_a_little_with_each_show_is_growth() -> None:
    """In pieces or as a whole; what there is more of is named."""

    def more(it: Census, show: int) -> Census:
        objects = {**it.objects, "trax_mcp.consent.evidence.Entry": 5 * show}
        return replace(it, blocks=it.blocks + 60 * show, objects=objects)

    assert grown(more) == [
        "memory: 60 blocks more with each show: +85 trax_mcp.consent.evidence.Entry"
    ]
    assert grown(lambda it, show: replace(it, resident_kib=it.resident_kib + 40 * show)) == [
        "resident memory: 40 KiB more with each show"
    ]


def test_memory_that_rises_at_the_end_is_growth() -> None:
    """A slope over the second half would not show it."""
    late = replace(FLAT, resident_kib=90_000)
    assert grown(lambda it, show: late if show == SHOWS else it) == [
        "resident memory: 90000 KiB in the end, and 80000 on the whole"
    ]


def test_memory_that_fills_up_and_then_stays_is_flat() -> None:
    """So do caches that have a bound."""

    def filling(it: Census, show: int) -> Census:
        return replace(it, blocks=it.blocks + 500 * min(show, 15), resident_kib=80_000 + 9 * show)

    assert grown(filling) == []


def test_memory_that_goes_up_and_down_by_chance_is_flat() -> None:
    """Allocators take leaps, and give back late."""
    chance = random.Random(6)  # noqa: S311  it guards nothing

    def noisy(it: Census, show: int) -> Census:
        leap = 800 if show > SHOWS * 0.7 else 0
        kib = it.resident_kib + leap + chance.randint(-100, 100)
        return replace(it, blocks=it.blocks + chance.randint(-300, 300), resident_kib=kib)

    assert grown(noisy) == []


def test_too_few_shows_say_nothing_of_memory() -> None:
    """What is not known is not claimed, in either direction."""
    assert grown(lambda it, show: replace(it, blocks=it.blocks + 10_000 * show), shows=5) == []


def test_a_slope_is_blind_to_one_leap() -> None:
    """It is the median of what every two say."""
    assert slope([0, 2, 4, 6, 8]) == 2
    assert slope([7, 7, 7, 7, 900, 7, 7]) == 0


def grown(change: Callable[[Census, int], Census], *, shows: int = SHOWS) -> list[str]:
    """What is said to have grown, where this is what was there after each show."""
    return growth([change(FLAT, show) for show in range(shows + 1)])
