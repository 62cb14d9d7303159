"""Scripted trouble strikes as it was scripted, in process and on a real socket alike.

What matters of each fault is what the caller sees, and whether the act behind it happened.
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

from tests.witness import STUDIO, connected, still
from trax_mcp.sandbox import SANDBOX_KEY, Fault, Sandbox

if TYPE_CHECKING:
    from trax_mcp.sandbox.faults import When

STATUS = f"{STUDIO}/stream-status"
GO_LIVE = f"{STUDIO}/go-live"


@asynccontextmanager
async def on_a_socket(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    """The sandbox behind a real server, and a client of it; stopped at the end."""
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
    """The same client without a socket."""
    async with connected(sandbox) as client:
        yield client


Reach = Callable[[Sandbox], AbstractAsyncContextManager[httpx.AsyncClient]]

both_ways = pytest.mark.parametrize("reach", [in_process, on_a_socket])


@both_ways
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_dropped_connection_is_a_transport_error(reach: Reach, when: When) -> None:
    """Not a byte arrives; `before` nothing happened, `after` the studio goes live unheard."""
    sandbox = still()
    sandbox.faults.add(Fault.dropped(when=when))
    async with reach(sandbox) as client:
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            await client.post(GO_LIVE)
        assert (await client.get("/v1/health")).status_code == 200
    assert bool(sandbox.world.streams) is (when == "after")
    assert [received.path for received in sandbox.mutations] == [GO_LIVE]


@both_ways
async def test_an_answer_that_breaks_off_is_a_protocol_error(reach: Reach) -> None:
    """The headers announce more than ever comes; the act has happened."""
    sandbox = still()
    sandbox.faults.add(Fault.broken_off(keep=5))
    async with reach(sandbox) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.post(GO_LIVE)
    assert sandbox.world.streams


@both_ways
async def test_an_answer_that_never_comes_is_a_timeout(reach: Reach) -> None:
    """The caller's own read timeout ends the wait, without a socket too."""
    sandbox, released = still(), anyio.Event()
    sandbox.faults.add(Fault.delay(released, when="after"))
    async with reach(sandbox) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.post(GO_LIVE, timeout=0.05)
        released.set()
    assert sandbox.world.streams


async def test_silence_before_the_act_leaves_everything_as_it_was() -> None:
    """A request that is held forever has arrived and has done nothing."""
    sandbox = still()
    sandbox.faults.add(Fault.silence())
    async with connected(sandbox) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.post(GO_LIVE, timeout=0.01)
    assert not sandbox.world.streams
    assert len(sandbox.requests) == 1


async def test_a_delay_ends_when_the_test_says_so() -> None:
    """The request waits for the event, then is answered as ever."""
    sandbox, released = still(), anyio.Event()
    sandbox.faults.add(Fault.delay(released))
    async with connected(sandbox) as client:
        asking = asyncio.create_task(client.post(GO_LIVE))
        with anyio.fail_after(2):
            while not sandbox.requests:
                await lowlevel.checkpoint()
        assert not sandbox.world.streams
        released.set()
        assert (await asyncio.wait_for(asking, timeout=2)).status_code == 200


async def test_a_short_delay_in_seconds_passes_by_itself() -> None:
    """For demonstrations at a person's pace."""
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
async def test_a_scripted_status_is_sent_exactly(
    fault: Fault, status: int, content_type: str, body: bytes
) -> None:
    """HTML, nothing at all, or any JSON; the act behind it does not happen."""
    sandbox = still()
    sandbox.faults.add(fault)
    async with connected(sandbox) as client:
        response = await client.post(GO_LIVE)
    assert (response.status_code, response.content) == (status, body)
    assert response.headers.get_list("Content-Type") == [content_type]
    assert not sandbox.world.streams


async def test_a_scripted_status_may_hide_an_act_that_happened() -> None:
    """A gateway that gives up after the work was done."""
    sandbox = still()
    sandbox.faults.add(Fault.status(504, when="after"))
    async with connected(sandbox) as client:
        assert (await client.post(GO_LIVE)).status_code == 504
    assert sandbox.world.streams


async def test_an_unknown_code_comes_in_the_known_envelope() -> None:
    """Codes are an open set; headers come along."""
    sandbox = still()
    sandbox.faults.add(Fault.error(409, "studio_busy", Retry_After="1"))
    async with connected(sandbox) as client:
        response = await client.post(GO_LIVE, headers={"X-Request-Id": "mine"})
    error = {"code": "studio_busy", "message": "Scripted.", "requestId": "mine"}
    assert response.json() == {"error": error}
    assert response.headers["Retry-After"] == "1"


async def test_a_truncated_body_is_whole_as_http_and_broken_as_json() -> None:
    """The length is right, the JSON is cut, the act happened."""
    sandbox = still()
    sandbox.faults.add(Fault.truncated(keep=7))
    async with connected(sandbox) as client:
        response = await client.post(GO_LIVE)
    assert (response.status_code, len(response.content)) == (200, 7)
    with pytest.raises(json.JSONDecodeError):
        response.json()
    assert sandbox.world.streams


async def test_answers_can_grow_fields_and_enum_values() -> None:
    """TRaX may add both at any time; lists grow in the page and in each item."""
    sandbox = still()
    sandbox.faults.add(Fault.extra({"colour": "blue"}), times=2)
    sandbox.faults.add(Fault.patched(lambda studio: studio.update(role="COHOST")))
    async with connected(sandbox) as client:
        one = (await client.get(STUDIO)).json()
        page = (await client.get("/v1/studios")).json()
        patched = (await client.get(STUDIO)).json()
        plain = (await client.get(STUDIO)).json()
    assert one == {**plain, "colour": "blue"}
    assert page["colour"] == "blue"
    assert {item["colour"] for item in page["data"]} == {"blue"}
    assert patched == {**plain, "role": "COHOST"}


async def test_faults_strike_those_they_are_meant_for_in_order() -> None:
    """Narrowed by method and path, so many times, then no more."""
    sandbox = still()
    sandbox.faults.add(Fault.status(500), method="POST", path="/v1/studios/*/go-live")
    sandbox.faults.add(Fault.status(502), path="/v1/studios", times=2)
    sandbox.faults.add(Fault.status(504), path="/v1/studios")
    async with connected(sandbox) as client:
        seen = [(await client.get("/v1/studios")).status_code for _ in range(4)]
        assert seen == [502, 502, 504, 200]
        assert sandbox.faults.pending == 1
        assert (await client.get(STATUS)).status_code == 200
        assert (await client.post(GO_LIVE)).status_code == 500
        assert sandbox.faults.pending == 0


async def test_a_lasting_fault_strikes_until_it_is_cleared() -> None:
    """`times=None` is from now on."""
    sandbox = still()
    sandbox.faults.add(Fault.status(500), times=None)
    async with connected(sandbox) as client:
        assert [(await client.get(STATUS)).status_code for _ in range(3)] == [500] * 3
        sandbox.faults.clear()
        assert (await client.get(STATUS)).status_code == 200


async def test_a_socket_carries_the_same_world() -> None:
    """Over HTTP, errors and uploads are as they are in process."""
    sandbox = still()
    async with on_a_socket(sandbox) as client:
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
