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

from bench import call_cost, chat_cost, consent_cost, replica_cost
from bench.call_cost import Effort
from bench.harness.mcp_clients import Era
from bench.harness.process import HarnessError
from bench.profile import import_lines
from bench.report_lines import (
    CHAT_HEAD,
    CONSENT_HEAD,
    HEAD,
    ChatLine,
    ComparisonLine,
    ConsentLine,
    CountLine,
)
from bench.walk.walk_report import WALK_HEAD, listing_line, walk

FULL = Effort(starts=25, pairs=8, warm_up_calls=100, turns=15, calls=15, rounds=11)
QUICK = Effort(starts=3, pairs=2, warm_up_calls=10, turns=5, calls=5, rounds=2)
_TRACES = {"OTEL_TRACES_EXPORTER": "otlp"}
_SAMPLED = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.05"}
TELEMETRY = {
    "metrics": {"TRAX_METRICS_PORT": "0"},
    "traces": _TRACES,
    "one trace in twenty": _TRACES | _SAMPLED,
}

_ABOUT = """\
trax-mcp beside bare low-level servers on the same SDK. Start and memory: one
trivial tool. Calls: one tool that makes the same single httpx call to the same
local upstream. The two take turns; figures are medians, spread is half of the
range in which the middle half of the pairs has its ratios."""


def main() -> None:
    """Measure everything, and print each line as soon as it is known."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds: noisy, but soon done")
    effort = QUICK if parser.parse_args().quick else FULL
    started_at = time.monotonic()
    print(f"{_ABOUT}\n\n{_machine()}\n\n{HEAD}", flush=True)
    try:
        for line in _lines(effort):
            print(line, flush=True)
    except HarnessError as error:
        sys.exit("\n".join([f"\nbench: {error}", *getattr(error, "__notes__", ())]))
    walked = list(walk())
    print(WALK_HEAD, *walked, listing_line(), sep="\n")
    print(f"\nMeasured in {time.monotonic() - started_at:.0f} s.")
    if not all(it.is_met for it in walked):
        sys.exit("bench: a task takes more calls than its limit")


def _machine() -> str:
    python = f"Python {platform.python_version()}, mcp {version('mcp')}"
    system = f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors"
    # Other load on the machine affects every figure except counts.
    return f"{python}; {system}, load {os.getloadavg()[0]:.1f}"


def _lines(effort: Effort) -> Iterator[ComparisonLine | CountLine | ConsentLine | ChatLine | str]:
    yield from _start_lines(effort)
    yield from _call_lines(effort)
    yield from _telemetry_lines(effort)
    yield from _sign_in_lines(effort)
    yield from import_lines()
    yield from _surface_lines()
    yield CONSENT_HEAD
    yield from map(ConsentLine, consent_cost.measure_consent(effort.rounds))
    yield from _replica_lines(effort)
    yield CHAT_HEAD
    for era in Era:
        yield from _chat_lines(era, effort)


def _start_lines(effort: Effort) -> Iterator[ComparisonLine | str]:
    starts_by_era = {era: call_cost.starts(era, effort) for era in Era}
    yield "start to first tools/list"
    for era, starts in starts_by_era.items():
        seconds = starts.map(lambda it: it.seconds * 1000)
        yield ComparisonLine(f"  stdio, {era}", seconds, "ms", target=1.15)
        cpu_seconds = starts.map(lambda it: it.cpu_seconds * 1000)
        yield ComparisonLine("    CPU time of that", cpu_seconds, "ms")
    yield "resident memory"
    for era, starts in starts_by_era.items():
        resident = starts.map(lambda it: it.resident_mib)
        yield ComparisonLine(f"  listed, {era}", resident, "MiB", target=1.25)
    yield ComparisonLine("  after a first call", call_cost.resident_after_call(effort), "MiB")


def _call_lines(effort: Effort) -> Iterator[ComparisonLine | str]:
    yield "time per call"
    for name, connect in (("stdio", call_cost.connect_stdio), ("HTTP", call_cost.connect_http)):
        for era in Era:
            seconds = call_cost.calls(connect, era, effort).map(lambda it: it * 1000)
            yield ComparisonLine(f"  {name}, {era}", seconds, "ms", target=1.3)


def _telemetry_lines(effort: Effort) -> Iterator[ComparisonLine | str]:
    yield "telemetry, beside none"
    for name, variables in TELEMETRY.items():
        connect = call_cost.connect_measured(variables)
        seconds = call_cost.calls(connect, Era.MODERN, effort).map(lambda it: it * 1000)
        yield ComparisonLine(f"  {name}", seconds, "ms", target=1.05)


def _sign_in_lines(effort: Effort) -> Iterator[ComparisonLine | str]:
    yield "signed in, beside a key"
    for era in Era:
        seconds = call_cost.signed_in_calls(era, effort).map(lambda it: it * 1000)
        yield ComparisonLine(f"  HTTP, {era}", seconds, "ms", target=1.2)
    yield ComparisonLine("  after a first call", call_cost.signed_in_memory(effort), "MiB")


def _surface_lines() -> Iterator[CountLine | str]:
    surface = call_cost.surface()
    yield f"what a model sees: {surface.tools} tools, {surface.arguments} arguments"
    yield CountLine("  bytes, TRaX's calls", surface.contract_bytes, target=14_000)
    yield CountLine("  bytes, beyond them", surface.beyond_bytes, target=3_000)
    yield CountLine("  without description", surface.undescribed, target=0)


def _replica_lines(effort: Effort) -> Iterator[str]:
    if not replica_cost.can_measure():
        yield "replicas: not measured, since there is no Valkey here"
        return
    cost = replica_cost.measure_replicas(effort.rounds)
    yield f"{'replicas on Valkey':26}{'alone':>8}{'one':>8}{'two':>8}"
    yield f"{'  ms, confirmed call':26}{cost.alone_ms:8.2f}{cost.shared_ms:8.2f}"
    yield f"{'  acts per second':26}{''.join(f'{it:8.0f}' for it in cost.per_second)}"
    yield f"{'  CPU ms of an act':26}{''.join(f'{it:8.1f}' for it in cost.cpu_ms)}"
    carried = f"{cost.replicas_per_engine:.0f} busy replicas for one Valkey"
    yield f"{'    of it in Valkey':26}{'':16}{cost.engine_cpu_ms:8.2f}  {carried} (arithmetic)"


def _chat_lines(era: Era, effort: Effort) -> Iterator[ChatLine | str]:
    costs = list(chat_cost.measure_chat(era, effort.rounds))
    rates = [it.requests_per_second for it in costs]
    ratios = [rate / rates[0] for rate in rates]
    delays = [median(it.delays_ms) for it in costs]
    percentiles = [quantiles(it.delays_ms, n=20, method="inclusive")[-1] for it in costs]
    yield f"  {era}"
    yield ChatLine("  requests to TRaX per s", rates)
    yield ChatLine("    beside one subscriber", ratios, target=1.1, judged_figure=max(ratios))
    yield ChatLine("  CPU ms per notification", [it.cpu_ms for it in costs])
    yield ChatLine("  KiB per idle subscriber", [it.resident_kib for it in costs])
    yield ChatLine("  ms of delay, median", delays, target=20, judged_figure=delays[1])
    yield ChatLine("    95 of 100 within", percentiles)


if __name__ == "__main__":
    main()
