"""What becomes of a fact that cannot be read: unknown, a failure, and of a stop nothing at all.

Which facts are read, and when, is in `test_lookout`.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import pytest

from tests.looks import (
    ACCOUNTS,
    FIRST,
    GO_LIVE,
    GO_OFFLINE,
    HEALTH,
    PLACES,
    SOURCES,
    STATUS,
    STUDIO,
    UNLINK,
    S,
    asked,
    each_operation,
    enable_many,
    failing,
    names,
    narrow,
    see,
)
from trax_mcp.api.caller import ANONYMOUS, Caller
from trax_mcp.api.errors import TraxError
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
from trax_mcp.sandbox import REVOKED_KEY, Fault
from trax_mcp.studio.fact_reader import STOP_SECONDS, FactReader
from trax_mcp.studio.facts import Facts, Unknown
from trax_mcp.studio.target import Target, find_target

if TYPE_CHECKING:
    from trax_mcp.api.client import Client
    from trax_mcp.api.models import Model
    from trax_mcp.api.operation import Operation
    from trax_mcp.sandbox import Sandbox

# What cannot be read


WITHOUT: Final = {
    "stream:read": Unknown("whether the studio is live", "the key lacks stream:read"),
    "destinations:read": Unknown("the destinations", "the key lacks destinations:read"),
    "sources:read": Unknown("the sources", "the key lacks sources:read"),
    "connections:read": Unknown("the linked accounts", "the key lacks connections:read"),
    "studios:read": Unknown("the studio's name", "the key lacks studios:read"),
}


@pytest.mark.parametrize("scope", WITHOUT)
async def test_what_the_key_may_not_read_is_unknown(
    trax: Client, sandbox: Sandbox, scope: str
) -> None:
    """With the scope that is missing; everything else is known, and nothing is tried twice."""
    facts = await see(trax, GO_LIVE, narrow(sandbox, scope))
    assert facts.unknown == (WITHOUT[scope],)
    assert asked(sandbox) == Counter(FIRST[GO_LIVE])


async def test_all_that_is_unknown_is_told(trax: Client, sandbox: Sandbox) -> None:
    """In the order in which it would be shown, whatever came back first."""
    facts = await see(trax, GO_LIVE, narrow(sandbox, *WITHOUT))
    order = ("studios:read", "stream:read", "destinations:read", "sources:read", "connections:read")
    assert facts.unknown == tuple(WITHOUT[scope] for scope in order)
    assert (facts.live, facts.enabled, facts.active) == (None, (), ())


async def test_an_unknown_live_state_is_kept(trax: Client, sandbox: Sandbox) -> None:
    """It was looked at first, and is told with the rest."""
    caller = narrow(sandbox, "stream:read", "destinations:read")
    lookout = FactReader(trax, UpdateDestination(**S, dest_id="dest_1", enabled=False), caller)
    known = await lookout.see_live()
    assert known.live is None
    facts = await lookout.see(known)
    assert facts.unknown == (WITHOUT["stream:read"], WITHOUT["destinations:read"])


async def test_a_refusal_that_names_no_scope(trax: Client, sandbox: Sandbox) -> None:
    """A gateway's page, say: it is still only unknown."""
    sandbox.faults.add(Fault.status(403, "<html>"), path=SOURCES)
    facts = await see(trax, GO_LIVE)
    assert facts.unknown == (Unknown("the sources", "TRaX did not tell"),)


async def test_the_same_of_several_studios_is_unknown_once(trax: Client, sandbox: Sandbox) -> None:
    """Not a line for each."""
    facts = await see(trax, UNLINK, narrow(sandbox, "stream:read"))
    assert facts.unknown == (WITHOUT["stream:read"],)
    assert [it.live for it in facts.around] == [None] * 4


async def test_whose_studios_cannot_be_listed(trax: Client, sandbox: Sandbox) -> None:
    """Then nobody knows where the account is in use."""
    facts = await see(trax, UNLINK, narrow(sandbox, "studios:read"))
    why = "the key lacks studios:read"
    assert facts.unknown == (Unknown("the studios", why),)
    assert facts.around == ()


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
async def test_what_is_broken_for_the_moment_is_a_failure(
    trax: Client, sandbox: Sandbox, trouble: str, path: str
) -> None:
    """Nobody is asked to agree to what could have been seen; it is tried as any read is."""
    fault, code, tries = PASSING[trouble]
    sandbox.faults.add(fault, times=None, path=path)
    assert await failing(trax, GO_LIVE) == code
    assert asked(sandbox)[path] == tries


@pytest.mark.parametrize("trouble", PASSING)
async def test_trouble_in_one_of_several_studios_is_that_failure(
    trax: Client, sandbox: Sandbox, trouble: str
) -> None:
    """As it is where there is only one."""
    fault, code, _ = PASSING[trouble]
    sandbox.faults.add(fault, times=None, path="/v1/studios/studio_5*/*")
    assert await failing(trax, UNLINK) == code


@each_operation
async def test_a_key_that_is_not_accepted_is_a_failure(
    trax: Client, sandbox: Sandbox, operation: Operation[Model]
) -> None:
    """Even a stop would not get through with it; nothing is kept for whoever made it up."""
    assert await failing(trax, operation, Caller(REVOKED_KEY)) == "invalid_key"
    assert await failing(trax, operation, Caller("made_up")) == "invalid_key"
    assert await failing(trax, operation, ANONYMOUS) == "no_key"


# A stop


@pytest.mark.parametrize("trouble", PASSING)
async def test_a_stop_tries_nothing_twice_and_fails_for_nothing_that_passes(
    trax: Client, sandbox: Sandbox, trouble: str
) -> None:
    """What is missing is unknown; the question can be asked all the same."""
    sandbox.faults.add(PASSING[trouble][0], times=None)
    facts = await see(trax, GO_OFFLINE)
    assert [it.why for it in facts.unknown] == ["TRaX did not tell"] * 3
    assert asked(sandbox) == Counter(FIRST[GO_OFFLINE])


@pytest.mark.parametrize("page", [0, 1])
async def test_a_stop_waits_two_seconds_and_no_longer(
    trax: Client, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    """For everything together, further pages too; what came in time is shown."""
    assert STOP_SECONDS == 2
    monkeypatch.setattr("trax_mcp.studio.fact_reader.STOP_SECONDS", 0.2)
    enable_many(sandbox, 400)
    if page:
        sandbox.faults.add(Fault.delay(0), times=page, path=PLACES)
    sandbox.faults.add(Fault.silence(), times=None, path=PLACES)
    facts = await see(trax, GO_OFFLINE)
    assert facts.unknown == (Unknown("the destinations", "TRaX did not tell"),)
    assert facts.live is False
    assert names([facts.studio]) == ["Friday Night Show"]
    assert asked(sandbox)[PLACES] == page + 1


# What is not there


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
async def test_a_studio_that_is_not_there_is_the_ordinary_failure(
    trax: Client, operation: Operation[Model]
) -> None:
    """Or is another's, which looks the same."""
    assert await failing(trax, operation) == "not_found"


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
async def test_a_target_that_is_not_listed_is_the_ordinary_failure(
    trax: Client, operation: Operation[Model], what: str, listed_by: str
) -> None:
    """Found before anybody is asked, in words that say where to look."""
    facts = await see(trax, operation)
    with pytest.raises(TraxError) as caught:
        find_target(operation, facts)
    failure = caught.value.failure
    assert (failure.code, failure.outcome, failure.retryable) == ("not_found", "not_applied", False)
    assert failure.message == (
        f"TRaX lists no such {what}, so {operation.tool_name} was not sent."
        f" Check the id with {listed_by}."
    )


@pytest.mark.parametrize("operation", [it[0] for it in MISSING], ids=lambda it: it.tool_name)
def test_where_nothing_could_be_listed_the_id_must_do(operation: Operation[Model]) -> None:
    """What is not known is not called missing."""
    assert find_target(operation, Facts()) == Target(operation.target())
