"""Scripted faults of the sandbox, in process and on a real socket.

Each test checks what the caller sees, and whether the operation ran.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING

import anyio
import httpx
import pytest
import uvicorn
from anyio import lowlevel

from tests.support.faults import Fault
from tests.support.frozen_sandbox import STUDIO, connected, still
from tests.support.recorded_sandbox import Sandbox
from trax_mcp.sandbox import SANDBOX_KEY

if TYPE_CHECKING:
    from tests.support.faults import When

STATUS = f"{STUDIO}/stream-status"
GO_LIVE = f"{STUDIO}/go-live"


@asynccontextmanager
async def on_socket(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the sandbox on a real server."""
    config = uvicorn.Config(sandbox.app, log_config=None, lifespan="off", ws="none")
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            headers = {"X-API-Key": SANDBOX_KEY}
            async with httpx.AsyncClient(base_url=url, headers=headers, timeout=5) as client:
                yield client
        finally:
            server.should_exit = True
            await asyncio.wait_for(serving, timeout=5)


@asynccontextmanager
async def in_process(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the sandbox without a socket."""
    async with connected(sandbox) as client:
        yield client


Connect = Callable[[Sandbox], AbstractAsyncContextManager[httpx.AsyncClient]]

both_transports = pytest.mark.parametrize("connect", [in_process, on_socket])


@both_transports
@pytest.mark.parametrize("when", ["before", "after"])
async def test_dropped_connection_is_a_transport_error(connect: Connect, when: When) -> None:
    """No byte arrives. The studio goes live only with `after`."""
    sandbox = still()
    sandbox.faults.add(Fault.dropped(when=when))
    async with connect(sandbox) as client:
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            await client.post(GO_LIVE)
        assert (await client.get("/v1/health")).status_code == 200
    assert bool(sandbox.world.streams) is (when == "after")
    assert [received.path for received in sandbox.mutations] == [GO_LIVE]


@both_transports
async def test_incomplete_response_is_a_protocol_error(connect: Connect) -> None:
    """The body is shorter than its announced length; the operation ran."""
    sandbox = still()
    sandbox.faults.add(Fault.broken_off(keep=5))
    async with connect(sandbox) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.post(GO_LIVE)
    assert sandbox.world.streams


@both_transports
async def test_missing_response_is_a_timeout(connect: Connect) -> None:
    """The caller's read timeout applies without a socket too; the operation ran."""
    sandbox, released = still(), anyio.Event()
    sandbox.faults.add(Fault.delay(released, when="after"))
    async with connect(sandbox) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.post(GO_LIVE, timeout=0.05)
        released.set()
    assert sandbox.world.streams


async def test_silence_fault_does_not_run_the_operation() -> None:
    """The request arrives and is held."""
    sandbox = still()
    sandbox.faults.add(Fault.silence())
    async with connected(sandbox) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.post(GO_LIVE, timeout=0.01)
    assert not sandbox.world.streams
    assert len(sandbox.requests) == 1


async def test_delay_ends_when_its_event_is_set() -> None:
    """The operation runs after that."""
    sandbox, released = still(), anyio.Event()
    sandbox.faults.add(Fault.delay(released))
    async with connected(sandbox) as client:
        request = asyncio.create_task(client.post(GO_LIVE))
        with anyio.fail_after(2):
            while not sandbox.requests:
                await lowlevel.checkpoint()
        assert not sandbox.world.streams
        released.set()
        assert (await asyncio.wait_for(request, timeout=2)).status_code == 200


async def test_delay_in_seconds_ends_by_itself() -> None:
    """The response is the usual one."""
    sandbox = still()
    sandbox.faults.add(Fault.delay(0.001))
    async with connected(sandbox) as client:
        assert (await client.get(STATUS)).status_code == 200


@pytest.mark.parametrize(
    ("fault", "status", "content_type", "body"),
    [
        (Fault.status(502, "<html>", content_type="text/html"), 502, "text/html", b"<html>"),
        (Fault.status(500), 500, "application/json", b""),
        (Fault.status(200, {"odd": 1}), 200, "application/json", b'{"odd":1}'),
    ],
)
async def test_scripted_status_and_body_are_sent_unchanged(
    fault: Fault, status: int, content_type: str, body: bytes
) -> None:
    """HTML, an empty body or JSON; the operation does not run."""
    sandbox = still()
    sandbox.faults.add(fault)
    async with connected(sandbox) as client:
        response = await client.post(GO_LIVE)
    assert (response.status_code, response.content) == (status, body)
    assert response.headers.get_list("Content-Type") == [content_type]
    assert not sandbox.world.streams


async def test_scripted_status_after_the_operation_hides_its_success() -> None:
    """As from a gateway with a time-out."""
    sandbox = still()
    sandbox.faults.add(Fault.status(504, when="after"))
    async with connected(sandbox) as client:
        assert (await client.post(GO_LIVE)).status_code == 504
    assert sandbox.world.streams


async def test_scripted_error_has_the_usual_envelope() -> None:
    """With any code, and with headers."""
    sandbox = still()
    sandbox.faults.add(Fault.error(409, "studio_busy", Retry_After="1"))
    async with connected(sandbox) as client:
        response = await client.post(GO_LIVE, headers={"X-Request-Id": "mine"})
    error = {"code": "studio_busy", "message": "Scripted.", "requestId": "mine"}
    assert response.json() == {"error": error}
    assert response.headers["Retry-After"] == "1"


async def test_truncated_body_is_valid_http_and_invalid_json() -> None:
    """The length header is right; the operation ran."""
    sandbox = still()
    sandbox.faults.add(Fault.truncated(keep=7))
    async with connected(sandbox) as client:
        response = await client.post(GO_LIVE)
    assert (response.status_code, len(response.content)) == (200, 7)
    with pytest.raises(json.JSONDecodeError):
        response.json()
    assert sandbox.world.streams


async def test_responses_can_get_extra_fields_and_enum_values() -> None:
    """As TRaX may add both; extra fields appear in a page and in each item."""
    sandbox = still()
    sandbox.faults.add(Fault.extra({"colour": "blue"}), times=2)
    sandbox.faults.add(Fault.patched(lambda studio: studio.update(role="COHOST")))
    async with connected(sandbox) as client:
        extended = (await client.get(STUDIO)).json()
        page = (await client.get("/v1/studios")).json()
        patched = (await client.get(STUDIO)).json()
        plain = (await client.get(STUDIO)).json()
    assert extended == {**plain, "colour": "blue"}
    assert page["colour"] == "blue"
    assert {item["colour"] for item in page["data"]} == {"blue"}
    assert patched == {**plain, "role": "COHOST"}


async def test_faults_apply_to_matching_requests_in_order() -> None:
    """They match by method and path, and apply a limited number of times."""
    sandbox = still()
    sandbox.faults.add(Fault.status(500), method="POST", path="/v1/studios/*/go-live")
    sandbox.faults.add(Fault.status(502), path="/v1/studios", times=2)
    sandbox.faults.add(Fault.status(504), path="/v1/studios")
    async with connected(sandbox) as client:
        statuses = [(await client.get("/v1/studios")).status_code for _ in range(4)]
        assert statuses == [502, 502, 504, 200]
        assert sandbox.faults.pending == 1
        assert (await client.get(STATUS)).status_code == 200
        assert (await client.post(GO_LIVE)).status_code == 500
        assert sandbox.faults.pending == 0


async def test_fault_without_a_limit_applies_until_it_is_cleared() -> None:
    """With `times=None`."""
    sandbox = still()
    sandbox.faults.add(Fault.status(500), times=None)
    async with connected(sandbox) as client:
        assert [(await client.get(STATUS)).status_code for _ in range(3)] == [500] * 3
        sandbox.faults.clear()
        assert (await client.get(STATUS)).status_code == 200


async def test_errors_and_uploads_work_over_a_socket() -> None:
    """As they do in process."""
    sandbox = still()
    async with on_socket(sandbox) as client:
        sandbox.base_url = str(client.base_url).rstrip("/")
        body = {"filename": "a.png", "contentType": "image/png", "byteSize": 3_000_000}
        upload = (await client.post("/v1/media", json=body)).json()
        assert (await client.put(upload["uploadUrl"], content=bytes(3_000_000))).status_code == 200
        sandbox.clock.advance(2)
        assert sandbox.world.library.assets[upload["assetId"]].status_at(sandbox.clock.now()) == (
            "READY"
        )
        absent = await client.get("/v1/studios/a%2Fb")
        assert absent.json()["error"]["code"] == "not_found"
