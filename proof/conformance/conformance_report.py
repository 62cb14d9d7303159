"""The output of the conformance run, in 80 columns."""

import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from proof.conformance.expected_failures import EXPECTED
from proof.conformance.referees import Lint
from proof.conformance.suite_results import Server
from proof.conformance.suite_verdict import Verdict

ABOUT: Final = """\
The official conformance suite against the product with the suite's fixtures
beside its tools (overlaid), and as it is started (bare); then the Inspector's
lint of the bare one. Scenarios: how many passed, and how many of the others
failed as listed, each with a reason."""

HEAD: Final = f"{'':13}{'scored':20}{'not scored':20}{'checks held':12}unexpected    s"
LINTS: Final = "Inspector --strict"

_MAX_LENGTH: Final = 800


def format_server(server: Server) -> str:
    """The heading of a server's runs."""
    return f"{server} server"


def format_verdict(verdict: Verdict) -> str:
    """A run as a line under `HEAD`."""
    run = verdict.run
    checks = [it for checks in run.scenarios.values() for it in checks if it.status != "INFO"]
    held = f"{sum(it.is_sound for it in checks)} of {len(checks)}"
    cells = f"  {run.revision:11}{verdict.scored!s:20}{verdict.not_scored!s:20}{held:12}"
    return f"{cells}{_end_of_line(verdict.problems, run.seconds)}"


def format_lint(lint: Lint) -> str:
    """A lint as a line under `HEAD`."""
    name = f"  {lint.transport}, {lint.era}: {lint.tools} tools"
    return f"{name:65}{_end_of_line(lint.problems, lint.seconds)}"


def format_reasons(failed: Iterable[str]) -> str:
    """Each reason, and the number of scenarios that failed for it."""
    counted = Counter(dict.fromkeys((it.reason for it in EXPECTED), 0))
    counted.update(failed)
    lines = (f"{times or '-':>4}  {reason}" for reason, times in counted.items())
    return "\n".join(textwrap.fill(it, 80, subsequent_indent=" " * 6) for it in lines)


def format_problems(problems: Sequence[str]) -> str:
    """The unexpected results as a list."""
    return "\n".join(
        textwrap.fill(it[:_MAX_LENGTH], 80, initial_indent="- ", subsequent_indent="  ")
        for it in problems
    )


def _end_of_line(problems: Sequence[str], seconds: float) -> str:
    return f"{len(problems):10}{seconds:5.1f}"
