"""Measures starts, memory and calls per second. The servers take turns.

The order rotates with each round, so that a slow moment of the machine affects all servers.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from bench.harness.mcp_clients import Call, McpClient
from bench.harness.process import HarnessError
from bench.race.compared_servers import Launcher
from bench.race.installation import first_reason
from bench.race.offered_tools import OfferedTools
from bench.race.race_calls import READ

_EXPECTED_TEXT: Final = b"Friday Night Show"
_WARM_UP_SECONDS: Final = 0.3
_FLIGHTS: Final = (1, 16)


@dataclass(frozen=True, slots=True)
class Effort:
    """Repetitions and durations."""

    starts: int
    rounds: int
    seconds: float


FULL: Final = Effort(starts=9, rounds=5, seconds=1.5)
QUICK: Final = Effort(starts=2, rounds=1, seconds=0.5)

Figures = Mapping[str, float]
"""Row -> figure."""


def start(launcher: Launcher) -> Figures:
    """Start a server over stdio, list its tools, call one, and read its memory.

    Raises:
        HarnessError: it does not respond.
    """
    with launcher.on_stdio() as (process, client):
        tools_offered = OfferedTools.of(client)
        ms = (time.perf_counter() - process.started_at) * 1000
        client.pump(_read_call(tools_offered), in_flight=1, seconds=0)
        return {"start_ms": ms, "memory_mib": process.resident_mib()}


def over_stdio(launcher: Launcher, effort: Effort) -> Figures:
    """Calls per second of a new process over stdio."""
    with launcher.on_stdio() as (_, client):
        return _calls_per_second("stdio", client, effort)


def over_http(launcher: Launcher, effort: Effort) -> Figures:
    """Calls per second of a new process over HTTP."""
    with launcher.on_http() as client:
        return _calls_per_second("http", client, effort)


def in_turns(
    launchers: Sequence[Launcher], measure: Callable[[Launcher], Figures], *, times: int
) -> tuple[Mapping[str, Figures], dict[str, str]]:
    """Run `times` rounds of turns, in which a server that fails has no more turns.

    Returns the medians of each server that completed all of them, and why the others failed.
    """
    results: dict[str, list[Figures]] = {it.server.name: [] for it in launchers}
    failed: dict[str, str] = {}
    for number in range(times):
        first = number % len(launchers)
        for launcher in (*launchers[first:], *launchers[:first]):
            if (name := launcher.server.name) in failed:
                continue
            try:
                results[name].append(measure(launcher))
            except (HarnessError, OSError) as error:
                failed[name] = reason_of(error)
    medians = {
        name: {row: median(it[row] for it in figures) for row in figures[0]}
        for name, figures in results.items()
        if name not in failed
    }
    return medians, failed


def reason_of(error: Exception) -> str:
    """Why a server failed: the error, and the first error on its stderr."""
    notes = [first_reason(note) for note in getattr(error, "__notes__", ()) if note.strip()]
    return "; ".join([first_reason(str(error)), *notes])


def _calls_per_second(transport: str, client: McpClient, effort: Effort) -> Figures:
    """Calls of one read per second, by number in flight."""
    call = _read_call(OfferedTools.of(client))
    client.pump(call, in_flight=max(_FLIGHTS), seconds=_WARM_UP_SECONDS)
    return {
        f"{transport}_{it}": client.pump(call, in_flight=it, seconds=effort.seconds)
        for it in _FLIGHTS
    }


def _read_call(tools_offered: OfferedTools) -> Call:
    name, arguments = tools_offered.call(READ)
    return Call(name, arguments, expected=_EXPECTED_TEXT)
