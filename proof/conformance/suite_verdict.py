"""Compares a run of the suite with the expected failures. Pure.

A scenario passes only with a check that passed. A warning or a skip counts as a failure, so that it
must be listed; each listed failure must occur.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from proof.conformance.expected_failures import SCORED, Expected
from proof.conformance.suite_results import WIRE, Check, Run


@dataclass(frozen=True, slots=True)
class Tally:
    """The scenarios that passed, those that failed as listed, and the total."""

    passed: int
    listed: int
    of: int

    def __str__(self) -> str:
        listed = f" ({self.listed} listed)" if self.listed else ""
        return f"{self.passed} of {self.of}{listed}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a run. `problems` are the unexpected results, as sentences.

    `reasons` has one reason for each scenario that failed as listed.
    """

    run: Run
    scored: Tally
    not_scored: Tally
    reasons: Sequence[str]
    problems: Sequence[str]


def judge(run: Run, listed: Sequence[Expected]) -> Verdict:
    """Compare a run with the expected failures."""
    entries = [it for it in listed if it.server == run.server and run.revision in it.revisions]
    problems = [*_run_problems(run, entries)]
    passed: set[str] = set()
    reasons: dict[str, str] = {}
    for name, checks in run.scenarios.items():
        relevant = [it for it in entries if it.scenario == name]
        if scenario_problems := [*_scenario_problems(checks, relevant)]:
            problems += [f"{name}: {it}" for it in scenario_problems]
        elif _passes(checks):
            passed.add(name)
        else:
            reasons[name] = _reason(relevant)
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


def _reason(entries: Sequence[Expected]) -> str:
    """The reason of the first entry, preferably of one that excuses more than a skip."""
    return min(entries, key=lambda it: it.only_skipped).reason


def _passes(checks: Sequence[Check]) -> bool:
    """Whether a check passed and none failed; skips are ignored, because they are listed."""
    failed = any(not it.is_sound and it.status != "SKIPPED" for it in checks)
    return not failed and any(it.proves for it in checks)


def _run_problems(run: Run, entries: Sequence[Expected]) -> Iterator[str]:
    """Problems of the run: missing or unknown scenarios, or a wrong exit code."""
    required = run.required.scored | run.required.not_scored
    ran = run.scenarios.keys()
    yield from (f"{name} was not run." for name in sorted(required - ran))
    yield from (f"{name} was run, and is not required." for name in sorted(ran - required))
    yield from (
        f"{it.scenario} is listed, and there is none." for it in entries if it.scenario not in ran
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


def _scenario_problems(checks: Sequence[Check], entries: Sequence[Expected]) -> Iterator[str]:
    unsound = list(dict.fromkeys(it for it in checks if not it.is_sound))
    covers_all = any(not it.checks for it in entries)
    unexpected = [
        it
        for it in unsound
        if it.id in WIRE or not (covers_all or any(entry.excuses(it) for entry in entries))
    ]
    for check in unexpected:
        yield f"{check.id} is {check.status}, unexpectedly. {check.message}".rstrip()
    names = {it.id for it in unsound}
    named = frozenset[str]().union(*(it.checks for it in entries))
    for name in sorted(named - names):
        yield f"{name} is listed and does not fail. Take it off the list."
    if covers_all and not names - WIRE:
        yield "it is listed and does not fail. Take it off the list."
    if not (covers_all or unexpected) and not any(it.proves for it in checks):
        yield "nothing in it was proved."
