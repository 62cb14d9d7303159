"""Runs all measurements and questions on all servers, and fills the table.

A server that cannot start is left out, with the reason. One that fails a measurement has an empty
cell and a note.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final, TypeVar

from bench.measured_process import BenchError
from proof.race import behaviour, speed
from proof.race.behaviour import ServerUnderTest
from proof.race.launchers import Launcher
from proof.race.offered_tools import OfferedTools
from proof.race.sandbox_control import SandboxControl
from proof.race.speed import FLIGHTS, Effort, Start, TurnResults, in_turns, reason_of
from proof.race.table_cells import Cell

T = TypeVar("T")

_PROTOCOL: Final = "protocol"
_STARTS: Final[Mapping[str, Callable[[Start], float]]] = {
    "start_ms": lambda it: it.ms,
    "memory_mib": lambda it: it.mib,
}
_RATES: Final = {
    transport: {flight: f"{transport}_{flight}" for flight in FLIGHTS}
    for transport in ("stdio", "http")
}
ROWS_FILLED: Final = frozenset(
    {
        _PROTOCOL,
        *_STARTS,
        *(row for rows in _RATES.values() for row in rows.values()),
        *behaviour.SURFACE,
        *behaviour.QUESTIONS,
    }
)
"""The keys of all rows that are filled here."""


@dataclass(frozen=True, slots=True)
class RaceResult:
    """The table, the servers that could not start, and notes on failed measurements."""

    table: dict[str, dict[str, Cell]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def run(launchers: Sequence[Launcher], effort: Effort, address: str) -> RaceResult:
    """Run everything; `address` is the sandbox's."""
    result = RaceResult({launcher.server.name: {} for launcher in launchers})
    warm = in_turns(launchers, speed.start, times=1)  # fills the bytecode and disk caches
    result.missing.update(warm.failed)
    running = [launcher for launcher in launchers if launcher.server.name not in warm.failed]
    _measure_starts(result, running, effort)
    _measure_rates(result, running, effort, speed.over_stdio, "stdio")
    on_http = [launcher for launcher in running if launcher.server.http]
    _measure_rates(result, on_http, effort, speed.over_http, "http")
    for launcher in running:
        _ask_questions(result, launcher, SandboxControl(address))
    return result


def _measure_starts(result: RaceResult, launchers: Sequence[Launcher], effort: Effort) -> None:
    print("measuring starts", flush=True)
    turns = in_turns(launchers, speed.start, times=effort.starts)
    for name, starts in _complete(result, turns, "starts").items():
        result.table[name] |= {row: median(map(read, starts)) for row, read in _STARTS.items()}


def _measure_rates(
    result: RaceResult,
    launchers: Sequence[Launcher],
    effort: Effort,
    measure: Callable[[Launcher, Effort], dict[int, float]],
    transport: str,
) -> None:
    print(f"measuring calls over {transport}", flush=True)
    turns = in_turns(launchers, lambda it: measure(it, effort), times=effort.rounds)
    for name, rates in _complete(result, turns, transport).items():
        rows = _RATES[transport].items()
        result.table[name] |= {row: median(it[flight] for it in rates) for flight, row in rows}


def _complete(result: RaceResult, turns: TurnResults[T], label: str) -> dict[str, list[T]]:
    """The results of the servers that completed all turns; the others get a note."""
    result.notes.extend(f"{name}, {label}: {why}" for name, why in turns.failed.items())
    return {name: results for name, results in turns.results.items() if name not in turns.failed}


def _ask_questions(result: RaceResult, launcher: Launcher, upstream: SandboxControl) -> None:
    name = launcher.server.name
    print(f"asking {name}", flush=True)
    for key, question in behaviour.QUESTIONS.items():
        try:
            result.table[name] |= _answer(launcher, upstream, key, question)
        except (BenchError, OSError) as error:
            result.notes.append(f"{name}, {key}: {reason_of(error)}")


def _answer(
    launcher: Launcher,
    upstream: SandboxControl,
    key: str,
    question: Callable[[ServerUnderTest], Cell],
) -> dict[str, Cell]:
    upstream.reset()
    with launcher.on_stdio() as (process, client):
        tools_offered = OfferedTools.parse(client.ask("tools/list"))
        subject = ServerUnderTest(process, client, tools_offered, upstream)
        protocol = str(client.initialize_result["protocolVersion"])
        surface = {row: read(tools_offered) for row, read in behaviour.SURFACE.items()}
        return {_PROTOCOL: protocol, **surface, key: question(subject)}
