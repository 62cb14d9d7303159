"""What the suite has seen: checks, in scenarios, in a run. Values, and how the suite files them.

The suite's files are read and not its printed words: one folder for each scenario, with its checks
as JSON, and beside its program what each revision of the specification requires.
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
"""Checks that are not about the scenario itself: it had valid messages, and came to its end."""

_FOLDER: Final = re.compile(r"server-(?P<scenario>.+)-\d{4}-\d\d-\d\dT[\d-]+Z")
_SCORED: Final = re.compile(r"^server:\n((?:  - \S+\n)+)", re.MULTILINE)
_NOT_SCORED: Final = re.compile(r"- scenario: (\S+)\n    leg: server\n")


class RefereeError(RuntimeError):
    """A referee could not do its work; the text says what was seen instead."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `status` is the suite's word."""

    id: str
    status: str
    message: str = ""

    @property
    def is_sound(self) -> bool:
        """Whether it held, or only says something. A warning or a skip is not sound."""
        return self.status in {"SUCCESS", "INFO"}

    @property
    def proves(self) -> bool:
        """Whether it held, and is about the scenario itself."""
        return self.status == "SUCCESS" and self.id not in WIRE


Scenarios = Mapping[str, Sequence[Check]]


@dataclass(frozen=True, slots=True)
class Required:
    """The scenarios of a revision: those that the suite scores, and those it only runs."""

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
    """What the suite has filed in its output folder.

    Raises:
        RefereeError: something else is there.
    """
    return {_name(it): _checks(it / "checks.json") for it in sorted(folder.iterdir())}


def read_required(package: Path, revision: Revision) -> Required:
    """What a revision requires of servers, in the words of the suite's own file.

    Raises:
        RefereeError: the file is not as it was.
    """
    text = (package / "requirements" / f"{revision}.yaml").read_text(encoding="utf-8")
    if (scored := _SCORED.search(text)) is None:
        raise RefereeError(f"The suite's requirements of {revision} cannot be read.")
    names = scored[1].replace("  - ", "").split()
    return Required(frozenset(names), frozenset(_NOT_SCORED.findall(text)))


def _name(folder: Path) -> str:
    if (found := _FOLDER.fullmatch(folder.name)) is None:
        raise RefereeError(f"The suite has filed something else: {folder.name}")
    return found["scenario"]


def _checks(file: Path) -> Sequence[Check]:
    if not file.exists():  # the suite makes the folder first
        return [Check(CRASH, "FAILURE", "The suite gave it up.")]
    try:
        filed = json.loads(file.read_text(encoding="utf-8"))
        return [Check(it["id"], it["status"], it.get("errorMessage") or "") for it in filed]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RefereeError(f"The suite's {file} cannot be read: {error!r}") from None
