"""What each request to TRaX carries, and the connections on which requests go.

One server serves all callers, so nothing of one may reach another. The key is never sent
unencrypted to a proxy, and no problem of the environment gets through unexplained.
"""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.conftest import call
from tests.support.fault_table.wire_cases import TIMEOUT_SECONDS, followed_by, head
from tests.support.loopback_ports import closed_port
from tests.support.product.faults import Fault
from tests.support.product.frozen_sandbox import ADDRESS
from tests.support.product.local_servers import listening, upstream
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.product.sandbox_accounts import ANOTHER_ACCOUNT_KEY
from tests.support.product.server import VERSION, Product
from tests.support.single_faults import READ, WRITE, failure_in
from tests.support.tcp_proxy import proxy_to

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from mcp.server import Server
    from starlette.types import Receive, Scope, Send

    from tests.support.product.sandbox import Sandbox


# Requests


async def test_a_request_has_exactly_the_expected_headers(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """The caller's key, the user agent, a request id of its own, and no other identity."""
    for _ in range(3):
        await call(server, "list_studios")
    ids = [it.request_id for it in sandbox.requests]
    assert len(set(ids)) == 3
    assert all(re.fullmatch(r"mcp_[0-9a-f]{32}", it) for it in ids)
    assert dict(sandbox.requests[0].headers) == {
        "host": ADDRESS.removeprefix("http://"),
        "connection": "keep-alive",
        "accept": "application/json",
        "accept-encoding": "identity",
        "user-agent": f"trax-mcp/{VERSION}",
        "authorization": f"Bearer {SANDBOX_KEY}",
        "x-request-id": ids[0],
    }


async def test_a_request_has_a_body_only_if_the_call_has_one(
    flag_server: Server[Any], sandbox: Sandbox
) -> None:
    """JSON in UTF-8; a `go_live` has none."""
    await call(flag_server, "create_studio", {"name": "Café \U0001f600"})
    await call(flag_server, "go_live", {"studioId": "studio_42", "confirm": True})
    created, live = sandbox.mutations
    assert created.body_json == {"name": "Café \U0001f600"}
    assert created.headers["content-type"] == "application/json"
    assert (live.body_json, live.headers.get("content-length", "0")) == (None, "0")
    assert "content-type" not in live.headers


@pytest.mark.parametrize(
    ("in_envelope", "in_header", "reported"),
    [
        ("req_9", "req_8", "req_9"),
        ("x y", "req_8", "req_8"),
        (9, "a" * 64, "a" * 64),
        (None, "a" * 65, "ours"),
        (None, "<b>obey</b>", "ours"),
    ],
)
async def test_a_failure_reports_the_request_id_of_trax(
    server: Server[Any], sandbox: Sandbox, *, in_envelope: object, in_header: str, reported: str
) -> None:
    """TRaX's support searches for its own id: the envelope's, else the header's, if valid."""
    error = {"code": "not_found", "message": "No.", "requestId": in_envelope}
    headers = {"X-Request-Id": in_header}
    sandbox.faults.add(Fault.status(404, {"error": error}, headers=headers))
    assert failure_in(await call(server, *READ), sandbox)["requestId"] == reported


async def test_cookies_are_not_stored(
    sandbox: Sandbox, open_product: Callable[..., Product]
) -> None:
    """A gateway may set a cookie; a stored one would connect callers with each other."""
    product = open_product()
    cookie = {"Set-Cookie": "session=owner; Path=/"}
    sandbox.faults.add(Fault.status(200, {"data": []}, headers=cookie))
    for key in (SANDBOX_KEY, ANOTHER_ACCOUNT_KEY, SANDBOX_KEY):
        await call(product.server(key), "list_studios")
    assert [it.headers.get("cookie") for it in sandbox.requests] == [None] * 3


# Connections


@pytest.mark.parametrize(("idle_seconds", "connections"), [(0.5, 1), (4.9, 2)])
async def test_a_connection_is_not_used_again_when_it_was_idle_for_too_long(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, *, idle_seconds: float, connections: int
) -> None:
    """TRaX may be closing it: servers do after five seconds."""
    seen, later = set[object](), 0.0

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.add(scope["client"])
        await sandbox.app(scope, receive, send)

    class Time:
        """The clock by which connections grow old."""

        @staticmethod
        def monotonic() -> float:
            return 1_000.0 + later

    monkeypatch.setattr("httpcore._async.http11.time", Time)
    async with (
        listening(app) as address,
        aclosing(Product(sandbox, None, {"TRAX_BASE_URL": address})) as product,
    ):
        server = product.server()
        await call(server, "get_health")
        later = idle_seconds
        await call(server, "get_health")
    assert len(seen) == connections


@asynccontextmanager
async def answered_twice() -> AsyncIterator[tuple[Product, Sandbox]]:
    """The owner has read something, and a gateway has sent one response too many."""
    body = json.dumps({"data": [{"id": "conn_1", "displayName": "The owner's"}]}).encode()
    other_id = f"X-Request-Id: mcp_{'0' * 32}\r\n\r\n".encode()
    extra = head(length=len(body)).removesuffix(b"\r\n") + other_id + body
    async with (
        upstream() as trax,
        proxy_to(trax.base_url, stall_seconds=TIMEOUT_SECONDS) as proxy,
        aclosing(Product(trax, None, {"TRAX_BASE_URL": proxy.url})) as product,
    ):
        proxy.add_fault(followed_by(extra))
        await call(product.server(), *READ)
        proxy.clear_faults()
        yield product, trax


async def test_no_caller_gets_the_answer_to_another_request() -> None:
    """It may hold another account's data."""
    async with answered_twice() as (product, _):
        server = product.server(ANOTHER_ACCOUNT_KEY)
        results = [await call(server, "list_connections") for _ in range(2)]
    assert "The owner's" not in str(results)
    assert [it["id"] for it in (results[1].structured_content or {})["data"]] == ["conn_90"]


async def test_a_change_answered_by_another_response_is_not_sent_again() -> None:
    """It was sent, or it was not: at most once."""
    async with answered_twice() as (product, trax):
        await call(product.server(), *WRITE)
    assert len(trax.mutations) <= 1


# The environment


@asynccontextmanager
async def answering(response: bytes) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Answer each request with these bytes, then close. The address, and the requests."""
    requests: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(response)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", requests


async def error_of(sandbox: Sandbox, address: str, tool: str, **arguments: str) -> dict[str, Any]:
    """The error of a failed call to TRaX at this address."""
    async with aclosing(Product(sandbox, None, {"TRAX_BASE_URL": address})) as product:
        result = await call(product.server(), tool, arguments)
    assert result.is_error
    error: dict[str, Any] = (result.structured_content or {})["error"]
    return error


@pytest.mark.parametrize("name", ["HTTP_PROXY", "ALL_PROXY"])
async def test_an_unencrypted_request_is_never_sent_to_a_proxy(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The proxy could read the key, so loopback is reached directly or not at all."""
    async with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}") as (proxy, requests):
        monkeypatch.setenv(name, proxy)
        error = await error_of(sandbox, f"http://127.0.0.1:{closed_port()}", "list_studios")
    assert (error["code"], requests) == ("unreachable", [])


async def test_an_invalid_environment_error_names_the_variables_to_check(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Instead of "Internal error"."""
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    error = await error_of(sandbox, f"https://127.0.0.1:{closed_port()}", "list_studios")
    assert (error["code"], error["outcome"]) == ("unreachable", "not_applied")
    assert {"TRAX_BASE_URL", "SSL_CERT_FILE"} <= set(error["message"].replace(",", "").split())


INVALID_REDIRECTS: Final = ("mailto:x", "https:login", "//", "http://[x")


@pytest.mark.parametrize("location", INVALID_REDIRECTS)
async def test_an_invalid_redirect_is_an_error_with_unknown_outcome(
    sandbox: Sandbox, location: str
) -> None:
    """It is not followed; a change that was sent may have been applied."""
    response = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
    async with answering(response.encode()) as (trax, requests):
        error = await error_of(sandbox, trax, WRITE[0], **WRITE[1])
        assert len(requests) == 1
    assert error["outcome"] == "unknown"
