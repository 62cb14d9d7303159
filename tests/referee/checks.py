"""schemathesis as the referee of the sandbox: what it is told, which checks judge, what it found.

It is given the contract with its words spelled out, and drives the sandbox's app with the sandbox's
keys; of the sandbox it knows no more, and of our models nothing.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import schemathesis
from hypothesis import settings
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from tests.referee.words import Json, spelled_out
from trax_mcp.sandbox import SANDBOX_KEY, STRANGER_KEY

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from schemathesis.engine.recorder import ScenarioRecorder

    from trax_mcp.sandbox import Sandbox

COVERAGE: Final = "coverage"
FUZZING: Final = "fuzzing"
STATEFUL: Final = "stateful"

JUDGING: Final = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "positive_data_acceptance",
    "negative_data_rejection",
    "ignored_auth",
    "object_level_authorization",
    "unsupported_method",
    "allow_header_conformance",
    "use_after_free",
    "ensure_resource_availability",
)
"""The referee's checks that judge here; what it learns later is asked once it stands here."""

LEFT_OUT: Final[Mapping[str, str]] = {
    "missing_required_header": "the contract requires no header; a missing key is `ignored_auth`'s",
}
"""The others, which have nothing to judge, each with its reason."""

_SEED: Final = 2

_CHAINED: Final[Json] = {
    # What does not hold together, a body that names no connection say, is tried call by call.
    "mode": "positive",
    # A chain follows only where every parameter comes from what went before.
    "with-security-parameters": False,
}


@dataclass(frozen=True)
class Verdict:
    """What came of one hearing."""

    complaints: dict[str, str] = field(default_factory=dict)
    """By check and call: what was wrong, and how to see it."""
    answers: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """How often each call was answered with which status."""

    @property
    def words(self) -> str:
        """All complaints, to be read."""
        return "\n\n".join(f"{where}\n{what}" for where, what in self.complaints.items())

    @property
    def failed(self) -> set[str]:
        """The checks that failed."""
        return {complaint.partition(": ")[0] for complaint in self.complaints}


def judged(
    sandbox: Sandbox,
    folder: Path,
    *,
    phase: str,
    calls: Collection[str] = (),
    key: str = SANDBOX_KEY,
    tries: int = 1,
) -> Verdict:
    """Let the referee drive a sandbox through one of its phases, over all calls or these.

    `key` is whose calls they are, and what is theirs no stranger may see. `folder` is for the
    file in which the referee wants to be told about keys. Where the property tests are
    deterministic, so is this.
    """
    config = SchemathesisConfig.from_dict(_settings(_keys(folder, key), phase=phase, tries=tries))
    schema = schemathesis.openapi.from_dict(spelled_out(), config=config)
    schema.app = sandbox.app
    heard = schema.include(name=list(calls)) if calls else schema
    verdict = Verdict()
    for event in from_schema(heard).execute():
        _note(event, verdict)
    return verdict


def _settings(keys: Path, *, phase: str, tries: int) -> Json:
    deterministic = settings().derandomize
    return {
        **({"seed": _SEED} if deterministic else {}),
        "generation": {
            "deterministic": deterministic,
            "database": "none",
            "max-examples": tries,
            **(_CHAINED if phase == STATEFUL else {}),
        },
        # What the referee guesses about where answers lead is left out: half of a path is no chain.
        "phases": {
            "enabled": False,
            "stateful": {"enabled": phase == STATEFUL, "inference": {"algorithms": []}},
            **({phase: {"enabled": True}} if phase != STATEFUL else {}),
        },
        "checks": {
            "enabled": False,
            **{check: {"enabled": True} for check in JUDGING},
            # 503 is documented: where, is `status_code_conformance`'s.
            "not_a_server_error": {"enabled": True, "expected-statuses": ["2xx", "4xx", 503]},
        },
        "auth": {"wfc": {"path": str(keys), "user": "own", "peers": ["own", "stranger"]}},
        "continue-on-failure": True,
    }


def _keys(folder: Path, key: str) -> Path:
    """The two callers, in Web Fuzzing Commons' notation."""
    users = {"own": key, "stranger": STRANGER_KEY}
    auth = [
        {"name": name, "fixedHeaders": [{"name": "Authorization", "value": f"Bearer {secret}"}]}
        for name, secret in users.items()
    ]
    path = folder / "keys.json"
    path.write_text(json.dumps({"auth": auth}), encoding="utf-8")
    return path


def _note(event: events.EngineEvent, verdict: Verdict) -> None:
    match event:
        case events.FatalError():
            raise event.exception
        case events.NonFatalError():
            verdict.complaints[f"error: {event.label}"] = str(event.value)
        case events.ScenarioFinished():
            _note_complaints(event.recorder, verdict)
            _note_answers(event.recorder, verdict)


def _note_complaints(recorder: ScenarioRecorder, verdict: Verdict) -> None:
    for check in (check for checks in recorder.checks.values() for check in checks):
        if wrong := check.failure_info:
            name = f"{check.name}: {wrong.failure.operation}: {wrong.failure.title}"
            verdict.complaints.setdefault(name, f"{wrong.failure.message}\n{wrong.code_sample}")


def _note_answers(recorder: ScenarioRecorder, verdict: Verdict) -> None:
    """Other methods are tried on a call's path as well; those are not that call."""
    for which, exchange in recorder.interactions.items():
        call = recorder.cases[which].value.operation
        if exchange.response and exchange.request.method == call.method.upper():
            verdict.answers[call.label][str(exchange.response.status_code)] += 1
