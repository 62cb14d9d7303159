"""What a run is worth: everything that it should not have shown, in both directions. Pure.

A scenario passes only by something that held. A warning or a skip counts like a failure, so that it
must be written down; what is written down must happen.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from proof.conformance.expected import SCORED, Expected
from proof.conformance.results import WIRE, Check, Run


@dataclass(frozen=True, slots=True)
class Tally:
    """How many scenarios pass, how many fail as they are listed, and of how many."""

    passed: int
    listed: int
    of: int

    def __str__(self) -> str:
        listed = f" ({self.listed} listed)" if self.listed else ""
        return f"{self.passed} of {self.of}{listed}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A run, counted; `problems` are sentences, and there should be none.

    `reasons` are those of the scenarios that fail as they are listed, one for each.
    """

    run: Run
    scored: Tally
    not_scored: Tally
    reasons: Sequence[str]
    problems: Sequence[str]


def judge(run: Run, listed: Sequence[Expected]) -> Verdict:
    """Compare a run with what was expected of it."""
    lines = [it for it in listed if it.server == run.server and run.revision in it.revisions]
    problems = [*_of_run(run, lines)]
    passed: set[str] = set()
    reasons: dict[str, str] = {}
    for name, checks in run.scenarios.items():
        about = [it for it in lines if it.scenario == name]
        if found := [*_of_scenario(checks, about)]:
            problems += [f"{name}: {it}" for it in found]
        elif _passes(checks):
            passed.add(name)
        else:
            reasons[name] = _why(about)
    where = f"{run.server}, {run.revision}"
    return Verdict(
        run,
        scored=_tally(run.required.scored, passed, set(reasons)),
        not_scored=_tally(run.required.not_scored, passed, set(reasons)),
        reasons=[*reasons.values()],
        problems=[f"{where}: {it}" for it in problems],
    )


def _tally(names: frozenset[str], passed: set[str], listed: set[str]) -> Tally:
    return Tally(len(names & passed), len(names & listed), len(names))


def _why(lines: Sequence[Expected]) -> str:
    """The reason of the first, and rather of one that excuses more than a skip."""
    return min(lines, key=lambda it: it.only_skipped).reason


def _passes(checks: Sequence[Check]) -> bool:
    """What was skipped, and is listed, takes nothing away from what held."""
    failed = any(not it.is_sound and it.status != "SKIPPED" for it in checks)
    return not failed and any(it.proves for it in checks)


def _of_run(run: Run, lines: Sequence[Expected]) -> Iterator[str]:
    """Whether it was a whole run, and the suite agrees with us on what it has scored."""
    wanted = run.required.scored | run.required.not_scored
    ran = run.scenarios.keys()
    yield from (f"{name} was not run." for name in sorted(wanted - ran))
    yield from (f"{name} was run, and is not required." for name in sorted(ran - wanted))
    yield from (
        f"{it.scenario} is listed, and there is none." for it in lines if it.scenario not in ran
    )
    if len(run.required.scored) != SCORED[run.revision]:
        yield f"{len(run.required.scored)} scenarios are scored, not {SCORED[run.revision]}."
    failed = any(
        check.status == "FAILURE"
        for name in run.required.scored & ran
        for check in run.scenarios[name]
    )
    if run.code != int(failed):
        yield f"The suite ended with {run.code}, which is not what its checks say."
    if run.code and run.server == "overlaid":
        yield "The suite itself says that this server does not conform."


def _of_scenario(checks: Sequence[Check], lines: Sequence[Expected]) -> Iterator[str]:
    poor = list(dict.fromkeys(it for it in checks if not it.is_sound))
    whole = any(not it.checks for it in lines)
    unexpected = [
        it for it in poor if it.id in WIRE or not (whole or any(line.excuses(it) for line in lines))
    ]
    for check in unexpected:
        yield f"{check.id} is {check.status}, unexpectedly. {check.message}".rstrip()
    names = {it.id for it in poor}
    named = frozenset[str]().union(*(it.checks for it in lines))
    for name in sorted(named - names):
        yield f"{name} is listed and does not fail. Take it off the list."
    if whole and not names - WIRE:
        yield "it is listed and does not fail. Take it off the list."
    if not (whole or unexpected) and not any(it.proves for it in checks):
        yield "nothing in it was proved."
