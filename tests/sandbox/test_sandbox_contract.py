"""schemathesis finds no difference between the sandbox and the contract.

It generates valid and invalid calls from the contract, and checks every response. A sandbox with a
fault then shows that its checks can fail.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.contract_checks.schemathesis_run import (
    COVERAGE,
    FUZZING,
    run_checks,
)
from tests.support.contract_checks.strict_contract import strict_contract
from tests.support.hypothesis_profiles import examples, is_long
from tests.support.product.faults import Fault, Response, encode_json
from tests.support.product.frozen_sandbox import frozen_sandbox, put_on_air

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.contract_checks.schemathesis_run import Verdict
    from tests.support.product.sandbox import Sandbox

pytestmark = pytest.mark.fuzz

CALLS: Final[dict[str, dict[str, Any]]] = {
    f"{method.upper()} {path}": operation
    for path, item in strict_contract()["paths"].items()
    for method, operation in item.items()
}
CREATE: Final = "POST /v1/studios"
PUBLIC: Final = {"GET /v1/health", "GET /v1/openapi.json"}
"""Calls without input and without a key, which cannot be refused."""

SOME: Final = slice(None) if is_long() else slice(0, None, 5)
"""`make nightly PART=fuzz` tries each call. In `make test` each is among the enumerated cases."""


def unlimited() -> Sandbox:
    """A sandbox with a frozen clock and no rate limit."""
    sandbox = frozen_sandbox()
    sandbox.rate_limit = None
    return sandbox


def observed(verdict: Verdict, status: str) -> set[str]:
    """The calls with a response whose status begins with `status`."""
    return {
        call
        for call, statuses in verdict.statuses.items()
        if any(it.startswith(status) for it in statuses)
    }


def documented(status: str) -> set[str]:
    """The calls with a documented response whose status begins with `status`."""
    return {
        call
        for call, operation in CALLS.items()
        if any(it.startswith(status) for it in operation["responses"])
    }


# No differences


def test_all_enumerated_cases_get_documented_responses(tmp_path: Path) -> None:
    """Each call succeeds, and is refused for its input and for its key. A studio is on air."""
    sandbox = unlimited()
    put_on_air(sandbox)
    verdict = run_checks(sandbox, tmp_path, phase=COVERAGE)
    assert not verdict.failures, verdict.text
    assert observed(verdict, "2") == set(CALLS)
    assert observed(verdict, "400") == documented("400")
    assert observed(verdict, "401") == documented("401") == set(CALLS) - PUBLIC


def test_generated_calls_get_documented_responses(tmp_path: Path) -> None:
    """Each call is tried with valid and invalid input.

    Whether a generated id exists is luck: each call succeeds in the enumerated cases.
    """
    calls = tuple(CALLS)[SOME]
    verdict = run_checks(unlimited(), tmp_path, phase=FUZZING, calls=calls, tries=examples(25))
    assert not verdict.failures, verdict.text
    assert observed(verdict, "2") | observed(verdict, "4") == {*calls}
    assert observed(verdict, "4") == {*calls} - PUBLIC


# Differences are found


def replaced(reply: Response, status: int) -> Response:
    """A response with this status becomes one that has created something."""
    created = encode_json({"id": "studio_1"} if status == 201 else INVENTED_STUDIO)
    return replace(reply, status=201, body=created) if reply.status == status else reply


INVENTED_STUDIO: Final = {
    "id": "studio_1",
    "name": "Of no one",
    "ownerSub": "user_robin",
    "role": "owner",
}
DIFFERENCES: Final[dict[str, Fault]] = {
    "response_schema_conformance": Fault.rewritten(lambda it: replaced(it, 201)),
    "negative_data_rejection": Fault.rewritten(lambda it: replaced(it, 400)),
    "ignored_auth": Fault.rewritten(lambda it: replaced(it, 401)),
}


@pytest.mark.parametrize("check", DIFFERENCES)
def test_a_difference_from_the_contract_is_found(check: str, tmp_path: Path) -> None:
    """So the checks above do not always pass."""
    sandbox = unlimited()
    sandbox.faults.add(DIFFERENCES[check], times=None)
    verdict = run_checks(sandbox, tmp_path, phase=COVERAGE, calls=[CREATE])
    assert check in verdict.failed_checks
