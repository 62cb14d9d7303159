"""The verdict on a conformance run: unexpected failures and unexpected passes are problems.

The runs are invented, so that neither node nor the suite is needed; `EXPECTED` is the real list.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from proof.conformance import (
    asking_fixtures,
    conformance_report,
    content_fixtures,
    product_fixtures,
    tool_fixtures,
)
from proof.conformance.expected_failures import EXPECTED, Expected
from proof.conformance.suite_results import Check, Required, Run, read_scenarios
from proof.conformance.suite_verdict import Tally, Verdict, judge

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PREFIX: Final = "bare, 2025-11-25: "
PASSED: Final = Check("ping-answered", "SUCCESS")
VALID: Final = Check("wire-schema-valid", "SUCCESS")
FAILED: Final = Check("ping-answered", "FAILURE", "No answer.")
OTHERS: Final = frozenset(f"scenario-{number}" for number in range(29))
REQUIRED: Final = Required(scored=OTHERS | {"ping"}, not_scored=frozenset({"tasks"}))
WHOLE_SCENARIO: Final = Expected(
    server="bare", revisions=("2025-11-25",), scenario="ping", because="So."
)
ONE_CHECK: Final = replace(WHOLE_SCENARIO, checks=frozenset({"ping-answered"}))
NEVER_EXPECTED: Final = (
    "wire-schema-valid",
    "wire-schema-harness-error",
    "scenario-timeout",
    "scenario-crash",
)
STALE: Final = "listed and does not fail. Take it off the list."


def run_of(*ping: Check) -> Run:
    """A complete run in which everything passes, with these checks in `ping`."""
    others = dict.fromkeys((*OTHERS, "tasks"), (PASSED, VALID))
    failed = any(it.status == "FAILURE" for it in ping)
    return Run("bare", "2025-11-25", REQUIRED, {**others, "ping": ping}, int(failed), 1.5)


def problems(run: Run, *listed: Expected) -> list[str]:
    """The problems of a run of the bare server."""
    return [it.removeprefix(PREFIX) for it in judge(run, listed).problems]


@pytest.mark.parametrize("entry", [WHOLE_SCENARIO, ONE_CHECK])
def test_listed_failure_is_no_problem(entry: Expected) -> None:
    """It is counted as an expected failure."""
    run = run_of(FAILED, Check("ping-sent", "SUCCESS"), VALID)
    assert judge(run, [entry]) == Verdict(run, Tally(29, 1, 30), Tally(1, 0, 1), ["So."], [])


def test_unlisted_failure_is_a_problem() -> None:
    """It counts neither as passed nor as expected."""
    problem = f"{PREFIX}ping: ping-answered is FAILURE, unexpectedly. No answer."
    run = run_of(FAILED)
    assert judge(run, []) == Verdict(run, Tally(29, 0, 30), Tally(1, 0, 1), [], [problem])


@pytest.mark.parametrize("status", ["WARNING", "SKIPPED", "NEW"])
def test_unlisted_warning_or_skip_is_a_problem(status: str) -> None:
    """So is an unknown status."""
    late = Check("ping-late", status)
    assert problems(run_of(PASSED, late)) == [f"ping: ping-late is {status}, unexpectedly."]
    assert problems(run_of(PASSED, late), WHOLE_SCENARIO) == []


def test_check_that_fails_and_passes_in_one_run_is_a_problem() -> None:
    """The suite repeats some checks under one name."""
    assert (
        problems(run_of(FAILED, PASSED))
        == problems(run_of(PASSED, FAILED))
        == problems(run_of(FAILED))
        != []
    )


def test_entry_applies_only_to_its_server_and_revisions() -> None:
    """It is not reported as stale for others."""
    for entry in (
        replace(WHOLE_SCENARIO, server="overlaid"),
        replace(WHOLE_SCENARIO, revisions=("2026-07-28",)),
    ):
        assert problems(run_of(FAILED), entry) == problems(run_of(FAILED)) != []
        assert problems(run_of(PASSED), entry) == []


def test_entry_about_a_check_applies_to_no_other_check() -> None:
    """The other checks of the scenario must still pass."""
    found = problems(run_of(FAILED, Check("ping-late", "FAILURE")), ONE_CHECK)
    assert found == ["ping: ping-late is FAILURE, unexpectedly."]


def test_listed_failure_that_passes_is_a_problem() -> None:
    """For a scenario, for a check, and for a check that was not run."""
    assert problems(run_of(PASSED, VALID), WHOLE_SCENARIO) == [f"ping: it is {STALE}"]
    for check in (PASSED, Check("ping-in-time", "SUCCESS")):
        assert problems(run_of(check), ONE_CHECK) == [f"ping: ping-answered is {STALE}"]


def test_listed_scenario_that_does_not_exist_is_a_problem() -> None:
    """As after a misspelt name."""
    entry = replace(WHOLE_SCENARIO, scenario="pong")
    assert problems(run_of(PASSED), entry) == ["pong is listed, and there is none."]


@pytest.mark.parametrize("checks", [(), (VALID,), (Check("ping-seen", "INFO"), VALID)])
def test_scenario_without_checks_of_its_own_has_not_passed(checks: Sequence[Check]) -> None:
    """Schema checks and information do not count."""
    verdict = judge(run_of(*checks), [])
    assert verdict.problems == [f"{PREFIX}ping: nothing in it was proved."]
    assert verdict.scored == Tally(29, 0, 30)


def test_scenario_without_a_passed_check_has_not_passed() -> None:
    """Even if all its failures are listed by name."""
    assert problems(run_of(FAILED, VALID), ONE_CHECK) == ["ping: nothing in it was proved."]


def test_failure_of_a_check_listed_as_skipped_is_a_problem() -> None:
    """In any order, if the suite repeats the check."""
    entry, skipped = replace(ONE_CHECK, only_skipped=True), replace(FAILED, status="SKIPPED")
    sent = Check("ping-sent", "SUCCESS")
    assert problems(run_of(skipped, sent), entry) == []
    problem = ["ping: ping-answered is FAILURE, unexpectedly. No answer."]
    assert problems(run_of(FAILED, skipped, sent), entry) == problem
    assert problems(run_of(skipped, FAILED, sent), entry) == problem


@pytest.mark.parametrize("name", NEVER_EXPECTED)
def test_invalid_message_or_crash_is_always_a_problem(name: str) -> None:
    """No entry can list it as expected."""
    problem = f"ping: {name} is FAILURE, unexpectedly."
    assert problems(run_of(FAILED, Check(name, "FAILURE")), WHOLE_SCENARIO) == [problem]
    named = replace(WHOLE_SCENARIO, checks=frozenset({name}))
    assert problems(run_of(PASSED, Check(name, "FAILURE")), named) == [problem]
    assert problems(run_of(PASSED, Check(name, "FAILURE")), WHOLE_SCENARIO) == [
        problem,
        f"ping: it is {STALE}",
    ]


def test_listed_scenario_with_only_a_skip_has_passed() -> None:
    """With another check that passed. A listed warning does not pass."""
    skipped, warned = Check("ping-late", "SKIPPED"), Check("ping-late", "WARNING")
    assert judge(run_of(PASSED, skipped), [WHOLE_SCENARIO]).scored == Tally(30, 0, 30)
    assert judge(run_of(skipped), [WHOLE_SCENARIO]).scored == Tally(29, 1, 30)
    assert judge(run_of(PASSED, warned), [WHOLE_SCENARIO]).scored == Tally(29, 1, 30)


def test_missing_or_extra_scenario_is_a_problem() -> None:
    """Every required scenario must run, scored or not."""
    run = run_of(PASSED)
    others = {name: it for name, it in run.scenarios.items() if name not in {"ping", "tasks"}}
    found = problems(replace(run, scenarios={**others, "pong": [PASSED]}))
    assert found == [
        "ping was not run.",
        "tasks was not run.",
        "pong was run, and is not required.",
    ]


def test_wrong_number_of_scored_scenarios_is_a_problem() -> None:
    """Each protocol revision has its own number."""
    fewer = replace(run_of(PASSED), required=Required(OTHERS, frozenset({"tasks", "ping"})))
    assert problems(fewer) == ["29 scenarios are scored, not 30."]
    later = problems(replace(run_of(PASSED), revision="2026-07-28"))
    assert later == ["bare, 2026-07-28: 30 scenarios are scored, not 37."]


@pytest.mark.parametrize(("check", "code"), [(PASSED, 1), (PASSED, 137), (FAILED, 0), (FAILED, 2)])
def test_exit_code_that_contradicts_the_checks_is_a_problem(check: Check, code: int) -> None:
    """As after a crash of the suite."""
    found = problems(
        replace(run_of(check), code=code), *([WHOLE_SCENARIO] if check == FAILED else [])
    )
    assert found == [f"The suite ended with {code}, which is not what its checks say."]


def test_overlaid_server_must_conform_by_the_suites_own_verdict() -> None:
    """Whatever is listed: this server has the suite's fixtures."""
    run = replace(run_of(FAILED), server="overlaid")
    problem = "overlaid, 2025-11-25: The suite itself says that this server does not conform."
    assert judge(run, [replace(WHOLE_SCENARIO, server="overlaid")]).problems == [problem]


def test_scenario_with_listed_failures_has_one_reason() -> None:
    """However many entries apply to it; a skip's reason does not count."""
    late = replace(
        WHOLE_SCENARIO, checks=frozenset({"ping-late"}), only_skipped=True, because="Skipped."
    )
    again = replace(ONE_CHECK, checks=frozenset({"ping-again"}), because="So too.")
    sent, skipped = Check("ping-sent", "SUCCESS"), Check("ping-late", "SKIPPED")
    checks = (FAILED, Check("ping-again", "WARNING"), sent, skipped)
    assert judge(run_of(*checks), [late, ONE_CHECK, again]).reasons == ["So."]


def test_table_fits_80_columns_and_shows_totals() -> None:
    """With the widest possible counts."""
    verdict = judge(run_of(FAILED), [WHOLE_SCENARIO])
    widest = replace(verdict, scored=Tally(7, 30, 37), not_scored=Tally(1, 12, 13))
    line = conformance_report.format_verdict(
        replace(widest, run=replace(widest.run, seconds=12.34))
    )

    assert line == (
        "  2025-11-25 7 of 37 (30 listed) 1 of 13 (12 listed) 60 of 61             0 12.3"
    )
    assert (
        max(
            map(
                len,
                (
                    line,
                    *conformance_report.HEAD.splitlines(),
                    *conformance_report.ABOUT.splitlines(),
                ),
            )
        )
        <= 80
    )
    assert str(verdict.not_scored) == "1 of 1"


def test_every_reason_is_listed_once_with_its_count() -> None:
    """The counts add up to the table's; an unused reason has no count."""
    logging, *_ = (it.because for it in EXPECTED if "logging" in it.because)
    text = conformance_report.format_reasons([logging, logging, EXPECTED[0].reason])

    assert [line[:6].strip() for line in text.splitlines() if line[:6].strip()] == [
        "1",
        "2",
        "-",
        "-",
        "-",
    ]


def test_result_folders_of_the_suite_are_read(tmp_path: Path) -> None:
    """A folder without `checks.json` is a crashed scenario."""
    folder = tmp_path / "server-ping-2026-11-25T20-02-51-148Z"
    folder.mkdir()
    crashed = Check("scenario-crash", "FAILURE", "The suite gave it up.")
    assert read_scenarios(tmp_path) == {"ping": [crashed]}
    filed = '[{"id": "ping-answered", "status": "FAILURE", "errorMessage": "No answer."}]'
    (folder / "checks.json").write_text(filed, encoding="utf-8")
    assert read_scenarios(tmp_path) == {"ping": [FAILED]}


def test_every_expected_failure_has_a_reason_as_a_sentence() -> None:
    """For the overlaid server, only skipped and not scored checks may be listed."""
    for it in EXPECTED:
        assert re.fullmatch(r"[A-Z]\S*( \S+){3,}\.", it.reason), it
        assert not (it.fixture and it.because), it
        assert it.revisions, it
        assert it.checks.isdisjoint(NEVER_EXPECTED), it
        assert it.server == "bare" or it.only_skipped or it.because.startswith("Not scored: "), it


def test_no_failure_is_listed_twice() -> None:
    """A check is in one entry at most, and in none if its whole scenario is listed."""
    entries = [
        (it, f"{it.server} {revision} {it.scenario}")
        for it in EXPECTED
        for revision in it.revisions
    ]
    listed = Counter((where, check) for it, where in entries for check in it.checks or {""})
    assert [it for it in listed if listed[it] > 1] == []
    assert [it for it in listed if it[1] and (it[0], "") in listed] == []


def test_overlay_has_exactly_the_fixtures_that_the_bare_server_lacks() -> None:
    """Except the logging tool, which no entry needs."""
    missing = {it.fixture for it in EXPECTED if it.fixture}
    kinds = {
        "tool": (*product_fixtures.TOOLS, *tool_fixtures.TOOLS, *asking_fixtures.TOOLS),
        "prompt": (*product_fixtures.PROMPTS, *content_fixtures.PROMPTS, *asking_fixtures.PROMPTS),
        "resource": (
            *product_fixtures.RESOURCES,
            *content_fixtures.RESOURCES,
            content_fixtures.TEMPLATE.uri_template,
        ),
    }
    fixtures = {f"{kind} {name}" for kind, names in kinds.items() for name in names}
    assert missing == fixtures - {"tool test_tool_with_logging"}
