"""The course: every entrant, every measurement, every question, into one table.

Whoever cannot start is named with the reason and is out; whoever fails at one measurement has an
empty cell there and a note, and goes on. It judges nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import TypeVar

from bench.processes import BenchError
from proof.race import manners, pace
from proof.race.cells import Cell
from proof.race.guests import Guest
from proof.race.manners import Guarding
from proof.race.offered import Offered
from proof.race.pace import FLIGHTS, Effort, Turns, in_turns, reason_of
from proof.race.upstream import Upstream

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Seen:
    """The table so far, who is out and why, and what could not be measured."""

    table: dict[str, dict[str, Cell]] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def run(guests: Sequence[Guest], effort: Effort, address: str) -> Seen:
    """Let all of them run; `address` is the sandbox's."""
    seen = Seen({guest.entrant.name: {} for guest in guests})
    warm = in_turns(guests, pace.start, times=1)  # so that bytecode and disk are warm
    seen.absent.update(warm.failed)
    able = [guest for guest in guests if guest.entrant.name not in warm.failed]
    _starts(seen, able, effort)
    _rates(seen, able, effort, pace.over_stdio, "stdio")
    on_http = [guest for guest in able if guest.entrant.http]
    _rates(seen, on_http, effort, pace.over_http, "http")
    for guest in able:
        _ask(seen, guest, Upstream(address))
    return seen


def _starts(seen: Seen, guests: Sequence[Guest], effort: Effort) -> None:
    print("starts", flush=True)
    turns = in_turns(guests, pace.start, times=effort.starts)
    for name, starts in _whole(seen, turns, "starts").items():
        seen.table[name]["start_ms"] = median(it.ms for it in starts)
        seen.table[name]["memory_mib"] = median(it.mib for it in starts)


def _rates(
    seen: Seen,
    guests: Sequence[Guest],
    effort: Effort,
    measure: Callable[[Guest, Effort], dict[int, float]],
    transport: str,
) -> None:
    print(f"calls over {transport}", flush=True)
    turns = in_turns(guests, lambda it: measure(it, effort), times=effort.rounds)
    for name, rates in _whole(seen, turns, transport).items():
        for flight in FLIGHTS:
            seen.table[name][f"{transport}_{flight}"] = median(it[flight] for it in rates)


def _whole(seen: Seen, turns: Turns[T], what: str) -> dict[str, list[T]]:
    """What was taken of those that had all their turns; the others get a note."""
    seen.notes.extend(f"{name}, {what}: {why}" for name, why in turns.failed.items())
    return {name: taken for name, taken in turns.taken.items() if name not in turns.failed}


def _ask(seen: Seen, guest: Guest, upstream: Upstream) -> None:
    name = guest.entrant.name
    print(f"questions to {name}", flush=True)
    for key, question in manners.QUESTIONS.items():
        try:
            seen.table[name] |= _answers(guest, upstream, key, question)
        except (BenchError, OSError) as error:
            seen.notes.append(f"{name}, {key}: {reason_of(error)}")


def _answers(
    guest: Guest, upstream: Upstream, key: str, question: Callable[[Guarding], Cell]
) -> dict[str, Cell]:
    upstream.anew()
    with guest.on_stdio() as (child, wire):
        offered = Offered.of(wire.ask("tools/list"))
        guarding = Guarding(child, wire, offered, upstream)
        protocol = str(wire.greeting["protocolVersion"])
        seen = {"protocol": protocol, **manners.surface(offered)}
        return seen | {key: question(guarding)}
