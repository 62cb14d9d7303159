"""The judge of the conformance suite's findings: what is unexpected is told, in both directions.

The runs are made up here, so that neither node nor the suite is needed; what is listed is our own.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from proof.conformance import asking, contents, made_up, played, report
from proof.conformance.expected import EXPECTED, Expected
from proof.conformance.results import Check, Required, Run, read_scenarios
from proof.conformance.verdict import Tally, Verdict, judge

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

WHERE: Final = "bare, 2025-11-25: "
HELD: Final = Check("ping-answered", "SUCCESS")
VALID: Final = Check("wire-schema-valid", "SUCCESS")
FAILED: Final = Check("ping-answered", "FAILURE", "No answer.")
OTHERS: Final = frozenset(f"scenario-{number}" for number in range(29))
REQUIRED: Final = Required(scored=OTHERS | {"ping"}, not_scored=frozenset({"tasks"}))
WHOLE: Final = Expected(server="bare", revisions=("2025-11-25",), scenario="ping", because="So.")
NAMED: Final = replace(WHOLE, checks=frozenset({"ping-answered"}))
NEVER_EXCUSED: Final = (
    "wire-schema-valid",
    "wire-schema-harness-error",
    "scenario-timeout",
    "scenario-crash",
)
STALE: Final = "listed and does not fail. Take it off the list."


def run_of(*ping: Check) -> Run:
    """A whole run in which everything holds, but for what is found in `ping`."""
    others = dict.fromkeys((*OTHERS, "tasks"), (HELD, VALID))
    failed = any(it.status == "FAILURE" for it in ping)
    return Run("bare", "2025-11-25", REQUIRED, {**others, "ping": ping}, int(failed), 1.5)


def told(run: Run, *listed: Expected) -> list[str]:
    """What is unexpected of a run of the bare server."""
    return [it.removeprefix(WHERE) for it in judge(run, listed).problems]


@pytest.mark.parametrize("line", [WHOLE, NAMED])
def test_a_run_that_is_as_listed_is_without_a_problem(line: Expected) -> None:
    """And it is counted: what passed, and what failed as expected."""
    run = run_of(FAILED, Check("ping-sent", "SUCCESS"), VALID)
    assert judge(run, [line]) == Verdict(run, Tally(29, 1, 30), Tally(1, 0, 1), ["So."], [])


def test_a_failure_that_is_not_listed_is_told() -> None:
    """With the place, and in the suite's words; it counts neither as passed nor as expected."""
    problem = f"{WHERE}ping: ping-answered is FAILURE, unexpectedly. No answer."
    run = run_of(FAILED)
    assert judge(run, []) == Verdict(run, Tally(29, 0, 30), Tally(1, 0, 1), [], [problem])


@pytest.mark.parametrize("status", ["WARNING", "SKIPPED", "NEW"])
def test_a_warning_or_a_skip_is_told_like_a_failure(status: str) -> None:
    """And so is any word that we do not know."""
    poor = Check("ping-late", status)
    assert told(run_of(HELD, poor)) == [f"ping: ping-late is {status}, unexpectedly."]
    assert told(run_of(HELD, poor), WHOLE) == []


def test_a_check_that_fails_once_and_holds_once_is_told() -> None:
    """The suite looks at some things several times, under one name."""
    assert told(run_of(FAILED, HELD)) == told(run_of(HELD, FAILED)) == told(run_of(FAILED)) != []


def test_a_line_excuses_nothing_elsewhere() -> None:
    """It is about one server, and some revisions; nor is it missed elsewhere."""
    for line in (replace(WHOLE, server="overlaid"), replace(WHOLE, revisions=("2026-07-28",))):
        assert told(run_of(FAILED), line) == told(run_of(FAILED)) != []
        assert told(run_of(HELD), line) == []


def test_a_line_about_a_check_excuses_no_other() -> None:
    """The rest of the scenario is still to hold."""
    found = told(run_of(FAILED, Check("ping-late", "FAILURE")), NAMED)
    assert found == ["ping: ping-late is FAILURE, unexpectedly."]


def test_what_is_listed_and_passes_is_told() -> None:
    """A scenario, a check by its name, and a check that is not there."""
    assert told(run_of(HELD, VALID), WHOLE) == [f"ping: it is {STALE}"]
    for check in (HELD, Check("ping-in-time", "SUCCESS")):
        assert told(run_of(check), NAMED) == [f"ping: ping-answered is {STALE}"]


def test_a_listed_scenario_that_the_suite_does_not_know_is_told() -> None:
    """A name that is misspelt excuses nothing, and is not left to stand."""
    line = replace(WHOLE, scenario="pong")
    assert told(run_of(HELD), line) == ["pong is listed, and there is none."]


@pytest.mark.parametrize("checks", [(), (VALID,), (Check("ping-seen", "INFO"), VALID)])
def test_a_scenario_without_a_check_of_its_own_has_not_passed(checks: Sequence[Check]) -> None:
    """Nothing failed, because nothing was looked at."""
    verdict = judge(run_of(*checks), [])
    assert verdict.problems == [f"{WHERE}ping: nothing in it was proved."]
    assert verdict.scored == Tally(29, 0, 30)


def test_a_scenario_of_which_nothing_held_has_not_passed() -> None:
    """Though all that failed in it is listed by name."""
    assert told(run_of(FAILED, VALID), NAMED) == ["ping: nothing in it was proved."]


def test_what_is_listed_as_skipped_may_not_fail() -> None:
    """Whichever comes first, where the suite looks more than once."""
    line, skipped = replace(NAMED, only_skipped=True), replace(FAILED, status="SKIPPED")
    sent = Check("ping-sent", "SUCCESS")
    assert told(run_of(skipped, sent), line) == []
    problem = ["ping: ping-answered is FAILURE, unexpectedly. No answer."]
    assert told(run_of(FAILED, skipped, sent), line) == problem
    assert told(run_of(skipped, FAILED, sent), line) == problem


@pytest.mark.parametrize("name", NEVER_EXCUSED)
def test_a_message_that_is_not_valid_is_never_excused(name: str) -> None:
    """Nor is a scenario without an end: neither is what a line about the scenario is for."""
    problem = f"ping: {name} is FAILURE, unexpectedly."
    assert told(run_of(FAILED, Check(name, "FAILURE")), WHOLE) == [problem]
    named = replace(WHOLE, checks=frozenset({name}))
    assert told(run_of(HELD, Check(name, "FAILURE")), named) == [problem]
    assert told(run_of(HELD, Check(name, "FAILURE")), WHOLE) == [problem, f"ping: it is {STALE}"]


def test_what_is_listed_passes_if_it_was_only_skipped() -> None:
    """And the rest held; a listed warning does not pass."""
    skipped, warned = Check("ping-late", "SKIPPED"), Check("ping-late", "WARNING")
    assert judge(run_of(HELD, skipped), [WHOLE]).scored == Tally(30, 0, 30)
    assert judge(run_of(skipped), [WHOLE]).scored == Tally(29, 1, 30)
    assert judge(run_of(HELD, warned), [WHOLE]).scored == Tally(29, 1, 30)


def test_a_run_that_is_not_whole_is_told() -> None:
    """Every scenario that is required was run, scored or not, and no other."""
    run = run_of(HELD)
    ran = {name: it for name, it in run.scenarios.items() if name not in {"ping", "tasks"}}
    found = told(replace(run, scenarios={**ran, "pong": [HELD]}))
    assert found == [
        "ping was not run.",
        "tasks was not run.",
        "pong was run, and is not required.",
    ]


def test_a_wrong_count_of_scored_scenarios_is_told() -> None:
    """The suite cannot lose one without a word, nor take one revision for another."""
    fewer = replace(run_of(HELD), required=Required(OTHERS, frozenset({"tasks", "ping"})))
    assert told(fewer) == ["29 scenarios are scored, not 30."]
    later = told(replace(run_of(HELD), revision="2026-07-28"))
    assert later == ["bare, 2026-07-28: 30 scenarios are scored, not 37."]


@pytest.mark.parametrize(("check", "code"), [(HELD, 1), (HELD, 137), (FAILED, 0), (FAILED, 2)])
def test_an_exit_code_that_the_checks_do_not_explain_is_told(check: Check, code: int) -> None:
    """A suite that broke down on its way has not judged."""
    found = told(replace(run_of(check), code=code), *([WHOLE] if check == FAILED else []))
    assert found == [f"The suite ended with {code}, which is not what its checks say."]


def test_no_line_excuses_the_overlaid_server_from_the_suites_own_verdict() -> None:
    """With the suite's fixtures beside its tools, it conforms."""
    run = replace(run_of(FAILED), server="overlaid")
    said = "overlaid, 2025-11-25: The suite itself says that this server does not conform."
    assert judge(run, [replace(WHOLE, server="overlaid")]).problems == [said]


def test_a_scenario_that_fails_as_listed_has_one_reason() -> None:
    """However many lines are about it; and not that of a skip, which fails nothing."""
    late = replace(WHOLE, checks=frozenset({"ping-late"}), only_skipped=True, because="Skipped.")
    again = replace(NAMED, checks=frozenset({"ping-again"}), because="So too.")
    sound, skipped = Check("ping-sent", "SUCCESS"), Check("ping-late", "SKIPPED")
    checks = (FAILED, Check("ping-again", "WARNING"), sound, skipped)
    assert judge(run_of(*checks), [late, NAMED, again]).reasons == ["So."]


def test_the_table_fits_a_terminal_and_says_of_how_many() -> None:
    """The widest counts that there are stand apart in 80 columns, and the head is above them."""
    verdict = judge(run_of(FAILED), [WHOLE])
    widest = replace(verdict, scored=Tally(7, 30, 37), not_scored=Tally(1, 12, 13))
    line = report.told_verdict(replace(widest, run=replace(widest.run, seconds=12.34)))

    assert line == (
        "  2025-11-25 7 of 37 (30 listed) 1 of 13 (12 listed) 60 of 61             0 12.3"
    )
    assert max(map(len, (line, *report.HEAD.splitlines(), *report.ABOUT.splitlines()))) <= 80
    assert str(verdict.not_scored) == "1 of 1"


def test_every_reason_is_told_once_with_how_often_it_was_met() -> None:
    """So that they sum to what the table has as listed; one that was not met has no number."""
    logging, *_ = (it.because for it in EXPECTED if "logging" in it.because)
    told_so = report.told_reasons([logging, logging, EXPECTED[0].reason])

    assert [line[:6].strip() for line in told_so.splitlines() if line[:6].strip()] == [
        "1",
        "2",
        "-",
        "-",
        "-",
    ]


def test_what_the_suite_has_filed_is_read(tmp_path: Path) -> None:
    """A folder for each scenario; one without its file was given up, which is a failure."""
    folder = tmp_path / "server-ping-2026-11-25T20-02-51-148Z"
    folder.mkdir()
    crashed = Check("scenario-crash", "FAILURE", "The suite gave it up.")
    assert read_scenarios(tmp_path) == {"ping": [crashed]}
    filed = '[{"id": "ping-answered", "status": "FAILURE", "errorMessage": "No answer."}]'
    (folder / "checks.json").write_text(filed, encoding="utf-8")
    assert read_scenarios(tmp_path) == {"ping": [FAILED]}


def test_what_is_listed_says_why_in_a_sentence() -> None:
    """It is never the wire, and of the overlaid server only what is not scored or skipped."""
    for it in EXPECTED:
        assert re.fullmatch(r"[A-Z]\S*( \S+){3,}\.", it.reason), it
        assert not (it.fixture and it.because), it
        assert it.revisions, it
        assert it.checks.isdisjoint(NEVER_EXCUSED), it
        assert it.server == "bare" or it.only_skipped or it.because.startswith("Not scored: "), it


def test_nothing_is_listed_twice() -> None:
    """A check is on one line at most, and on none if its scenario is listed as a whole."""
    lines = [
        (it, f"{it.server} {where} {it.scenario}") for it in EXPECTED for where in it.revisions
    ]
    listed = Counter((spot, check) for it, spot in lines for check in it.checks or {""})
    assert [it for it in listed if listed[it] > 1] == []
    assert [it for it in listed if it[1] and (it[0], "") in listed] == []


def test_what_the_bare_server_wants_is_what_the_overlay_has() -> None:
    """No line names a fixture that there is not, and none but the one that logs is in vain."""
    wanted = {it.fixture for it in EXPECTED if it.fixture}
    kinds = {
        "tool": (*played.TOOLS, *made_up.TOOLS, *asking.TOOLS),
        "prompt": (*played.PROMPTS, *contents.PROMPTS, *asking.PROMPTS),
        "resource": (*played.RESOURCES, *contents.RESOURCES, contents.TEMPLATE.uri_template),
    }
    fixtures = {f"{kind} {name}" for kind, names in kinds.items() for name in names}
    assert wanted == fixtures - {"tool test_tool_with_logging"}
