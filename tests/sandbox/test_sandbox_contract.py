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
from tests.support.product.faults import Fault, encode_json
from tests.support.product.frozen_sandbox import still

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
    sandbox = still()
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
    """Each call succeeds, and is refused for its input and for its key."""
    verdict = run_checks(unlimited(), tmp_path, phase=COVERAGE)
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


INVENTED_STUDIO: Final = {
    "id": "studio_1",
    "name": "Of no one",
    "ownerSub": "user_robin",
    "role": "owner",
}


def rewritten(was: int, **fields: Any) -> Fault:  # noqa: ANN401  fields of a response
    """Rewrite responses that had this status."""
    return Fault.rewritten(lambda it: replace(it, **fields) if it.status == was else it)


CREATED: Final = {"status": 201, "body": encode_json(INVENTED_STUDIO)}

DIFFERENCES: Final[dict[str, Fault]] = {
    "not_a_server_error": Fault.error(500, "internal"),
    "status_code_conformance": rewritten(201, status=202),
    "content_type_conformance": rewritten(201, content_type="text/html"),
    "response_schema_conformance": rewritten(201, body=encode_json({"id": "studio_1"})),
    "response_headers_conformance": rewritten(201, headers={"X-Request-Id": ""}),
    "positive_data_acceptance": Fault.error(400, "invalid_request"),
    "negative_data_rejection": rewritten(400, **CREATED),
    "ignored_auth": rewritten(401, **CREATED),
    "unsupported_method": rewritten(405, headers={}),
}


@pytest.mark.parametrize("check", DIFFERENCES)
def test_a_difference_from_the_contract_is_found(check: str, tmp_path: Path) -> None:
    """So the checks above do not always pass."""
    sandbox = unlimited()
    sandbox.faults.add(DIFFERENCES[check], times=None)
    verdict = run_checks(sandbox, tmp_path, phase=COVERAGE, calls=[CREATE])
    assert check in verdict.failed_checks
