"""Facts that cannot be read: some are unknown, others are a failure, and a stop never waits.

`test_fact_reader` is about which facts are read, and when.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from tests.support.fact_reads import (
    FIRST,
    PLACES,
    SOURCES,
    STATUS,
    asked,
    enable_many,
    failure_code,
    names,
    narrow,
    read,
    reader_for,
)
from tests.support.operation_table import GO_LIVE, GO_OFFLINE, UNLINK, S
from tests.support.product.faults import Fault
from tests.support.product.sandbox_accounts import REVOKED_KEY
from tests.support.studio_facts import NOW
from trax_mcp.api.caller import ANONYMOUS, Caller
from trax_mcp.api.errors import NotSent, TraxError
from trax_mcp.api.operations import (
    DeleteDestination,
    DeleteSource,
    UnlinkConnection,
    UpdateDestination,
    UpdateSource,
)
from trax_mcp.consent.plans import plan_for
from trax_mcp.consent.preview import Target
from trax_mcp.sandbox.messages import Response
from trax_mcp.studio.fact_reader import QUICK_SECONDS
from trax_mcp.studio.facts import Fact, Facts, Unknown

if TYPE_CHECKING:
    from tests.support.product.sandbox import Sandbox
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


async def test_facts_that_the_key_may_not_read_are_unknown_in_the_order_of_the_plan(
    trax: Client, sandbox: Sandbox
) -> None:
    """Each names the missing scope, and no request is sent twice."""
    facts = await read(trax, GO_LIVE, narrow(sandbox, *WITHOUT))
    order = ("studios:read", "stream:read", "destinations:read", "sources:read", "connections:read")
    assert facts.unknown == tuple(WITHOUT[scope] for scope in order)
    assert (facts.live, facts.enabled, facts.active) == (None, (), ())
    assert asked(sandbox) == Counter(FIRST[GO_LIVE])


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


# Temporary failures


PASSING: Final = Fault.status(502)
"""A failure that a read is retried after."""


async def test_a_temporary_failure_in_one_of_several_studios_is_raised(
    trax: Client, sandbox: Sandbox
) -> None:
    """The other studios do not hide it."""
    sandbox.faults.add(PASSING, times=None, path="/v1/studios/studio_5*/*")
    assert await failure_code(trax, UNLINK) == "bad_answer"


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


async def test_a_key_that_trax_does_not_accept_fails_a_stop_too(trax: Client) -> None:
    """TRaX would refuse the stop with the same key."""
    for operation in (GO_OFFLINE, UNLINK):
        assert await failure_code(trax, operation, Caller(REVOKED_KEY)) == "invalid_key"
        assert await failure_code(trax, operation, ANONYMOUS) == "no_key"


# A quick reader, which a stop uses


async def test_a_stop_sends_each_request_once_and_treats_failures_as_unknown(
    trax: Client, sandbox: Sandbox
) -> None:
    """The question can be asked without them."""
    sandbox.faults.add(PASSING, times=None)
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


async def test_a_quick_reader_sends_each_request_for_details_of_studios_once(
    trax: Client, sandbox: Sandbox
) -> None:
    """Failures are then unknown facts."""
    sandbox.faults.add(PASSING, times=None, path="/v1/studios/studio_5*/*")
    facts = await reader_for(trax, UNLINK, quick=True).read(plan_for(UNLINK).reads)
    assert [it.why for it in facts.unknown] == ["TRaX did not tell"] * 2
    assert max(asked(sandbox).values()) == 1


# Missing targets


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
    """The message says where to look. In a list that could not be read it is named by its id."""
    plan = plan_for(operation)(operation, await read(trax, operation), now=NOW)
    with pytest.raises(NotSent) as caught:
        _ = plan.preview
    failure = caught.value.failure
    assert (failure.code, failure.outcome, failure.retryable) == ("not_found", "not_applied", False)
    assert failure.message == (
        f"TRaX lists no such {what}, so {operation.tool_name} was not sent."
        f" Check the id with {listed_by}."
    )
    assert plan_for(operation)(operation, Facts(), now=NOW).target() == Target(
        operation.target_id()
    )
