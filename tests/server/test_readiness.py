"""`GET /healthz` and `/readyz`, and what a server does between SIGTERM and the end of its drain."""

from __future__ import annotations

import asyncio
import signal
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.support import hanging_server
from tests.support.concurrency import Paused
from tests.support.event_streams import listen_stream
from tests.support.guarded_calls import AUTO_GO_LIVE
from tests.support.product.local_servers import upstream
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.product.server import VERSION
from tests.support.product.shared_clock import settled
from tests.support.served_app import plain_http, serving
from tests.support.server_process import PATIENCE_SECONDS, Running, running
from tests.support.subscribers import CHAT
from tests.world.wire import LEGACY, MODERN, HttpWire, tool_call

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from tests.support.product.sandbox import Sandbox

LONG = "600"
"""Longer than any test: a second signal ends the drain."""


@dataclass(frozen=True)
class Draining:
    """A server process that SIGTERM lets go on, and its sandbox."""

    trax: Sandbox
    server: Running
    http: httpx.AsyncClient
    caller: HttpWire

    async def statuses(self) -> tuple[int, int]:
        """The answers of the two health checks."""
        healthy, ready = [await self.http.get(it) for it in ("/healthz", "/readyz")]
        return healthy.status_code, ready.status_code

    async def begin(self, number: int = signal.SIGTERM) -> None:
        """Send a signal, and wait until the server is not ready."""
        self.server.process.send_signal(number)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await self.statuses() != (200, 503):
                pass


@asynccontextmanager
async def draining(seconds: str) -> AsyncIterator[Draining]:
    """Start a server with this setting."""
    async with upstream() as trax:
        settings = {"TRAX_BASE_URL": trax.base_url, "TRAX_DRAIN_SECONDS": seconds}
        async with (
            running("http", "--port", "0", settings=settings) as server,
            plain_http(await server.address()) as http,
        ):
            caller = HttpWire(http, MODERN, x_api_key=SANDBOX_KEY)
            yield Draining(trax, server, http, caller)


async def test_the_health_checks_are_public() -> None:
    """No token, no key, any host, and no request to TRaX."""
    async with serving(TRAX_MCP_TOKEN="mine-alone") as front:  # noqa: S106  of no real server
        for path, expected in (
            ("/healthz", {"status": "ok", "version": VERSION}),
            ("/readyz", {"status": "ready"}),
        ):
            answer = await front.http.get(path, headers={"Host": "pod-17"})
            assert (answer.status_code, answer.json()) == (200, expected)
    assert front.keys == []


async def test_a_server_whose_lifespan_has_ended_is_not_healthy() -> None:
    """It answers everything else with 500, and only a restart helps."""
    program = ("-m", "tests.support.hanging_server", hanging_server.APP)
    async with (
        running("http", "--sandbox", "--port", "0", program=program) as server,
        plain_http(await server.address()) as http,
    ):
        await server.stderr.match(hanging_server.BREAKS)
        answer = await http.get("/healthz")
        assert answer.status_code == 503
        assert answer.json() == {
            "status": "broken",
            "ended": "the lifespan of the server",
            "version": VERSION,
        }
        assert await server.stop(signal.SIGTERM) == 0


async def test_a_draining_server_is_not_ready_and_finishes_and_answers_calls() -> None:
    """It is alive, so nothing restarts it. A second signal ends it."""
    paused, act = Paused(), AUTO_GO_LIVE
    async with draining(LONG) as it:
        assert await it.statuses() == (200, 200)
        shown = await it.caller.call(act.tool, **act.arguments)
        evidence = {"confirm": True, "confirmation": shown["structuredContent"]["confirmation"]}
        it.trax.faults.add(paused.fault, method=act.sent.partition(" ")[0])
        call = asyncio.create_task(it.caller.call(act.tool, **act.arguments, **evidence))
        await paused.arrived()
        await it.begin()
        async with plain_http(await it.server.address()) as http:
            late = HttpWire(http, MODERN, x_api_key=SANDBOX_KEY)
            assert not (await late.call("list_studios")).get("isError")
        assert (await it.http.get("/readyz")).json() == {"status": "draining"}
        paused.release()
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert not (await call).get("isError")
        assert it.trax.sent == [act.sent]
        assert await it.server.stop(signal.SIGTERM) == 0
    assert "Traceback" not in it.server.stderr.text


async def test_sighup_begins_a_drain_too() -> None:
    """Hosts send it to a service that shall read its configuration again."""
    async with draining(LONG) as it:
        assert await it.statuses() == (200, 200)  # it serves, so it handles signals
        await it.begin(signal.SIGHUP)
        assert not (await it.caller.call("list_studios")).get("isError")
        assert await it.server.stop(signal.SIGTERM) == 0


@pytest.mark.timing
async def test_a_drain_ends_idle_sessions_in_its_second_half_and_ends_with_the_calls() -> None:
    """A client that only listens learns by 404 that it must open another session."""
    seconds, paused, longer = 6.0, Paused(), Paused()
    async with draining(str(seconds)) as it:
        listener = HttpWire(it.http, LEGACY, x_api_key=SANDBOX_KEY)
        busy = HttpWire(it.http, LEGACY, x_api_key=SANDBOX_KEY)
        for session in (listener, busy):
            await session.open()
        it.trax.faults.add(paused.fault, path="/v1/media")
        it.trax.faults.add(longer.fault, path="/v1/connections")
        async with it.http.stream("GET", "/mcp", headers=listener.all_headers()) as stream:
            call = asyncio.create_task(busy.call("list_media"))
            other_call = asyncio.create_task(it.caller.call("list_connections"))
            await paused.arrived()
            await longer.arrived()
            began = time.monotonic()
            await it.begin()
            assert (await listener.post(tool_call(LEGACY, "get_health"))).status_code == 200
            await stream.aread()
        assert time.monotonic() - began >= seconds / 2
        assert (await listener.post(tool_call(LEGACY, "get_health"))).status_code == 404
        assert not call.done()
        paused.release()
        assert not (await call).get("isError")
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (await busy.post(tool_call(LEGACY, "get_health"))).status_code != 404:
                pass
        longer.release()
        assert not (await other_call).get("isError")
        assert await it.server.end() == 0
        assert time.monotonic() - began < seconds


async def test_streams_end_with_their_final_frame_at_the_end_of_the_drain() -> None:
    """The process then ends by itself, with exit code 0, as soon as no call runs."""
    seconds = 0.5
    async with draining(str(seconds)) as it, listen_stream(it.caller, CHAT) as stream:
        began = time.monotonic()
        assert await it.server.stop(signal.SIGTERM) == 0
        assert time.monotonic() - began >= seconds / 2
        await settled()
    assert stream.ended
    assert stream.messages[-1]["result"]["_meta"]["io.modelcontextprotocol/subscriptionId"] == 1
