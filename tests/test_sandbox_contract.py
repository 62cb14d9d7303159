"""A referee that we did not write finds nothing in the sandbox that the contract does not say.

schemathesis makes calls up from the contract, good and bad, one by one and in chains, and judges
every answer; then it is shown crooked sandboxes, to see that it would have spoken up.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import pytest
from schemathesis.checks import CHECKS, load_all_checks

from tests.profiles import examples
from tests.referee.checks import COVERAGE, FUZZING, JUDGING, LEFT_OUT, STATEFUL, judged
from tests.referee.words import spelled_out
from tests.witness import still
from trax_mcp.sandbox import READONLY_KEY, SANDBOX_KEY, Clock, Fault, RateLimit, Sandbox
from trax_mcp.sandbox.messages import encoded

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.referee.checks import Verdict
    from trax_mcp.sandbox.messages import Answer, Answerer, Request

pytestmark = pytest.mark.fuzz

CALLS: Final[dict[str, dict[str, Any]]] = {
    f"{method.upper()} {path}": operation
    for path, item in spelled_out()["paths"].items()
    for method, operation in item.items()
}
CREATE: Final = "POST /v1/studios"
READ: Final = "GET /v1/studios/{id}"
THINGS: Final = ("destinations", "sources")
CHAINS: Final = {
    **{thing: (CREATE, *(call for call in CALLS if f"/{thing}" in call)) for thing in THINGS},
    "connections": tuple(call for call in CALLS if "/connections" in call),
    "studios": tuple(
        call
        for call in CALLS
        if "/studios" in call and not any(f"/{thing}" in call for thing in THINGS)
    ),
}
"""Calls whose answers lead to one another."""

PUBLIC: Final = {"GET /v1/health", "GET /v1/openapi.json"}
"""The calls that take nothing and ask for no key: they cannot be refused."""

IN_CHAINS: Final = 60
"""How many chains are tried."""


def unhurried() -> Sandbox:
    """A sandbox whose clock stands still, and with it the filling of buckets: so there are none."""
    sandbox = still()
    sandbox.rate_limit = None
    return sandbox


def heard(verdict: Verdict, status: str) -> set[str]:
    """The calls that were answered with a status of this kind (`2`) or with just this one."""
    return {
        call
        for call, statuses in verdict.answers.items()
        if any(one.startswith(status) for one in statuses)
    }


def documenting(status: str) -> set[str]:
    """The calls that can be answered with a status of this kind, or with just this one."""
    return {
        call
        for call, operation in CALLS.items()
        if any(one.startswith(status) for one in operation["responses"])
    }


# What it finds


def test_every_case_that_can_be_listed_is_answered_as_documented(tmp_path: Path) -> None:
    """No complaint; and each call did succeed, and was refused for its words and for its key."""
    verdict = judged(unhurried(), tmp_path, phase=COVERAGE)
    assert not verdict.complaints, verdict.words
    assert heard(verdict, "2") == set(CALLS)
    assert heard(verdict, "400") == documenting("400")
    assert heard(verdict, "401") == documenting("401") == set(CALLS) - PUBLIC


def test_calls_made_up_are_answered_as_documented(tmp_path: Path) -> None:
    """No complaint about any call, good or bad, and each was made both ways if it can be."""
    verdict = judged(unhurried(), tmp_path, phase=FUZZING, tries=examples(50))
    assert not verdict.complaints, verdict.words
    assert heard(verdict, "2") == set(CALLS)
    assert heard(verdict, "4") == set(CALLS) - PUBLIC


@pytest.mark.parametrize("chain", CHAINS)
def test_calls_that_follow_from_one_another_are_answered_as_documented(
    chain: str, tmp_path: Path
) -> None:
    """What was created is there, what was deleted is gone, and a stranger sees neither."""
    calls = CHAINS[chain]
    verdict = judged(unhurried(), tmp_path, phase=STATEFUL, calls=calls, tries=examples(IN_CHAINS))
    assert not verdict.complaints, verdict.words
    assert heard(verdict, "2") == set(calls)
    assert {call for call in calls if call.startswith("DELETE")} <= heard(verdict, "404")


@dataclass(frozen=True)
class Closed:
    """What keeps calls out: a sandbox, who calls it, and which calls it refuses."""

    sandbox: Callable[[], Sandbox]
    refused: set[str]
    calls: tuple[str, ...] = tuple(CALLS)
    key: str = SANDBOX_KEY


def void() -> Sandbox:
    """A sandbox in which there is nothing."""
    return Sandbox(Clock.frozen(), empty=True, rate_limit=None)


def exhausted() -> Sandbox:
    """A sandbox whose buckets are empty and stay so."""
    return Sandbox(Clock.frozen(), rate_limit=RateLimit(burst=0, per_second=0.5))


def read_only() -> Sandbox:
    """A sandbox that takes no writes."""
    sandbox = unhurried()
    sandbox.write_enabled = False
    return sandbox


CLOSED: Final = {
    "403": Closed(unhurried, documenting("503"), key=READONLY_KEY),
    "404": Closed(void, documenting("404"), calls=tuple(documenting("404"))),
    "429": Closed(exhausted, documenting("429")),
    "503": Closed(read_only, documenting("503")),
}


@pytest.mark.parametrize("status", CLOSED)
def test_a_closed_door_answers_as_documented(status: str, tmp_path: Path) -> None:
    """No scope, nothing there, an empty bucket, no writes: what can be refused for it is."""
    closed = CLOSED[status]
    sandbox, calls = closed.sandbox(), closed.calls
    verdict = judged(sandbox, tmp_path, phase=COVERAGE, calls=calls, key=closed.key)
    assert not verdict.complaints, verdict.words
    assert heard(verdict, status) == closed.refused
    assert not heard(verdict, "2") & closed.refused


# Whether it would


DESTINATION: Final = tuple(call for call in CHAINS["destinations"] if not call.startswith("GET"))
MADE_UP: Final = {"id": "studio_1", "name": "Of no one", "ownerSub": "user_robin", "role": "owner"}


@dataclass(frozen=True)
class Crooked:
    """A lie of the sandbox, and where it would be told."""

    fault: Fault
    calls: tuple[str, ...] = (CREATE,)
    phase: str = COVERAGE
    method: str | None = None


def instead(status: int, rewrite: Callable[[Answer], Answer]) -> Fault:
    """Answers of this status are rewritten."""
    return Fault.answering(lambda answer: rewrite(answer) if answer.status == status else answer)


def accepted(answer: Answer) -> Answer:
    """Say that a studio was created."""
    return replace(answer, status=201, body=encoded(MADE_UP))


async def show_anyone(asked: Request, onward: Answerer) -> Answer:
    """Answer for whatever is there, whose ever it is."""
    answer = await onward(asked)
    if answer.status != 404:
        return answer
    return await onward(replace(asked, headers={"authorization": f"Bearer {SANDBOX_KEY}"}))


CROOKED: Final[dict[str, Crooked]] = {
    "not_a_server_error": Crooked(Fault.error(500, "internal")),
    "status_code_conformance": Crooked(instead(201, lambda answer: replace(answer, status=202))),
    "content_type_conformance": Crooked(
        instead(201, lambda answer: replace(answer, content_type="text/html"))
    ),
    "response_schema_conformance": Crooked(
        instead(201, lambda answer: replace(answer, body=encoded({"id": "studio_1"})))
    ),
    "response_headers_conformance": Crooked(
        instead(201, lambda answer: replace(answer, headers={"X-Request-Id": ""}))
    ),
    "positive_data_acceptance": Crooked(Fault.error(400, "invalid_request")),
    "negative_data_rejection": Crooked(instead(400, accepted)),
    "ignored_auth": Crooked(instead(401, accepted)),
    "object_level_authorization": Crooked(
        Fault("unguarded", show_anyone), (CREATE, READ), STATEFUL, "GET"
    ),
    "unsupported_method": Crooked(instead(405, lambda answer: replace(answer, headers={}))),
    "allow_header_conformance": Crooked(
        instead(405, lambda answer: replace(answer, headers={"Allow": "POST"}))
    ),
    "use_after_free": Crooked(Fault.status(200, {"ok": True}), DESTINATION, STATEFUL, "DELETE"),
    "ensure_resource_availability": Crooked(
        Fault.patched(lambda studio: studio.update(id="studio_0")), (CREATE, READ), STATEFUL, "POST"
    ),
}


def test_every_check_that_the_referee_knows_judges_or_is_left_out_for_a_reason() -> None:
    """What a later one learns is noticed, and so is what it forgets."""
    load_all_checks()
    assert {*JUDGING, *LEFT_OUT} == set(CHECKS.get_all_names())


@pytest.mark.parametrize("check", JUDGING)
def test_a_crooked_sandbox_is_found_out(check: str, tmp_path: Path) -> None:
    """Each check fails where there is something for it to find: none of them only nods."""
    crooked, sandbox = CROOKED[check], unhurried()
    sandbox.faults.add(crooked.fault, times=None, method=crooked.method)
    verdict = judged(sandbox, tmp_path, phase=crooked.phase, calls=crooked.calls, tries=IN_CHAINS)
    assert check in verdict.failed


def test_an_undocumented_field_is_found_out(tmp_path: Path) -> None:
    """A stream key in an answer, say: the answers that the referee expects are closed."""
    sandbox = unhurried()
    sandbox.faults.add(Fault.extra({"streamKey": "shh"}), times=None)
    verdict = judged(sandbox, tmp_path, phase=COVERAGE, calls=["GET /v1/studios"])
    assert "response_schema_conformance" in verdict.failed
