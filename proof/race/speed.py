"""Measures starts, memory and calls per second. The servers take turns.

The order rotates with each round, so that a slow moment of the machine affects all servers.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from bench.measured_process import BenchError
from proof.race.installation import first_reason
from proof.race.launchers import Launcher
from proof.race.offered_tools import OfferedTools
from proof.race.race_calls import READ
from proof.race.race_clients import Call, RaceClient

FLIGHTS: Final = (1, 16)
_EXPECTED_TEXT: Final = b"Friday Night Show"
_WARM_UP_SECONDS: Final = 0.3

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Effort:
    """Repetitions and durations."""

    starts: int
    rounds: int
    seconds: float


FULL: Final = Effort(starts=9, rounds=5, seconds=1.5)
QUICK: Final = Effort(starts=2, rounds=1, seconds=0.5)


@dataclass(frozen=True, slots=True)
class Start:
    """Time from the start of a process to its first `tools/list`, and memory after one call."""

    ms: float
    mib: float


def start(launcher: Launcher) -> Start:
    """Start a server over stdio, list its tools, call one, and read its memory.

    Raises:
        BenchError: it does not respond.
    """
    with launcher.on_stdio() as (process, client):
        response = client.ask("tools/list")
        ms = (time.perf_counter() - process.started_at) * 1000
        tools_offered = OfferedTools.parse(response)
        client.pump(_read_call(tools_offered), in_flight=1, seconds=0)
        return Start(ms, process.resident_mib())


def calls_per_second(client: RaceClient, effort: Effort) -> dict[int, float]:
    """Calls of one read per second, by number in flight."""
    call = _read_call(OfferedTools.parse(client.ask("tools/list")))
    client.pump(call, in_flight=max(FLIGHTS), seconds=_WARM_UP_SECONDS)
    return {it: client.pump(call, in_flight=it, seconds=effort.seconds) for it in FLIGHTS}


def over_stdio(launcher: Launcher, effort: Effort) -> dict[int, float]:
    """Calls per second of a new process over stdio."""
    with launcher.on_stdio() as (_, client):
        return calls_per_second(client, effort)


def over_http(launcher: Launcher, effort: Effort) -> dict[int, float]:
    """Calls per second of a new process over HTTP."""
    with launcher.on_http() as client:
        return calls_per_second(client, effort)


@dataclass(frozen=True, slots=True)
class TurnResults(Generic[T]):
    """The results of each server by name, and the reasons of those that failed."""

    results: dict[str, list[T]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def in_turns(
    launchers: Sequence[Launcher], turn: Callable[[Launcher], T], *, times: int
) -> TurnResults[T]:
    """Run `times` rounds of turns. A server that fails has no more turns."""
    turns: TurnResults[T] = TurnResults()
    for number in range(times):
        first = number % len(launchers)
        for launcher in (*launchers[first:], *launchers[:first]):
            name = launcher.server.name
            if name in turns.failed:
                continue
            try:
                turns.results.setdefault(name, []).append(turn(launcher))
            except (BenchError, OSError) as error:
                turns.failed[name] = reason_of(error)
    return turns


def reason_of(error: Exception) -> str:
    """Why a server failed: the error, and the first error on its stderr."""
    notes = [first_reason(note) for note in getattr(error, "__notes__", ()) if note.strip()]
    return "; ".join([first_reason(str(error)), *notes])


def _read_call(tools_offered: OfferedTools) -> Call:
    name, arguments = tools_offered.call(READ)
    return Call(name, arguments, expected=_EXPECTED_TEXT)
