"""How fast and how heavy: starts, memory, and calls per second. The entrants take turns.

One turn of everybody, then the next, in an order that moves on by one each time: a slow moment of
the machine strikes all alike. Nothing here knows what figures ought to be.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from bench.processes import BenchError
from proof.race.acts import READ
from proof.race.installing import first_reason
from proof.race.offered import Offered
from proof.race.runners import Runner
from proof.race.wires import Call, HttpExchange

FLIGHTS: Final = (1, 16)
_SHOWS: Final = b"Friday Night Show"
_WARM_UP_SECONDS: Final = 0.3

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Effort:
    """How often and how long."""

    starts: int
    rounds: int
    seconds: float


FULL: Final = Effort(starts=9, rounds=5, seconds=1.5)
QUICK: Final = Effort(starts=2, rounds=1, seconds=0.5)


@dataclass(frozen=True, slots=True)
class Start:
    """From the birth of a process to its first `tools/list`, and what it weighs after one call."""

    ms: float
    mib: float


def start(runner: Runner) -> Start:
    """Start it on stdio, list its tools, call one, and weigh it.

    Raises:
        BenchError: it does not answer.
    """
    with runner.on_stdio() as (child, wire):
        listed = wire.ask("tools/list")
        ms = (time.perf_counter() - child.born) * 1000
        offered = Offered.of(listed)
        wire.pump(_reading(offered), in_flight=1, seconds=0)
        return Start(ms, child.resident_mib())


def calls_per_second(wire: HttpExchange, effort: Effort) -> dict[int, float]:
    """So many in flight -> calls of one read per second."""
    call = _reading(Offered.of(wire.ask("tools/list")))
    wire.pump(call, in_flight=max(FLIGHTS), seconds=_WARM_UP_SECONDS)
    return {it: wire.pump(call, in_flight=it, seconds=effort.seconds) for it in FLIGHTS}


def over_stdio(runner: Runner, effort: Effort) -> dict[int, float]:
    """Calls per second of a process of its own, on stdin and stdout."""
    with runner.on_stdio() as (_, wire):
        return calls_per_second(wire, effort)


def over_http(runner: Runner, effort: Effort) -> dict[int, float]:
    """Calls per second of a process of its own, on a port of loopback."""
    with runner.on_http() as wire:
        return calls_per_second(wire, effort)


@dataclass(frozen=True, slots=True)
class Turns(Generic[T]):
    """What was taken of each, by its name; and the reason why one could not go on."""

    taken: dict[str, list[T]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def in_turns(runners: Sequence[Runner], turn: Callable[[Runner], T], *, times: int) -> Turns[T]:
    """Let everybody have a turn, then everybody one more. Whoever fails has no more turns."""
    turns: Turns[T] = Turns()
    for number in range(times):
        first = number % len(runners)
        for runner in (*runners[first:], *runners[:first]):
            name = runner.entrant.name
            if name in turns.failed:
                continue
            try:
                turns.taken.setdefault(name, []).append(turn(runner))
            except (BenchError, OSError) as error:
                turns.failed[name] = reason_of(error)
    return turns


def reason_of(error: Exception) -> str:
    """Why an entrant failed: what was seen, and the first error that it told on stderr."""
    told = [first_reason(note) for note in getattr(error, "__notes__", ()) if note.strip()]
    return "; ".join([first_reason(str(error)), *told])


def _reading(offered: Offered) -> Call:
    name, arguments = offered.call(READ)
    return Call(name, arguments, proof=_SHOWS)
