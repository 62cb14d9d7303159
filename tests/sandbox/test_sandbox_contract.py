"""schemathesis finds no difference between the sandbox and the contract.

It generates valid and invalid calls from the contract, single and in chains, and checks every
response. Sandboxes with a fault then show that each of its checks can fail.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import pytest
from schemathesis.checks import CHECKS, load_all_checks

from tests.support.contract_checks.schemathesis_run import (
    COVERAGE,
    DISABLED_CHECKS,
    ENABLED_CHECKS,
    FUZZING,
    STATEFUL,
    run_checks,
)
from tests.support.contract_checks.strict_contract import strict_contract
from tests.support.hypothesis_profiles import examples, is_long
from tests.support.product.faults import Fault, encode_json
from tests.support.product.frozen_sandbox import still
from tests.support.product.manual_clock import ManualClock
from tests.support.product.sandbox import SANDBOX_KEY, RateLimit, Sandbox
from tests.support.product.sandbox_accounts import READONLY_KEY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.contract_checks.schemathesis_run import Verdict
    from tests.support.product.faults import Request, RequestHandler, Response

pytestmark = pytest.mark.fuzz

CALLS: Final[dict[str, dict[str, Any]]] = {
    f"{method.upper()} {path}": operation
    for path, item in strict_contract()["paths"].items()
    for method, operation in item.items()
}
CREATE: Final = "POST /v1/studios"
READ: Final = "GET /v1/studios/{id}"
OBJECTS: Final = ("destinations", "sources")
CHAINS: Final = {
    **{kind: (CREATE, *(call for call in CALLS if f"/{kind}" in call)) for kind in OBJECTS},
    "connections": tuple(call for call in CALLS if "/connections" in call),
    "studios": tuple(
        call
        for call in CALLS
        if "/studios" in call and not any(f"/{kind}" in call for kind in OBJECTS)
    ),
}
"""Calls whose responses are inputs of one another."""

PUBLIC: Final = {"GET /v1/health", "GET /v1/openapi.json"}
"""Calls without input and without a key, which cannot be refused."""

CHAIN_TRIES: Final = 600 if is_long() else 8
"""The number of generated chains."""

CHAINS_TRIED: Final = tuple(CHAINS) if is_long() else ("destinations", "connections")
SOME: Final = slice(None) if is_long() else slice(0, None, 5)
"""`make fuzz` tries each call. In `make test` each is among the enumerated cases."""


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


@pytest.mark.parametrize("chain", CHAINS_TRIED)
def test_chains_of_calls_get_documented_responses(chain: str, tmp_path: Path) -> None:
    """Created objects exist, deleted ones do not, and another account sees neither."""
    calls = CHAINS[chain]
    verdict = run_checks(unlimited(), tmp_path, phase=STATEFUL, calls=calls, tries=CHAIN_TRIES)
    assert not verdict.failures, verdict.text
    assert observed(verdict, "2") == set(calls)
    assert {call for call in calls if call.startswith("DELETE")} <= observed(verdict, "404")


@dataclass(frozen=True)
class RefusalCase:
    """A sandbox that refuses calls, the key that is used, and the refused calls."""

    sandbox: Callable[[], Sandbox]
    refused: set[str]
    calls: tuple[str, ...] = tuple(CALLS)
    key: str = SANDBOX_KEY


def empty() -> Sandbox:
    """A sandbox without objects."""
    return Sandbox(ManualClock.frozen(), empty=True, rate_limit=None)


def rate_limited() -> Sandbox:
    """A sandbox that always refuses by its rate limit."""
    return Sandbox(ManualClock.frozen(), rate_limit=RateLimit(burst=0, per_second=0.5))


def read_only() -> Sandbox:
    """A sandbox with writes disabled."""
    sandbox = unlimited()
    sandbox.write_enabled = False
    return sandbox


REFUSAL_CASES: Final = {
    "403": RefusalCase(unlimited, documented("503"), key=READONLY_KEY),
    "404": RefusalCase(empty, documented("404"), calls=tuple(documented("404"))),
    "429": RefusalCase(rate_limited, documented("429")),
    "503": RefusalCase(read_only, documented("503")),
}


@pytest.mark.parametrize("status", REFUSAL_CASES)
def test_refused_calls_get_the_documented_status(status: str, tmp_path: Path) -> None:
    """For a missing scope, missing objects, the rate limit and disabled writes."""
    case = REFUSAL_CASES[status]
    calls = case.calls[SOME]
    verdict = run_checks(case.sandbox(), tmp_path, phase=COVERAGE, calls=calls, key=case.key)
    assert not verdict.failures, verdict.text
    refused = case.refused & {*calls}
    assert observed(verdict, status) == refused
    assert refused
    assert not observed(verdict, "2") & refused


# Faults are found


DESTINATION: Final = tuple(call for call in CHAINS["destinations"] if not call.startswith("GET"))
INVENTED_STUDIO: Final = {
    "id": "studio_1",
    "name": "Of no one",
    "ownerSub": "user_robin",
    "role": "owner",
}


@dataclass(frozen=True)
class FaultCase:
    """A fault of the sandbox, and the calls and the phase that show it."""

    fault: Fault
    calls: tuple[str, ...] = (CREATE,)
    phase: str = COVERAGE
    method: str | None = None


def rewritten(status: int, rewrite: Callable[[Response], Response]) -> Fault:
    """Rewrite responses with this status."""
    return Fault.rewritten(
        lambda response: rewrite(response) if response.status == status else response
    )


def created(response: Response) -> Response:
    """Turn a response into that of a created studio."""
    return replace(response, status=201, body=encode_json(INVENTED_STUDIO))


async def ignore_owner(request: Request, handler: RequestHandler) -> Response:
    """Respond for any existing object, whoever owns it."""
    response = await handler(request)
    if response.status != 404:
        return response
    return await handler(replace(request, headers={"authorization": f"Bearer {SANDBOX_KEY}"}))


FAULT_CASES: Final[dict[str, FaultCase]] = {
    "not_a_server_error": FaultCase(Fault.error(500, "internal")),
    "status_code_conformance": FaultCase(
        rewritten(201, lambda response: replace(response, status=202))
    ),
    "content_type_conformance": FaultCase(
        rewritten(201, lambda response: replace(response, content_type="text/html"))
    ),
    "response_schema_conformance": FaultCase(
        rewritten(201, lambda response: replace(response, body=encode_json({"id": "studio_1"})))
    ),
    "response_headers_conformance": FaultCase(
        rewritten(201, lambda response: replace(response, headers={"X-Request-Id": ""}))
    ),
    "positive_data_acceptance": FaultCase(Fault.error(400, "invalid_request")),
    "negative_data_rejection": FaultCase(rewritten(400, created)),
    "ignored_auth": FaultCase(rewritten(401, created)),
    "object_level_authorization": FaultCase(
        Fault("unguarded", ignore_owner), (CREATE, READ), STATEFUL, "GET"
    ),
    "unsupported_method": FaultCase(rewritten(405, lambda response: replace(response, headers={}))),
    "allow_header_conformance": FaultCase(
        rewritten(405, lambda response: replace(response, headers={"Allow": "POST"}))
    ),
    "use_after_free": FaultCase(Fault.status(200, {"ok": True}), DESTINATION, STATEFUL, "DELETE"),
    "ensure_resource_availability": FaultCase(
        Fault.patched(lambda studio: studio.update(id="studio_0")), (CREATE, READ), STATEFUL, "POST"
    ),
}


def test_every_schemathesis_check_is_enabled_or_disabled_for_a_reason() -> None:
    """So that checks added or removed by a new version are noticed."""
    load_all_checks()
    assert {*ENABLED_CHECKS, *DISABLED_CHECKS} == set(CHECKS.get_all_names())


@pytest.mark.parametrize("check", ENABLED_CHECKS)
def test_each_check_finds_its_fault(check: str, tmp_path: Path) -> None:
    """So no enabled check always passes."""
    case, sandbox = FAULT_CASES[check], unlimited()
    sandbox.faults.add(case.fault, times=None, method=case.method)
    verdict = run_checks(sandbox, tmp_path, phase=case.phase, calls=case.calls, tries=6)
    assert check in verdict.failed_checks


def test_undocumented_field_is_found(tmp_path: Path) -> None:
    """For example a stream key in a response."""
    sandbox = unlimited()
    sandbox.faults.add(Fault.extra({"streamKey": "shh"}), times=None)
    verdict = run_checks(sandbox, tmp_path, phase=COVERAGE, calls=["GET /v1/studios"])
    assert "response_schema_conformance" in verdict.failed_checks
