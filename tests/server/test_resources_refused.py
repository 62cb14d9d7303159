"""Resources that cannot be read: every failure is a protocol error, with the words of the tool."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import mcp_types as types
import pytest

from tests.conftest import call
from tests.support.product.faults import Fault
from tests.support.product.sandbox import SANDBOX_KEY, SCOPES
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

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp.server import Server

    from tests.support.product.sandbox import Sandbox
    from tests.support.product.server import Product

FAULTS: Final = (
    Fault.error(404, "not_found"),
    Fault.error(429, "rate_limited", Retry_After="7"),
    Fault.status(503, "<html>"),
    Fault.dropped(),
)

MISSING_SCOPES: Final[dict[str, tuple[set[str], dict[str, str]]]] = {
    "studios:read": ({STUDIOS, STUDIO}, {}),
    "stream:read": ({STATUS}, {"status": "whether the studio is live"}),
    "destinations:read": (set(), {"destinations": "the destinations"}),
    "sources:read": (set(), {"sources": "the sources"}),
    "chat:read": ({CHAT}, {}),
}
"""A missing scope -> URIs that cannot be read, and the studio's parts that are unknown."""


@pytest.mark.parametrize("fault", FAULTS, ids=lambda it: it.name)
async def test_a_resource_fails_like_its_tool(
    server: Server[Any], sandbox: Sandbox, fault: Fault
) -> None:
    """Even if the resource reads more than the tool."""
    sandbox.faults.add(fault, times=None)
    async with client_of(server) as client:
        for uri, tool_call in READ_WITH.items():
            tool = await call(server, *tool_call)
            expected = ours((tool.structured_content or {})["error"], sandbox)
            error = await refused(client, uri)
            assert failure_in(error, sandbox) == expected
            assert error.code == (not_found() if fault is FAULTS[0] else types.INTERNAL_ERROR)


@pytest.mark.parametrize("status", [{}, {"live": "perhaps"}], ids=str)
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
    open_product: Callable[..., Product], sandbox: Sandbox
) -> None:
    """The error says where to get one, and TRaX gets no request."""
    async with client_of(open_product().server(None)) as client:
        errors = [await refused(client, uri) for uri in READ_WITH]
    codes = [(it.code, failure_in(it, sandbox)["code"]) for it in errors]
    assert codes == [(types.INTERNAL_ERROR, "no_key")] * len(READ_WITH)
    assert all("TRAX_API_KEY" in it.message for it in errors)
    assert list(sandbox.requests) == []


async def test_a_failure_never_repeats_a_key(server: Server[Any], sandbox: Sandbox) -> None:
    """Even if TRaX does, or the protocol wants the URI back that holds one."""
    message = f"What is {SANDBOX_KEY}?"
    sandbox.faults.add(Fault.error(400, "invalid_request", message), times=None)
    async with client_of(server) as client:
        for uri in READ_WITH:
            error = await refused(client, uri)
            assert 'TRaX says: "What is [secret]?"' in error.message
            assert SANDBOX_KEY not in str(error)
        error = await refused(client, f"trax://{SANDBOX_KEY}")
    assert error.data == {"uri": "trax://[key]"}


@pytest.mark.parametrize("scope", MISSING_SCOPES)
async def test_a_missing_scope_refuses_the_resource_or_makes_a_part_unknown(
    open_product: Callable[..., Product], sandbox: Sandbox, scope: str
) -> None:
    """A studio's part is null with a reason; the resource itself fails and names the scope."""
    forbidden, parts = MISSING_SCOPES[scope]
    sandbox.add_key("sk_live_narrow", scopes=SCOPES - {scope})
    async with client_of(open_product().server("sk_live_narrow")) as client:
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


async def test_a_caller_cannot_read_the_resources_of_another_key(
    open_product: Callable[..., Product], sandbox: Sandbox, era: str
) -> None:
    """Directly after the owner's read: as if they did not exist, in the words of each era."""
    product = open_product()
    async with (
        client_of(product.server(), era) as owner,
        client_of(product.server(ANOTHER_ACCOUNT_KEY), era) as other,
    ):
        for uri in (STUDIO, STATUS, CHAT):
            assert await read(owner, uri)
            error = await refused(other, uri)
            assert failure_in(error, sandbox)["code"] == "not_found"
            assert error.code == not_found(era)
            assert "Friday" not in str(error)
