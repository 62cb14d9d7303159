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
from statistics import median, quantiles

from bench import chat, consent, measure
from bench.measure import Effort
from bench.processes import BenchError
from bench.report import (
    CHAT_HEAD,
    CONSENT_HEAD,
    HEAD,
    Comparison,
    ConsentLine,
    Count,
    CrowdLine,
)
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
    system = f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors"
    # Others' work on the machine shows in every figure but the counted ones.
    return f"{python}; {system}, load {os.getloadavg()[0]:.1f}"


def _lines(effort: Effort) -> Iterator[Comparison | Count | ConsentLine | CrowdLine | str]:
    yield from _starts(effort)
    yield from _calls(effort)
    yield from _surface()
    yield CONSENT_HEAD
    yield from map(ConsentLine, consent.costs(effort.rounds))
    yield CHAT_HEAD
    for era in Era:
        yield from _chat(era, effort)


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
    yield Count("  bytes, TRaX's calls", seen.contract_bytes, target=13_000)
    yield Count("  bytes, beyond them", seen.beyond_bytes, target=3_000)
    yield Count("  without description", seen.undescribed, target=0)


def _chat(era: Era, effort: Effort) -> Iterator[CrowdLine | str]:
    costs = list(chat.costs(era, effort.rounds))
    rates = [it.requests_per_second for it in costs]
    ratios = [rate / rates[0] for rate in rates]
    delays = [median(it.delays_ms) for it in costs]
    within = [quantiles(it.delays_ms, n=20, method="inclusive")[-1] for it in costs]
    at_100 = chat.CROWDS[era].index(100)
    yield f"  {era}"
    yield CrowdLine("  requests to TRaX per s", rates)
    yield CrowdLine("    beside one subscriber", ratios, target=1.1, judged=max(ratios))
    yield CrowdLine("  CPU ms per notification", [it.cpu_ms for it in costs])
    yield CrowdLine("  KiB per idle subscriber", [it.resident_kib for it in costs])
    yield CrowdLine("  ms of delay, median", delays, target=20, judged=delays[at_100])
    yield CrowdLine("    95 of 100 within", within)


if __name__ == "__main__":
    main()
