"""The results of the suite: checks, scenarios and runs, read from its files.

The suite writes one folder for each scenario, with its checks as JSON. Its package has the
requirements of each revision of the specification.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

Server = Literal["overlaid", "bare"]
Revision = Literal["2025-11-25", "2026-07-28"]

CRASH: Final = "scenario-crash"
WIRE: Final = frozenset(
    {"wire-schema-valid", "wire-schema-harness-error", "scenario-timeout", CRASH}
)
"""Checks that are not about the scenario itself: valid messages, and no crash."""

_FOLDER: Final = re.compile(r"server-(?P<scenario>.+)-\d{4}-\d\d-\d\dT[\d-]+Z")
_SCORED: Final = re.compile(r"^server:\n((?:  - \S+\n)+)", re.MULTILINE)
_NOT_SCORED: Final = re.compile(r"- scenario: (\S+)\n    leg: server\n")


class RefereeError(RuntimeError):
    """A referee could not run; the message says why."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check. `status` is the suite's."""

    id: str
    status: str
    message: str = ""

    @property
    def is_sound(self) -> bool:
        """Whether it passed or is only informative. A warning or a skip is not sound."""
        return self.status in {"SUCCESS", "INFO"}

    @property
    def proves(self) -> bool:
        """Whether it passed and is about the scenario itself."""
        return self.status == "SUCCESS" and self.id not in WIRE


Scenarios = Mapping[str, Sequence[Check]]


@dataclass(frozen=True, slots=True)
class Required:
    """The scenarios of a revision: those that are scored, and those that are only run."""

    scored: frozenset[str]
    not_scored: frozenset[str]


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the suite against one server. `code` is the suite's exit code."""

    server: Server
    revision: Revision
    required: Required
    scenarios: Scenarios
    code: int
    seconds: float


def read_scenarios(folder: Path) -> Scenarios:
    """Read the suite's output folder.

    Raises:
        RefereeError: it has unknown content.
    """
    return {_scenario_name(it): _read_checks(it / "checks.json") for it in sorted(folder.iterdir())}


def read_required(package: Path, revision: Revision) -> Required:
    """Read the suite's requirements of a revision.

    Raises:
        RefereeError: the file has another format.
    """
    text = (package / "requirements" / f"{revision}.yaml").read_text(encoding="utf-8")
    if (scored := _SCORED.search(text)) is None:
        raise RefereeError(f"The suite's requirements of {revision} cannot be read.")
    names = scored[1].replace("  - ", "").split()
    return Required(frozenset(names), frozenset(_NOT_SCORED.findall(text)))


def _scenario_name(folder: Path) -> str:
    if (match := _FOLDER.fullmatch(folder.name)) is None:
        raise RefereeError(f"The suite has filed something else: {folder.name}")
    return match["scenario"]


def _read_checks(file: Path) -> Sequence[Check]:
    if not file.exists():  # the suite creates the folder first
        return [Check(CRASH, "FAILURE", "The suite gave it up.")]
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))
        return [Check(it["id"], it["status"], it.get("errorMessage") or "") for it in entries]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RefereeError(f"The suite's {file} cannot be read: {error!r}") from None
