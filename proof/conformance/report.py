"""The report: what the referees found, for a person, in 80 columns."""

import textwrap
from collections import Counter
from collections.abc import Sequence
from typing import Final

from proof.conformance.expected import NEEDS, Expected
from proof.conformance.referees import Lint
from proof.conformance.verdict import Tally, Verdict

ABOUT: Final = """\
The official conformance suite against the product with the suite's fixtures
beside its tools (overlaid), and as it is started (bare); then the Inspector's
lint of the bare one. Scenarios: passed, and failed as listed with a reason."""

_LONGEST: Final = 800

HEAD: Final = """\
                         scored       not scored       checks  unex-
server, revision     passed listed  passed listed        held pected  seconds"""


def told_verdict(verdict: Verdict) -> str:
    """A run as a line under `HEAD`."""
    run = verdict.run
    checks = [it for checks in run.scenarios.values() for it in checks if it.status != "INFO"]
    held = f"{sum(it.is_sound for it in checks)}/{len(checks)}"
    name = f"{run.server}, {run.revision}"
    columns = f"{_told(verdict.scored)}{_told(verdict.not_scored)}{held:>12}"
    return f"{name:21}{columns}{len(verdict.problems):7}{run.seconds:9.1f}"


def told_lint(lint: Lint) -> str:
    """What the Inspector says, as a line under `HEAD`."""
    name = f"Inspector --strict, {lint.transport}, {lint.era}"
    return f"{name:50}{lint.tools:5} tools{len(lint.problems):8}{lint.seconds:9.1f}"


def told_reasons(listed: Sequence[Expected]) -> str:
    """Why what is listed may fail: each reason once, and how often it was needed."""
    counted = Counter(
        NEEDS if it.reason.startswith("Needs ") else it.reason
        for it in listed
        for _ in it.revisions
    )
    lines = (f"{times:4}  {reason}" for reason, times in counted.items())
    return "\n".join(textwrap.fill(it, 80, subsequent_indent=" " * 6) for it in lines)


def told_problems(problems: Sequence[str]) -> str:
    """What is unexpected, one after another."""
    return "\n".join(
        textwrap.fill(it[:_LONGEST], 80, initial_indent="- ", subsequent_indent="  ")
        for it in problems
    )


def _told(tally: Tally) -> str:
    return f"{tally.passed:6}{tally.expected:7}  "
