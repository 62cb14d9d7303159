"""Resources that cannot be read: every failure, as a protocol error.

Through a real client in both eras; where callers matter, over sockets. What the failures of the
tools say, word by word, is in `test_faults_reads`: a resource says the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import mcp_types as types
import pytest

from tests.audience import viewer_of
from tests.conftest import OWNER, call, client_on
from tests.faults.callers import CALLERS, SCRIPTED, failure, rows
from tests.faults.table import Role
from tests.front import serving
from tests.looks import narrow
from tests.readings import (
    CHAT,
    STANDS_ON,
    STATUS,
    STUDIO,
    STUDIOS,
    account_in,
    client_of,
    not_found,
    ours,
    read,
    refused,
    whole_studio,
)
from trax_mcp.api.caller import ANONYMOUS
from trax_mcp.sandbox import SANDBOX_KEY, STRANGER_KEY, Fault, Sandbox
from trax_mcp.server.app import build_server

if TYPE_CHECKING:
    from mcp.server import Server

    from tests.faults.callers import Row
    from trax_mcp.api.client import Client

FAULTS: Final = (
    Fault.error(400, "invalid_request"),
    Fault.error(401, "invalid_key"),
    Fault.error(403, "insufficient_scope"),
    Fault.error(404, "not_found"),
    Fault.error(429, "rate_limited", Retry_After="7"),
    Fault.error(500, "exploded"),
    Fault.status(503, "<html>"),
    Fault.status(403),
    Fault.dropped(),
    Fault.truncated(),
)

READER: Final = CALLERS[Role.READ]._replace(tool="get_stream_status", scope="stream:read")
"""Who reads a studio's status."""

LACKING: Final[dict[str, tuple[set[str], dict[str, str]]]] = {
    "studios:read": ({STUDIOS, STUDIO}, {}),
    "stream:read": ({STATUS}, {"status": "whether the studio is live"}),
    "destinations:read": (set(), {"destinations": "the destinations"}),
    "sources:read": (set(), {"sources": "the sources"}),
    "chat:read": ({CHAT}, {}),
}
"""A scope, what cannot be read without it, and which part of a studio is then unknown."""


def code_for(failure: dict[str, Any], era: str) -> int:
    """The code of the protocol error that a failure becomes."""
    return not_found(era) if failure["code"] == "not_found" else types.INTERNAL_ERROR


@pytest.mark.parametrize("row", [it for it in rows(Role.READ) if it.name in SCRIPTED], ids=str)
async def test_a_reading_that_fails_says_so_exactly(
    server: Server[Any], sandbox: Sandbox, *, era: str, row: Row
) -> None:
    """As a protocol error, which is all that a resource has; tried again where that can help."""
    sandbox.faults.add(SCRIPTED[row.name], times=None)
    async with client_of(server, era) as client:
        error = await refused(client, STATUS)
    expected = failure(row.mishap, READER, row.fate)
    assert account_in(error, sandbox) == expected
    assert error.code == code_for(expected, era)
    assert len(sandbox.requests) == row.mishap.tries


@pytest.mark.parametrize("fault", FAULTS, ids=lambda it: it.name)
@pytest.mark.parametrize("uri", STANDS_ON)
async def test_a_resource_fails_as_the_tool_does_that_it_stands_on(
    server: Server[Any], sandbox: Sandbox, *, era: str, uri: str, fault: Fault
) -> None:
    """Whatever it reads besides: a program needs to know one kind of failure."""
    sandbox.faults.add(fault, times=None)
    tool = await call(server, *STANDS_ON[uri], era=era)
    expected = ours((tool.structured_content or {})["error"], sandbox)
    async with client_of(server, era) as client:
        error = await refused(client, uri)
    assert account_in(error, sandbox) == expected
    assert error.code == code_for(expected, era)


@pytest.mark.parametrize(
    "status", [{}, {"live": None}, {"live": "perhaps"}, {"live": [True]}], ids=str
)
async def test_a_status_that_says_nothing_is_none(
    server: Server[Any], sandbox: Sandbox, *, era: str, status: dict[str, Any]
) -> None:
    """Nobody must take what cannot be understood for being off the air."""
    sandbox.faults.add(Fault.status(200, status), times=None)
    async with client_of(server, era) as client:
        told = account_in(await refused(client, STATUS), sandbox)
    assert told == {
        "code": "bad_answer",
        "message": "TRaX accepted get_stream_status, but its answer lacks what it should hold;"
        " nothing was changed. Call again later.",
        "retryable": True,
        "outcome": "not_applied",
        "httpStatus": 200,
        "requestId": "ours",
    }


@pytest.mark.parametrize("uri", STANDS_ON)
async def test_without_a_key_nothing_of_a_callers_own_can_be_read(
    trax: Client, sandbox: Sandbox, *, era: str, uri: str
) -> None:
    """It is said where to get one, and TRaX is not asked."""
    server = build_server(trax, own=ANONYMOUS)
    async with client_of(server, era) as client:
        error = await refused(client, uri)
    told = account_in(error, sandbox)
    assert (error.code, told["code"]) == (types.INTERNAL_ERROR, "no_key")
    assert "TRAX_API_KEY" in error.message
    assert list(sandbox.requests) == []


@pytest.mark.parametrize("uri", STANDS_ON)
async def test_an_answer_that_does_not_come_is_a_timeout(
    sandbox: Sandbox, era: str, uri: str
) -> None:
    """No reading waits for ever."""
    server = build_server(client_on(sandbox, timeout_seconds=0.05), own=OWNER)
    sandbox.faults.add(Fault.silence(), times=None)
    async with client_of(server, era) as client:
        error = await refused(client, uri)
    assert error.message.startswith("TRaX did not answer within 0.05 s; ")
    assert account_in(error, sandbox)["code"] == "timeout"


@pytest.mark.parametrize("uri", STANDS_ON)
async def test_a_failure_never_repeats_the_key(
    server: Server[Any], sandbox: Sandbox, *, era: str, uri: str
) -> None:
    """Not even where TRaX does."""
    message = f"What is {SANDBOX_KEY}?"
    sandbox.faults.add(Fault.error(400, "invalid_request", message), times=None)
    async with client_of(server, era) as client:
        error = await refused(client, uri)
    assert 'TRaX says: "What is [secret]?"' in error.message
    assert SANDBOX_KEY not in str(error)


@pytest.mark.parametrize("scope", LACKING)
async def test_what_a_key_may_not_read_is_refused_or_unknown(
    trax: Client, sandbox: Sandbox, *, era: str, scope: str
) -> None:
    """A part of a studio is null, with the reason; the thing itself fails and names the scope."""
    forbidden, parts = LACKING[scope]
    server = build_server(trax, own=narrow(sandbox, scope))
    async with client_of(server, era) as client:
        for uri in STANDS_ON:
            if uri in forbidden:
                error = await refused(client, uri)
                told = account_in(error, sandbox)
                assert error.code == types.INTERNAL_ERROR
                assert (told["code"], told["httpStatus"]) == ("insufficient_scope", 403)
                assert (told["requiredScope"], told["retryable"]) == (scope, False)
            elif uri == STUDIO and parts:
                unknown = [f"{words}: the key lacks {scope}" for words in parts.values()]
                expected = whole_studio(sandbox) | dict.fromkeys(parts) | {"unknown": unknown}
                assert await read(client, uri) == expected
            else:
                assert await read(client, uri)


@pytest.mark.parametrize("part", ["destinations", "sources", "stream-status"])
async def test_a_part_of_a_studio_that_is_broken_for_now_fails_it_all(
    server: Server[Any], sandbox: Sandbox, *, era: str, part: str
) -> None:
    """Half a studio would be believed; in a moment there is a whole one."""
    sandbox.faults.add(Fault.error(500, "exploded"), path=f"/v1/studios/*/{part}")
    async with client_of(server, era) as client:
        error = await refused(client, STUDIO)
        assert account_in(error, sandbox)["code"] == "exploded"
        assert await read(client, STUDIO) == whole_studio(sandbox)


async def test_nobody_reads_what_another_key_could(era: str) -> None:
    """A moment after its owner, while the window is warm: it is as if it were not there."""
    async with serving() as front:
        async with viewer_of(front, era) as owner:
            for uri in (STUDIO, STATUS, CHAT):
                assert await read(owner.client, uri)
        async with viewer_of(front, era, key=STRANGER_KEY) as stranger:
            for uri in (STUDIO, STATUS, CHAT):
                error = await refused(stranger.client, uri)
                assert account_in(error, front.trax)["code"] == "not_found"
                assert error.code == not_found(era)
                assert "Friday" not in str(error)
