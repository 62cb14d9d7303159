"""Compares a run of the suite with the expected failures. Pure.

A scenario passes only with a check that passed. A warning or a skip counts as a failure, so that it
must be listed; each listed failure must occur.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from proof.conformance.suite import Check, Run

SCORED: Final = {"2025-11-25": 30, "2026-07-28": 37}
"""The number of server scenarios that the suite scores, by revision."""

WIRE: Final = frozenset(
    {"wire-schema-valid", "wire-schema-harness-error", "scenario-timeout", "scenario-crash"}
)
"""Checks that are not about the scenario itself: valid messages, and no crash. Never excused."""

_SOUND: Final = ("SUCCESS", "INFO")


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a run: passed scenarios, and those that failed as listed, with the reason.

    `problems` are the unexpected results, as sentences.
    """

    passed: frozenset[str]
    listed: Mapping[str, str]
    problems: Sequence[str]


def judge(run: Run, expected: Mapping[str, str]) -> Verdict:
    """Compare a run with the table of its expected failures: name -> reason."""
    found = {
        name: message
        for scenario, checks in run.scenarios.items()
        for name, message in _failures(scenario, checks, whole=scenario in expected)
    }
    problems = [
        f"{name} unexpectedly. {message}".strip()
        for name, message in found.items()
        if name not in expected
    ]
    problems += [f"{it} is listed and does not occur." for it in expected if it not in found]
    problems += _run_problems(run)
    failed = {
        scenario: [it for it in expected if it.partition(": ")[0] == scenario]
        for scenario, checks in run.scenarios.items()
        if not _passes(checks)
    }
    unexpected = {it.partition(": ")[0] for it in found if it not in expected}
    return Verdict(
        passed=frozenset(run.scenarios.keys() - failed.keys() - unexpected),
        listed={
            scenario: expected[names[0]]
            for scenario, names in failed.items()
            if names and scenario not in unexpected
        },
        problems=[f"{run.server}, {run.revision}: {it}" for it in problems],
    )


def _failures(scenario: str, checks: Sequence[Check], *, whole: bool) -> Iterator[tuple[str, str]]:
    """The names of a scenario's failures: of the scenario if `whole`, else of each check."""
    for it in checks:
        if it.status in _SOUND:
            continue
        if whole and it.id not in WIRE:
            yield scenario, ""
        elif it.status == "SKIPPED":
            yield f"{scenario}: {it.id} is skipped", it.message
        else:
            yield f"{scenario}: {it.id} fails", it.message
    if not whole and not any(map(_proves, checks)):
        yield f"{scenario}: nothing is proved", ""


def _proves(check: Check) -> bool:
    """Whether it passed and is about the scenario itself."""
    return check.status == "SUCCESS" and check.id not in WIRE


def _passes(checks: Sequence[Check]) -> bool:
    """Whether a check passed and none failed; skips are ignored, because they are listed."""
    failed = any(it.status not in (*_SOUND, "SKIPPED") for it in checks)
    return not failed and any(map(_proves, checks))


def _run_problems(run: Run) -> Iterator[str]:
    """Problems of the run: missing or unknown scenarios, or a wrong exit code."""
    required = run.scored | run.not_scored
    yield from (f"{it} was not run." for it in sorted(required - run.scenarios.keys()))
    yield from (f"{it} is not required." for it in sorted(run.scenarios.keys() - required))
    if len(run.scored) != SCORED[run.revision]:
        yield f"{len(run.scored)} scenarios are scored, not {SCORED[run.revision]}."
    scored = (check for it in run.scored for check in run.scenarios.get(it, ()))
    if run.code != any(it.status == "FAILURE" for it in scored):
        yield f"The suite ended with {run.code}, which is not what its checks say."
    if run.code and run.server == "overlaid":
        yield "The suite itself says that this server does not conform."
