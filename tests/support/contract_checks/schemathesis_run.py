"""Runs schemathesis against the sandbox: its configuration, the enabled checks and the results."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import schemathesis
from hypothesis import settings
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from tests.support.contract_checks.strict_contract import Json, strict_contract
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.product.sandbox_accounts import ANOTHER_ACCOUNT_KEY

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from schemathesis.engine.recorder import ScenarioRecorder

    from tests.support.product.sandbox import Sandbox

COVERAGE: Final = "coverage"
FUZZING: Final = "fuzzing"

ENABLED_CHECKS: Final = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "positive_data_acceptance",
    "negative_data_rejection",
    "ignored_auth",
    "unsupported_method",
    "allow_header_conformance",
)
"""The checks of single calls. The contract requires no header beside the key."""

_SEED: Final = 2


@dataclass(frozen=True)
class Verdict:
    """The results of one run."""

    failures: dict[str, str] = field(default_factory=dict)
    """By check and call: the failure, and how to reproduce it."""
    statuses: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """How often each call was answered with which status."""

    @property
    def text(self) -> str:
        """All failures as text."""
        return "\n\n".join(f"{where}\n{what}" for where, what in self.failures.items())

    @property
    def failed_checks(self) -> set[str]:
        """The checks that failed."""
        return {failure.partition(": ")[0] for failure in self.failures}


def run_checks(
    sandbox: Sandbox,
    folder: Path,
    *,
    phase: str,
    calls: Collection[str] = (),
    key: str = SANDBOX_KEY,
    tries: int = 1,
) -> Verdict:
    """Run one phase of schemathesis against a sandbox, for all calls or these.

    `key` makes the calls; the other account must not see its things. `folder` is for the key file
    of schemathesis. Deterministic where the property tests are.
    """
    config = SchemathesisConfig.from_dict(
        _settings(_write_keys(folder, key), phase=phase, tries=tries)
    )
    schema = schemathesis.openapi.from_dict(strict_contract(), config=config)
    schema.app = sandbox.app
    selected = schema.include(name=list(calls)) if calls else schema
    verdict = Verdict()
    for event in from_schema(selected).execute():
        _add_event(event, verdict)
    return verdict


def _settings(keys: Path, *, phase: str, tries: int) -> Json:
    deterministic = settings().derandomize
    return {
        **({"seed": _SEED} if deterministic else {}),
        "generation": {
            "deterministic": deterministic,
            "database": "none",
            "max-examples": tries,
        },
        "phases": {"enabled": False, phase: {"enabled": True}},
        "checks": {
            "enabled": False,
            **{check: {"enabled": True} for check in ENABLED_CHECKS},
            # 503 is documented; `status_code_conformance` checks where.
            "not_a_server_error": {"enabled": True, "expected-statuses": ["2xx", "4xx", 503]},
        },
        "auth": {"wfc": {"path": str(keys), "user": "own", "peers": ["own", "other"]}},
        "continue-on-failure": True,
    }


def _write_keys(folder: Path, key: str) -> Path:
    """The two callers, in the notation of Web Fuzzing Commons."""
    users = {"own": key, "other": ANOTHER_ACCOUNT_KEY}
    auth = [
        {"name": name, "fixedHeaders": [{"name": "Authorization", "value": f"Bearer {secret}"}]}
        for name, secret in users.items()
    ]
    path = folder / "keys.json"
    path.write_text(json.dumps({"auth": auth}), encoding="utf-8")
    return path


def _add_event(event: events.EngineEvent, verdict: Verdict) -> None:
    match event:
        case events.FatalError():
            raise event.exception
        case events.NonFatalError():
            verdict.failures[f"error: {event.label}"] = str(event.value)
        case events.ScenarioFinished():
            _add_failures(event.recorder, verdict)
            _add_statuses(event.recorder, verdict)


def _add_failures(recorder: ScenarioRecorder, verdict: Verdict) -> None:
    for check in (check for checks in recorder.checks.values() for check in checks):
        if info := check.failure_info:
            name = f"{check.name}: {info.failure.operation}: {info.failure.title}"
            verdict.failures.setdefault(name, f"{info.failure.message}\n{info.code_sample}")


def _add_statuses(recorder: ScenarioRecorder, verdict: Verdict) -> None:
    """Skips other methods on the same path, which are not this call."""
    for case_id, exchange in recorder.interactions.items():
        call = recorder.cases[case_id].value.operation
        if exchange.response and exchange.request.method == call.method.upper():
            verdict.statuses[call.label][str(exchange.response.status_code)] += 1
