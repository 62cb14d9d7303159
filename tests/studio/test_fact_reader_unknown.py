"""Facts that cannot be read: some are unknown, others are a failure, and a stop never waits.

`test_fact_reader` is about which facts are read, and when.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from tests.support.fact_reads import (
    ACCOUNTS,
    FIRST,
    HEALTH,
    PLACES,
    SOURCES,
    STATUS,
    STUDIO,
    asked,
    each_operation,
    enable_many,
    failure_code,
    names,
    narrow,
    read,
    reader_for,
)
from tests.support.faults import Fault
from tests.support.operation_table import GO_LIVE, GO_OFFLINE, UNLINK, S
from tests.support.sandbox_accounts import REVOKED_KEY
from trax_mcp.api.caller import ANONYMOUS, Caller
from trax_mcp.api.errors import NotSent, TraxError
from trax_mcp.api.operations import (
    DeleteDestination,
    DeleteSource,
    GoLive,
    GoOffline,
    UnlinkConnection,
    UpdateDestination,
    UpdateSource,
    UpdateStudio,
)
from trax_mcp.consent.plans import plan_for
from trax_mcp.consent.preview import Target
from trax_mcp.sandbox.messages import Response
from trax_mcp.studio.fact_reader import QUICK_SECONDS
from trax_mcp.studio.facts import Fact, Facts, Unknown

if TYPE_CHECKING:
    from tests.support.recorded_sandbox import Sandbox
    from trax_mcp.api.client import Client
    from trax_mcp.api.models import Model
    from trax_mcp.api.operation import Operation
    from trax_mcp.sandbox.messages import Request, RequestHandler

# Missing scopes


WITHOUT: Final = {
    "stream:read": Unknown("whether the studio is live", "the key lacks stream:read"),
    "destinations:read": Unknown("the destinations", "the key lacks destinations:read"),
    "sources:read": Unknown("the sources", "the key lacks sources:read"),
    "connections:read": Unknown("the linked accounts", "the key lacks connections:read"),
    "studios:read": Unknown("the studio's name", "the key lacks studios:read"),
}


@pytest.mark.parametrize("scope", WITHOUT)
async def test_a_fact_that_the_key_may_not_read_is_unknown(
    trax: Client, sandbox: Sandbox, scope: str
) -> None:
    """The missing scope is named, all other facts are known, and no request is sent twice."""
    facts = await read(trax, GO_LIVE, narrow(sandbox, scope))
    assert facts.unknown == (WITHOUT[scope],)
    assert asked(sandbox) == Counter(FIRST[GO_LIVE])


async def test_unknown_facts_come_in_the_order_of_the_plan(trax: Client, sandbox: Sandbox) -> None:
    """The order of the answers does not matter."""
    facts = await read(trax, GO_LIVE, narrow(sandbox, *WITHOUT))
    order = ("studios:read", "stream:read", "destinations:read", "sources:read", "connections:read")
    assert facts.unknown == tuple(WITHOUT[scope] for scope in order)
    assert (facts.live, facts.enabled, facts.active) == (None, (), ())


async def test_a_status_that_was_unknown_before_stays_unknown(
    trax: Client, sandbox: Sandbox
) -> None:
    """It was read first. It is listed with the other unknown facts, and once."""
    operation = UpdateDestination(**S, dest_id="dest_1", enabled=False)
    reader = reader_for(trax, operation, narrow(sandbox, "stream:read", "destinations:read"))
    known = await reader.read((Fact.STATUS,))
    assert known.live is None
    facts = await reader.read(plan_for(operation).reads, known)
    assert facts.unknown == (WITHOUT["stream:read"], WITHOUT["destinations:read"])
    assert asked(sandbox)[STATUS] == 1


async def test_a_refusal_without_a_scope_makes_a_fact_unknown(
    trax: Client, sandbox: Sandbox
) -> None:
    """A gateway refuses with a page, for example."""
    sandbox.faults.add(Fault.status(403, "<html>"), path=SOURCES)
    facts = await read(trax, GO_LIVE)
    assert facts.unknown == (Unknown("the sources", "TRaX did not tell"),)


async def test_a_fact_that_is_unknown_of_several_studios_is_listed_once(
    trax: Client, sandbox: Sandbox
) -> None:
    """A person does not read the same line four times."""
    facts = await read(trax, UNLINK, narrow(sandbox, "stream:read"))
    assert facts.unknown == (WITHOUT["stream:read"],)
    assert [it.live for it in facts.studio_details] == [None] * 4


async def test_without_a_list_of_studios_their_details_are_not_read(
    trax: Client, sandbox: Sandbox
) -> None:
    """The studios are then unknown, and no detail is requested."""
    facts = await read(trax, UNLINK, narrow(sandbox, "studios:read"))
    assert facts.unknown == (Unknown("the studios", "the key lacks studios:read"),)
    assert facts.studio_details == ()
    assert asked(sandbox) == Counter(FIRST[UNLINK])


# Failures of the moment


PASSING: Final = {
    "gateway": (Fault.status(502), "bad_answer", 3),
    "trouble": (Fault.status(500), "bad_answer", 1),
    "dropped": (Fault.dropped(), "unreachable", 1),
    "rate limited": (Fault.error(429, "rate_limited"), "rate_limited", 1),
    "unreadable": (Fault.truncated(), "bad_answer", 1),
    "of another shape": (Fault.status(200, {"data": 1}), "bad_answer", 1),
}


@pytest.mark.parametrize("path", [STUDIO, STATUS, PLACES, SOURCES, ACCOUNTS, HEALTH])
@pytest.mark.parametrize("trouble", PASSING)
async def test_a_failure_of_the_moment_is_raised(
    trax: Client, sandbox: Sandbox, trouble: str, path: str
) -> None:
    """A person does not agree to facts that could be read a moment later. Reads are retried."""
    fault, code, tries = PASSING[trouble]
    sandbox.faults.add(fault, times=None, path=path)
    assert await failure_code(trax, GO_LIVE) == code
    assert asked(sandbox)[path] == tries


@pytest.mark.parametrize("trouble", PASSING)
async def test_a_failure_in_one_of_several_studios_is_raised(
    trax: Client, sandbox: Sandbox, trouble: str
) -> None:
    """The other studios do not hide it."""
    fault, code, _ = PASSING[trouble]
    sandbox.faults.add(fault, times=None, path="/v1/studios/studio_5*/*")
    assert await failure_code(trax, UNLINK) == code


async def test_of_several_failures_the_first_in_the_order_of_the_plan_is_raised(
    trax: Client, sandbox: Sandbox
) -> None:
    """The order of the answers does not matter."""
    released = anyio.Event()

    async def fail_late(_asked: Request, _onward: RequestHandler) -> Response:
        await released.wait()
        return Response(500, b"")

    async def fail_early(_asked: Request, _onward: RequestHandler) -> Response:
        released.set()
        return Response(429, b"")

    sandbox.faults.add(Fault("late", fail_late), times=None, path=STATUS)
    sandbox.faults.add(Fault("early", fail_early), times=None, path=SOURCES)
    with pytest.raises(TraxError) as caught:
        await read(trax, GO_LIVE)
    assert caught.value.failure.http_status == 500


@each_operation
async def test_a_key_that_trax_does_not_accept_is_a_failure(
    trax: Client, sandbox: Sandbox, operation: Operation[Model]
) -> None:
    """This holds for a stop too: TRaX would refuse it with the same key."""
    assert await failure_code(trax, operation, Caller(REVOKED_KEY)) == "invalid_key"
    assert await failure_code(trax, operation, Caller("made_up")) == "invalid_key"
    assert await failure_code(trax, operation, ANONYMOUS) == "no_key"


# A quick reader, which a stop uses


@pytest.mark.parametrize("trouble", PASSING)
async def test_a_stop_sends_each_request_once_and_treats_failures_as_unknown(
    trax: Client, sandbox: Sandbox, trouble: str
) -> None:
    """The question can be asked without them."""
    sandbox.faults.add(PASSING[trouble][0], times=None)
    facts = await read(trax, GO_OFFLINE)
    assert [it.why for it in facts.unknown] == ["TRaX did not tell"] * 3
    assert asked(sandbox) == Counter(FIRST[GO_OFFLINE])


@pytest.mark.parametrize("page", [0, 1])
async def test_a_stop_waits_two_seconds_at_most(
    trax: Client, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    """Further pages are within the same time. Facts that came in time are known."""
    assert QUICK_SECONDS == 2
    monkeypatch.setattr("trax_mcp.studio.fact_reader.QUICK_SECONDS", 0.2)
    enable_many(sandbox, 400)
    if page:
        sandbox.faults.add(Fault.delay(0), times=page, path=PLACES)
    sandbox.faults.add(Fault.silence(), times=None, path=PLACES)
    facts = await read(trax, GO_OFFLINE)
    assert facts.unknown == (Unknown("the destinations", "TRaX did not tell"),)
    assert facts.live is False
    assert names([facts.studio]) == ["Friday Night Show"]
    assert asked(sandbox)[PLACES] == page + 1


@pytest.mark.parametrize("trouble", PASSING)
async def test_a_quick_reader_is_quick_about_the_details_of_studios_too(
    trax: Client, sandbox: Sandbox, trouble: str
) -> None:
    """Each request is sent once, and failures are unknown facts."""
    sandbox.faults.add(PASSING[trouble][0], times=None, path="/v1/studios/studio_5*/*")
    facts = await reader_for(trax, UNLINK, quick=True).read(plan_for(UNLINK).reads)
    assert [it.why for it in facts.unknown] == ["TRaX did not tell"] * 2
    assert max(asked(sandbox).values()) == 1


# Missing things


@pytest.mark.parametrize(
    "operation",
    [
        GoLive(studio_id="studio_404"),
        GoOffline(studio_id="studio_404"),
        GoLive(studio_id="studio_99"),
        DeleteSource(studio_id="studio_404", source_id="source_1"),
        UpdateStudio(studio_id="studio_404", auto_go_live=True),
    ],
    ids=lambda it: f"{it.tool_name} {it.studio_id}",
)
async def test_a_studio_that_does_not_exist_is_a_failure(
    trax: Client, operation: Operation[Model]
) -> None:
    """A studio of another account looks the same."""
    assert await failure_code(trax, operation) == "not_found"


MISSING: Final = [
    (DeleteDestination(**S, dest_id="dest_4"), "destination", "list_destinations"),
    (UpdateDestination(**S, dest_id="dest_404", enabled=True), "destination", "list_destinations"),
    (DeleteSource(**S, source_id="source_4"), "source", "list_sources"),
    (UpdateSource(**S, source_id="source_404", active=True), "source", "list_sources"),
    (UnlinkConnection(connection_id="conn_90"), "connection", "list_connections"),
]
"""Targets that exist nowhere, in another studio, or for another account."""


@pytest.mark.parametrize(
    ("operation", "what", "listed_by"), MISSING, ids=lambda it: getattr(it, "tool_name", None)
)
async def test_a_target_that_is_not_listed_is_a_failure(
    trax: Client, operation: Operation[Model], what: str, listed_by: str
) -> None:
    """It is found before a person is asked, and the message says where to look."""
    plan = plan_for(operation)(operation, await read(trax, operation))
    with pytest.raises(NotSent) as caught:
        _ = plan.preview
    failure = caught.value.failure
    assert (failure.code, failure.outcome, failure.retryable) == ("not_found", "not_applied", False)
    assert failure.message == (
        f"TRaX lists no such {what}, so {operation.tool_name} was not sent."
        f" Check the id with {listed_by}."
    )


@pytest.mark.parametrize("operation", [it[0] for it in MISSING], ids=lambda it: it.tool_name)
def test_a_target_in_an_unknown_list_is_named_by_its_id(operation: Operation[Model]) -> None:
    """An unknown list does not make its target missing."""
    assert plan_for(operation)(operation, Facts()).target() == Target(operation.target_id())
