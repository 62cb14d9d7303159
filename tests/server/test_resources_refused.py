"""Resources that cannot be read: every failure is a protocol error.

Through a real client, in both eras where error codes differ. `test_faults_reads` tests the error
texts, which resources share with the tools.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import mcp_types as types
import pytest

from tests.conftest import call
from tests.support.fact_reads import narrow
from tests.support.fault_table.role_calls import SCRIPTED, TOOL_CALLS, failure, row_of
from tests.support.fault_table.table import Role
from tests.support.product.faults import Fault
from tests.support.product.sandbox_accounts import ANOTHER_ACCOUNT_KEY
from tests.support.resource_reads import (
    CHAT,
    READ_WITH,
    STATUS,
    STUDIO,
    STUDIOS,
    client_of,
    failure_in,
    not_found,
    ours,
    read,
    refused,
    whole_studio,
)
from tests.support.served_app import serving
from tests.support.subscribers import subscriber_of
from trax_mcp.api.caller import ANONYMOUS
from trax_mcp.sandbox import SANDBOX_KEY
from trax_mcp.server.app import build_server

if TYPE_CHECKING:
    from mcp.server import Server

    from tests.support.product.sandbox import Sandbox
    from trax_mcp.api.client import Client

FAULTS: Final = (
    Fault.error(404, "not_found"),
    Fault.error(429, "rate_limited", Retry_After="7"),
    Fault.status(503, "<html>"),
    Fault.dropped(),
)

FAILED_READS: Final = (
    "401 invalid_key",
    "403 insufficient_scope",
    "404 not_found",
    "429 for 1 s",
    "502 no_upstream",
    "200 with HTML page",
)
"""Lines of the fault table, one for each kind of failure."""

READER: Final = TOOL_CALLS[Role.READ]._replace(operation="get_stream_status", scope="stream:read")
"""The caller that reads a studio's status."""

MISSING_SCOPES: Final[dict[str, tuple[set[str], dict[str, str]]]] = {
    "studios:read": ({STUDIOS, STUDIO}, {}),
    "stream:read": ({STATUS}, {"status": "whether the studio is live"}),
    "destinations:read": (set(), {"destinations": "the destinations"}),
    "sources:read": (set(), {"sources": "the sources"}),
    "chat:read": ({CHAT}, {}),
}
"""A missing scope -> URIs that cannot be read, and the studio's parts that are unknown."""


@pytest.mark.parametrize("name", FAILED_READS)
async def test_a_failed_read_is_an_exact_protocol_error(
    server: Server[Any], sandbox: Sandbox, *, era: str, name: str
) -> None:
    """Reads are retried where that can help."""
    row = row_of(Role.READ, name)
    sandbox.faults.add(SCRIPTED[name], times=None)
    async with client_of(server, era) as client:
        error = await refused(client, STATUS)
    expected = failure(row.case, READER, row.consequence)
    assert failure_in(error, sandbox) == expected
    assert error.code == (not_found(era) if name == "404 not_found" else types.INTERNAL_ERROR)
    assert len(sandbox.requests) == row.case.tries


@pytest.mark.parametrize("fault", FAULTS, ids=lambda it: it.name)
@pytest.mark.parametrize("uri", READ_WITH)
async def test_a_resource_fails_like_its_tool(
    server: Server[Any], sandbox: Sandbox, *, uri: str, fault: Fault
) -> None:
    """Even if the resource reads more than the tool."""
    sandbox.faults.add(fault, times=None)
    tool = await call(server, *READ_WITH[uri])
    expected = ours((tool.structured_content or {})["error"], sandbox)
    async with client_of(server) as client:
        error = await refused(client, uri)
    assert failure_in(error, sandbox) == expected
    assert error.code == (not_found() if fault is FAULTS[0] else types.INTERNAL_ERROR)


@pytest.mark.parametrize("status", [{}, {"live": None}, {"live": "perhaps"}], ids=str)
async def test_a_status_without_a_valid_live_field_is_an_error(
    server: Server[Any], sandbox: Sandbox, *, status: dict[str, Any]
) -> None:
    """It must not be taken for being off the air."""
    sandbox.faults.add(Fault.status(200, status), times=None)
    async with client_of(server) as client:
        account = failure_in(await refused(client, STATUS), sandbox)
    assert account == {
        "code": "bad_answer",
        "message": "TRaX accepted get_stream_status, but its answer lacks what it should hold."
        " Call again later.",
        "retryable": True,
        "outcome": "not_applied",
        "httpStatus": 200,
        "requestId": "ours",
    }


async def test_resources_of_a_caller_cannot_be_read_without_a_key(
    trax: Client, sandbox: Sandbox, era: str
) -> None:
    """The error says where to get one, and TRaX gets no request."""
    server = build_server(trax, own=ANONYMOUS)
    async with client_of(server, era) as client:
        errors = [await refused(client, uri) for uri in READ_WITH]
    codes = [(it.code, failure_in(it, sandbox)["code"]) for it in errors]
    assert codes == [(types.INTERNAL_ERROR, "no_key")] * len(READ_WITH)
    assert all("TRAX_API_KEY" in it.message for it in errors)
    assert list(sandbox.requests) == []


@pytest.mark.parametrize("uri", READ_WITH)
async def test_a_failure_never_repeats_the_key(
    server: Server[Any], sandbox: Sandbox, *, uri: str
) -> None:
    """Even if TRaX does."""
    message = f"What is {SANDBOX_KEY}?"
    sandbox.faults.add(Fault.error(400, "invalid_request", message), times=None)
    async with client_of(server) as client:
        error = await refused(client, uri)
    assert 'TRaX says: "What is [secret]?"' in error.message
    assert SANDBOX_KEY not in str(error)


async def test_a_key_in_a_uri_is_not_repeated(server: Server[Any], era: str) -> None:
    """The protocol wants the URI back in the error."""
    async with client_of(server, era) as client:
        error = await refused(client, f"trax://{SANDBOX_KEY}")
    assert error.data == {"uri": "trax://[key]"}


@pytest.mark.parametrize("scope", MISSING_SCOPES)
async def test_a_missing_scope_refuses_the_resource_or_makes_a_part_unknown(
    trax: Client, sandbox: Sandbox, *, scope: str
) -> None:
    """A studio's part is null with a reason; the resource itself fails and names the scope."""
    forbidden, parts = MISSING_SCOPES[scope]
    server = build_server(trax, own=narrow(sandbox, scope))
    async with client_of(server) as client:
        for uri in READ_WITH:
            if uri in forbidden:
                error = await refused(client, uri)
                account = failure_in(error, sandbox)
                assert error.code == types.INTERNAL_ERROR
                assert (account["code"], account["httpStatus"]) == ("insufficient_scope", 403)
                assert (account["requiredScope"], account["retryable"]) == (scope, False)
            elif uri == STUDIO and parts:
                unknown = [f"{words}: the key lacks {scope}" for words in parts.values()]
                expected = whole_studio(sandbox) | dict.fromkeys(parts) | {"unknown": unknown}
                assert await read(client, uri) == expected
            else:
                assert await read(client, uri)


@pytest.mark.parametrize("part", ["destinations", "sources", "stream-status"])
async def test_a_failing_part_of_a_studio_fails_the_whole_resource(
    server: Server[Any], sandbox: Sandbox, *, part: str
) -> None:
    """A partial studio would look complete; a retry may succeed."""
    sandbox.faults.add(Fault.error(500, "exploded"), path=f"/v1/studios/*/{part}")
    async with client_of(server) as client:
        error = await refused(client, STUDIO)
        assert failure_in(error, sandbox)["code"] == "exploded"
        assert await read(client, STUDIO) == whole_studio(sandbox)


async def test_a_caller_cannot_read_the_resources_of_another_key(era: str) -> None:
    """Directly after the owner's read: as if they did not exist."""
    async with serving() as front:
        async with subscriber_of(front, era) as owner:
            for uri in (STUDIO, STATUS, CHAT):
                assert await read(owner.client, uri)
        async with subscriber_of(front, era, key=ANOTHER_ACCOUNT_KEY) as other:
            for uri in (STUDIO, STATUS, CHAT):
                error = await refused(other.client, uri)
                assert failure_in(error, front.trax)["code"] == "not_found"
                assert error.code == not_found(era)
                assert "Friday" not in str(error)
