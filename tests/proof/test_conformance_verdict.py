"""The verdict on a conformance run: unexpected failures and unexpected passes are problems.

The runs are invented, so that neither node nor the suite is needed; `EXPECTED` is the real table.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from proof.conformance.expected_failures import EXPECTED
from proof.conformance.suite import Check, Run, read_scenarios, unexpected_warnings
from proof.conformance.verdict import WIRE, judge

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PASSED: Final = Check("ping-answered", "SUCCESS")
VALID: Final = Check("wire-schema-valid", "SUCCESS")
FAILED: Final = Check("ping-answered", "FAILURE", "No answer.")
LATE: Final = Check("ping-late", "SKIPPED")
OTHERS: Final = frozenset(f"scenario-{number}" for number in range(29))
WHOLE: Final = {"ping": "So."}
ONE_CHECK: Final = {"ping: ping-answered fails": "So."}


def run_of(*ping: Check) -> Run:
    """A complete run in which everything passes, with these checks in `ping`."""
    others = dict.fromkeys((*OTHERS, "tasks"), (PASSED, VALID))
    return Run(
        "bare",
        "2025-11-25",
        scored=OTHERS | {"ping"},
        not_scored=frozenset({"tasks"}),
        scenarios={**others, "ping": ping},
        code=int(any(it.status == "FAILURE" for it in ping)),
    )


def problems(run: Run, expected: Mapping[str, str] | None = None) -> list[str]:
    """The problems of a run."""
    found = judge(run, expected or {}).problems
    return [it.removeprefix("bare, 2025-11-25: ") for it in found]


@pytest.mark.parametrize("expected", [WHOLE, ONE_CHECK])
def test_listed_failure_is_no_problem_and_no_pass(expected: Mapping[str, str]) -> None:
    """It is listed with its reason."""
    verdict = judge(run_of(FAILED, Check("ping-sent", "SUCCESS")), expected)
    assert (verdict.problems, verdict.listed) == ([], {"ping": "So."})
    assert verdict.passed == OTHERS | {"tasks"}


@pytest.mark.parametrize("status", ["FAILURE", "WARNING"])
def test_unlisted_failure_or_warning_is_a_problem_and_no_pass(status: str) -> None:
    """Even if the same check passes at another time."""
    run = run_of(replace(FAILED, status=status), PASSED)
    assert problems(run) == ["ping: ping-answered fails unexpectedly. No answer."]
    assert "ping" not in judge(run, {}).passed


def test_skip_must_be_listed_as_a_skip() -> None:
    """A failure of the same check is then still a problem. A listed skip fails no scenario."""
    expected = {"ping: ping-late is skipped": "So."}
    assert problems(run_of(PASSED, LATE)) == ["ping: ping-late is skipped unexpectedly."]
    assert problems(run_of(PASSED, LATE), expected) == []
    assert "ping" in judge(run_of(PASSED, LATE), expected).passed
    failed = run_of(PASSED, LATE, replace(LATE, status="FAILURE"))
    assert problems(failed, expected) == ["ping: ping-late fails unexpectedly."]


@pytest.mark.parametrize("expected", [WHOLE, ONE_CHECK, {"pong": "A scenario that is not."}])
def test_listed_failure_that_does_not_occur_is_a_problem(expected: Mapping[str, str]) -> None:
    """It passed, or there is no such scenario."""
    assert problems(run_of(PASSED), expected) == [
        f"{it} is listed and does not occur." for it in expected
    ]


def test_scenario_in_which_nothing_is_proved_is_a_problem() -> None:
    """Valid messages and information prove nothing about it."""
    for checks in ((), (VALID,), (Check("ping-seen", "INFO"), VALID)):
        assert problems(run_of(*checks)) == ["ping: nothing is proved unexpectedly."]


def test_invalid_message_or_crash_is_always_a_problem() -> None:
    """Also in a scenario that is listed, and no table may list it."""
    for name in WIRE:
        run = run_of(FAILED, Check(name, "FAILURE"))
        assert problems(run, WHOLE) == [f"ping: {name} fails unexpectedly."]
        assert name not in " ".join(it for table in EXPECTED.values() for it in table)


def test_missing_extra_or_uncounted_scenario_is_a_problem() -> None:
    """Every required scenario must run, scored or not."""
    run = run_of(PASSED)
    others = {name: it for name, it in run.scenarios.items() if name not in {"ping", "tasks"}}
    found = problems(replace(run, scenarios={**others, "pong": [PASSED]}))
    assert found == ["ping was not run.", "tasks was not run.", "pong is not required."]
    fewer = replace(run, scored=OTHERS, not_scored=frozenset({"ping", "tasks"}))
    assert problems(fewer) == ["29 scenarios are scored, not 30."]


@pytest.mark.parametrize(("check", "code"), [(PASSED, 137), (FAILED, 0)])
def test_exit_code_that_contradicts_the_checks_is_a_problem(check: Check, code: int) -> None:
    """As after a crash of the suite."""
    found = problems(replace(run_of(check), code=code), WHOLE if check == FAILED else {})
    assert found == [f"The suite ended with {code}, which is not what its checks say."]


def test_scenario_without_a_result_file_has_crashed(tmp_path: Path) -> None:
    """The suite creates the folder first."""
    folder = tmp_path / "server-ping-2026-11-25T20-02-51-148Z"
    folder.mkdir()
    crashed = Check("scenario-crash", "FAILURE", "The suite gave it up.")
    assert read_scenarios(tmp_path) == {"ping": [crashed]}
    filed = '[{"id": "ping-answered", "status": "FAILURE", "errorMessage": "No answer."}]'
    (folder / "checks.json").write_text(filed, encoding="utf-8")
    assert read_scenarios(tmp_path) == {"ping": [FAILED]}


@pytest.mark.parametrize(
    ("path", "issue", "is_accepted"),
    [
        ("outputSchema.properties.name", '`type` is an array (["string","null"]).', True),
        ("inputSchema.properties.name", '`type` is an array (["string","null"]).', False),
        ("outputSchema.properties.name", "It has no type.", False),
    ],
)
def test_only_lists_of_types_in_output_schemas_are_accepted_of_the_inspector(
    path: str, issue: str, *, is_accepted: bool
) -> None:
    """A model provider reads input schemas alone."""
    warning = f'Warning: tool "get_health"\n  Path: {path}\n  Issue: {issue}'
    summary = "0 errors, 1 warning across 1 tool."
    assert unexpected_warnings(f"{warning}\n\n{summary}\n") == ("" if is_accepted else warning)
