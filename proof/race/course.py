"""The course: every entrant, every measurement, every question, into one table.

Whoever cannot start is named with the reason and is out; whoever fails at one measurement has an
empty cell there and a note, and goes on. It judges nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final, TypeVar

from bench.processes import BenchError
from proof.race import manners, pace
from proof.race.cells import Cell
from proof.race.manners import Interview
from proof.race.offered import Offered
from proof.race.pace import FLIGHTS, Effort, Start, Turns, in_turns, reason_of
from proof.race.runners import Runner
from proof.race.upstream import Upstream

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
        *manners.SURFACE,
        *manners.QUESTIONS,
    }
)
"""The keys of all rows that an entrant can have a cell in."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The table so far, who is out and why, and what could not be measured."""

    table: dict[str, dict[str, Cell]] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def run(runners: Sequence[Runner], effort: Effort, address: str) -> Seen:
    """Let all of them run; `address` is the sandbox's."""
    seen = Seen({runner.entrant.name: {} for runner in runners})
    warm = in_turns(runners, pace.start, times=1)  # so that bytecode and disk are warm
    seen.absent.update(warm.failed)
    able = [runner for runner in runners if runner.entrant.name not in warm.failed]
    _starts(seen, able, effort)
    _rates(seen, able, effort, pace.over_stdio, "stdio")
    on_http = [runner for runner in able if runner.entrant.http]
    _rates(seen, on_http, effort, pace.over_http, "http")
    for runner in able:
        _ask(seen, runner, Upstream(address))
    return seen


def _starts(seen: Seen, runners: Sequence[Runner], effort: Effort) -> None:
    print("measuring starts", flush=True)
    turns = in_turns(runners, pace.start, times=effort.starts)
    for name, starts in _whole(seen, turns, "starts").items():
        seen.table[name] |= {row: median(map(of, starts)) for row, of in _STARTS.items()}


def _rates(
    seen: Seen,
    runners: Sequence[Runner],
    effort: Effort,
    measure: Callable[[Runner, Effort], dict[int, float]],
    transport: str,
) -> None:
    print(f"measuring calls over {transport}", flush=True)
    turns = in_turns(runners, lambda it: measure(it, effort), times=effort.rounds)
    for name, rates in _whole(seen, turns, transport).items():
        rows = _RATES[transport].items()
        seen.table[name] |= {row: median(it[flight] for it in rates) for flight, row in rows}


def _whole(seen: Seen, turns: Turns[T], what: str) -> dict[str, list[T]]:
    """What was taken of those that had all their turns; the others get a note."""
    seen.notes.extend(f"{name}, {what}: {why}" for name, why in turns.failed.items())
    return {name: taken for name, taken in turns.taken.items() if name not in turns.failed}


def _ask(seen: Seen, runner: Runner, upstream: Upstream) -> None:
    name = runner.entrant.name
    print(f"asking {name}", flush=True)
    for key, question in manners.QUESTIONS.items():
        try:
            seen.table[name] |= _answers(runner, upstream, key, question)
        except (BenchError, OSError) as error:
            seen.notes.append(f"{name}, {key}: {reason_of(error)}")


def _answers(
    runner: Runner, upstream: Upstream, key: str, question: Callable[[Interview], Cell]
) -> dict[str, Cell]:
    upstream.anew()
    with runner.on_stdio() as (child, wire):
        offered = Offered.of(wire.ask("tools/list"))
        interview = Interview(child, wire, offered, upstream)
        protocol = str(wire.greeting["protocolVersion"])
        surface = {row: of(offered) for row, of in manners.SURFACE.items()}
        return {_PROTOCOL: protocol, **surface, key: question(interview)}
