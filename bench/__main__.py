"""The benchmark: `python -m bench`, or with `--quick` to see only that it works.

It judges ratios, since seconds say more about the machine than about the program.
"""

import argparse
import os
import platform
import sys
import time
from collections.abc import Iterator
from importlib.metadata import version

from bench import consent, measure
from bench.measure import Effort
from bench.processes import BenchError
from bench.report import CONSENT_HEAD, HEAD, Comparison, ConsentLine, Count
from bench.wire import Era

FULL = Effort(starts=25, pairs=8, warm_up_calls=100, turns=15, calls=15, rounds=11)
QUICK = Effort(starts=3, pairs=2, warm_up_calls=10, turns=5, calls=5, rounds=2)

_ABOUT = """\
trax-mcp beside bare low-level servers on the same SDK. Start and memory: one
trivial tool. Calls: one tool that makes the same single httpx call to the same
local upstream. The two take turns; figures are medians, spread is half of the
range in which the middle half of the pairs has its ratios."""


def main() -> None:
    """Measure everything and print it, each line as soon as it is known."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds: noisy, but soon done")
    effort = QUICK if parser.parse_args().quick else FULL
    began = time.monotonic()
    print(f"{_ABOUT}\n\n{_machine()}\n\n{HEAD}", flush=True)
    try:
        for line in _lines(effort):
            print(line, flush=True)
    except BenchError as error:
        sys.exit("\n".join([f"\nbench: {error}", *getattr(error, "__notes__", ())]))
    print(f"\nMeasured in {time.monotonic() - began:.0f} s.")


def _machine() -> str:
    python = f"Python {platform.python_version()}, mcp {version('mcp')}"
    return f"{python}; {platform.system()} {platform.machine()}, {os.cpu_count()} processors"


def _lines(effort: Effort) -> Iterator[Comparison | Count | ConsentLine | str]:
    yield from _starts(effort)
    yield from _calls(effort)
    yield from _surface()
    yield CONSENT_HEAD
    yield from map(ConsentLine, consent.costs(effort.rounds))


def _starts(effort: Effort) -> Iterator[Comparison | str]:
    taken = {era: measure.starts(era, effort) for era in Era}
    yield "start to first tools/list"
    for era, starts in taken.items():
        seconds = starts.map(lambda it: it.seconds * 1000)
        yield Comparison(f"  stdio, {era}", seconds, "ms", target=1.15)
        cpu_seconds = starts.map(lambda it: it.cpu_seconds * 1000)
        yield Comparison("    CPU time of that", cpu_seconds, "ms")
    yield "resident memory"
    for era, starts in taken.items():
        resident = starts.map(lambda it: it.resident_mib)
        yield Comparison(f"  listed, {era}", resident, "MiB", target=1.25)
    yield Comparison("  after a first call", measure.resident_after_call(effort), "MiB")


def _calls(effort: Effort) -> Iterator[Comparison | str]:
    yield "time per call"
    for name, connect in (("stdio", measure.over_stdio), ("HTTP", measure.over_http)):
        for era in Era:
            seconds = measure.calls(connect, era, effort).map(lambda it: it * 1000)
            yield Comparison(f"  {name}, {era}", seconds, "ms", target=1.3)


def _surface() -> Iterator[Count | str]:
    seen = measure.surface()
    yield f"what a model sees: {seen.tools} tools, {seen.arguments} arguments"
    yield Count("  bytes of JSON", seen.size_bytes, target=13_000)
    yield Count("  without description", seen.undescribed, target=0)


if __name__ == "__main__":
    main()
