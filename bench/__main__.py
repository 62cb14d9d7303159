"""The benchmark: `python -m bench`, or with `--quick` to see only that it works.

It judges ratios, since milliseconds say more about the machine than about the program.
"""

from __future__ import annotations

import argparse
import asyncio
import compileall
import os
import platform
import sys
import sysconfig
import time
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, NamedTuple

import anyio

from bench import approvals, room
from bench.measure import BARE, OURS, Pairs, calls, in_turn, served, start, upstream
from bench.signed_in import signed_in
from tests import ROOT
from tests.support.product.virtual_time import VirtualLoop
from tests.walk.assistant import new_assistant
from tests.walk.tasks import CALLS
from tests.world.wire import ERAS, MODERN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractAsyncContextManager

    from bench.measure import Served
    from tests.walk.tasks import Task

    Opened = Callable[[], AbstractAsyncContextManager[Served]]


class Effort(NamedTuple):
    """How often: starts, pairs of processes, turns of a pair, and calls of a turn."""

    starts: int
    pairs: int
    turns: int
    calls: int


_FULL: Final = Effort(starts=15, pairs=4, turns=6, calls=100)
_QUICK: Final = Effort(starts=2, pairs=1, turns=2, calls=10)

_TRACES: Final = {"OTEL_TRACES_EXPORTER": "otlp"}
_TELEMETRY: Final = {
    "metrics": {"TRAX_METRICS_PORT": "0"},
    "traces": _TRACES,
    "one trace in twenty": _TRACES
    | {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.05"},
}

_ABOUT: Final = """\
trax-mcp and a bare low-level server on the same SDK take turns. CPU and memory
are those of the server's process alone. A ratio is the median of the pairs, and
the spread is half of the range in which the middle half of the ratios is."""
_HEAD: Final = f"{'':36}{'trax-mcp':>10}{'bare':>10}{'ratio':>8}{'spread':>8}"


def main() -> None:
    """Measure everything, and print each line as soon as it is known."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds: noisy, but soon done")
    is_quick = parser.parse_args().quick
    effort = _QUICK if is_quick else _FULL
    if sys.platform != "linux":
        sys.exit("bench: the CPU time of another process is read as Linux shows it")
    began = time.monotonic()
    print(f"{_ABOUT}\n\n{_machine()}\n{_compiled()}\n\n{_HEAD}", flush=True)
    anyio.run(_measure, effort)
    print(*approvals.lines(), *_walk(), *room.lines(is_quick=is_quick), sep="\n")
    print(f"\nMeasured in {time.monotonic() - began:.0f} s.")


def _machine() -> str:
    python = f"Python {platform.python_version()}, mcp {version('mcp')}"
    # Other load on the machine affects every figure except counts.
    return f"{python}; {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}"


def _compiled() -> str:
    """Compile both servers and their libraries: pip compiles only what it installs."""
    folders = (ROOT / "trax_mcp", ROOT / "bench", sysconfig.get_path("purelib"))
    if all(compileall.compile_dir(it, quiet=2) for it in folders):
        return "Both were compiled first."
    return "Not all could be compiled first: a start may include that, on one side more."


async def _measure(effort: Effort) -> None:
    async with upstream() as trax:
        for measured in (_starts, _calls, _telemetry, _sign_in):
            async for title, pairs in measured(effort, trax):
                for name, it in pairs.items():
                    print(_line(f"{title}, {name}", it), flush=True)


async def _starts(effort: Effort, trax: str) -> AsyncIterator[tuple[str, dict[str, Pairs]]]:
    for era in ERAS:
        ours, bare = (partial(start, it, trax, era) for it in (OURS, BARE))
        await ours()  # fills the disk caches
        await bare()
        yield f"start, {era}", await in_turn(ours, bare, times=effort.starts)


async def _calls(effort: Effort, trax: str) -> AsyncIterator[tuple[str, dict[str, Pairs]]]:
    for transport, arguments in (("stdio", ()), ("HTTP", ("http",))):
        for era in ERAS:
            compared = [partial(served, it, trax, era, *arguments) for it in (OURS, BARE)]
            yield f"{transport}, {era}", await _of_pairs(effort, *compared)


async def _telemetry(effort: Effort, trax: str) -> AsyncIterator[tuple[str, dict[str, Pairs]]]:
    """Beside the same server without it."""
    without = partial(served, OURS, trax, MODERN, "http")
    for name, settings in _TELEMETRY.items():
        yield name, await _of_pairs(effort, partial(without, **settings), without)


async def _sign_in(effort: Effort, trax: str) -> AsyncIterator[tuple[str, dict[str, Pairs]]]:
    """Beside a key at the same server."""
    with TemporaryDirectory() as folder:
        with_token = partial(signed_in, Path(folder), trax, token=True)
        with_key = partial(signed_in, Path(folder), trax, token=False)
        yield "signed in", await _of_pairs(effort, with_token, with_key)


async def _of_pairs(effort: Effort, ours: Opened, bare: Opened) -> dict[str, Pairs]:
    """Both are restarted several times, because the speed of processes varies."""
    all_pairs: dict[str, Pairs] = {}
    for _ in range(effort.pairs):
        async with ours() as one, bare() as other:
            for it in (one, other):
                await calls(it, effort.calls)  # warms up
            measured = [partial(calls, it, effort.calls) for it in (one, other)]
            for name, pairs in (await in_turn(*measured, times=effort.turns)).items():
                collected = all_pairs.setdefault(name, Pairs())
                collected.ours.extend(pairs.ours)
                collected.bare.extend(pairs.bare)
    return all_pairs


def _walk() -> Iterator[str]:
    """What a model reads: a line for each task, and one for the list of tools."""
    yield f"{'what a model reads':44}{'calls':>16}{'bytes':>16}"
    for task in CALLS:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            calls, read = runner.run(_walked(task))
        yield f"  {task.__name__.replace('_', ' '):42}{calls:>16}{read:>16,}"
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        yield f"  {'the list of tools, once':58}{runner.run(_listed()):>16,}"


async def _walked(task: Task) -> tuple[int, int]:
    async with new_assistant() as it:
        await task(it)
        return it.calls, it.answer_bytes


async def _listed() -> int:
    async with new_assistant() as it:
        return await it.listing_bytes()


def _line(title: str, pairs: Pairs) -> str:
    figures = f"{median(pairs.ours):10.2f}{median(pairs.bare):10.2f}"
    return f"{title:36}{figures}{pairs.ratio:8.2f}  ±{pairs.spread:.2f}"


if __name__ == "__main__":
    main()
