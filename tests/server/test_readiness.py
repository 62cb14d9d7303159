"""`GET /healthz` and `/readyz`, and what a server does between SIGTERM and the end of its drain."""

from __future__ import annotations

import asyncio
import signal
import time
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from tests.support import hanging_server
from tests.support.concurrency import Paused
from tests.support.guarded_calls import AUTO_GO_LIVE
from tests.support.product.server import VERSION
from tests.support.product.shared_clock import settled
from tests.support.resource_reads import CHAT
from tests.support.server_process import PATIENCE_SECONDS, STOP_SECONDS, Running, running
from tests.world.wire import LEGACY
from tests.world.world import Over, World, open_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LONG = "600"
"""Longer than any test: a second signal ends the drain, or the end of the last call."""
NOTICED_SECONDS = 3
"""When a proxy that asks once a second has noticed a drain."""


@asynccontextmanager
async def draining(
    seconds: str, ways: str = "form,preview"
) -> AsyncIterator[tuple[World, Running]]:
    """A world whose server is a process that drains so long, and the process."""
    opened = partial(open_world, over=Over.PROCESS, TRAX_ASK=ways)
    async with opened(TRAX_DRAIN_SECONDS=seconds) as it:
        process = it.replicas[0].process
        assert process is not None
        yield it, process


async def statuses(it: World) -> tuple[int, int]:
    """The answers of the two health checks."""
    healthy, ready = [await it.http.get(path) for path in ("/healthz", "/readyz")]
    return healthy.status_code, ready.status_code


async def begin(it: World, process: Running) -> None:
    """Send SIGTERM, and wait until the server is not ready."""
    process.process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await statuses(it) != (200, 503):
            pass


async def test_the_health_checks_are_public() -> None:
    """No token, no key, any host, and no request to TRaX."""
    async with open_world(over=Over.HTTP, TRAX_MCP_TOKEN="mine-alone") as it:  # noqa: S106  of no real server
        for path, expected in (
            ("/healthz", {"status": "ok", "version": VERSION}),
            ("/readyz", {"status": "ready"}),
        ):
            answer = await it.http.get(path, headers={"Host": "pod-17"})
            assert (answer.status_code, answer.json()) == (200, expected)
        assert it.keys == []


async def test_a_server_whose_lifespan_has_ended_ends_with_an_error() -> None:
    """It would answer every call with 500, and only a restart helps."""
    program = ("-m", "tests.support.hanging_server", hanging_server.APP)
    async with running("http", "--sandbox", "--port", "0", program=program) as server:
        assert await server.end() == 1
    assert hanging_server.BREAKS in server.stderr.text
    assert "Serving has ended, and no signal had come." in server.stderr.all[-1]


async def test_a_draining_server_is_not_ready_and_finishes_and_answers_calls() -> None:
    """It is alive, so nothing restarts it. A second signal ends it, although a call runs."""
    paused, longer, act = Paused(), Paused(), AUTO_GO_LIVE
    async with draining(LONG, "confirm_alone") as (it, process):
        assert await statuses(it) == (200, 200)
        caller = await it.wire()
        it.trax.faults.add(paused.fault, method=act.sent.partition(" ")[0])
        call = asyncio.create_task(caller.call(act.tool, **act.arguments, confirm=True))
        await paused.arrived()
        await begin(it, process)
        late = await it.wire()  # on a connection of its own
        assert not (await late.call("list_studios")).get("isError")
        assert (await it.http.get("/readyz")).json() == {"status": "draining"}
        paused.release()
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert not (await call).get("isError")
        assert it.sent == [act.sent]
        it.trax.faults.add(longer.fault, path="/v1/media")
        other_call = asyncio.create_task(late.ask("tools/call", name="list_media", arguments={}))
        await longer.arrived()
        assert await process.stop(signal.SIGTERM) == 0
        assert "shutting down" in (await other_call)["error"]["message"]
        longer.release()
    assert "Traceback" not in process.stderr.text


async def test_a_drain_ends_once_a_proxy_has_noticed_it_if_no_call_runs() -> None:
    """Sessions are served until then, and open streams hold up nothing."""
    async with draining(LONG) as (it, process), (await it.wire()).listen(CHAT) as later:
        session = await it.wire(era=LEGACY)
        async with session.stream() as earlier:
            began = time.monotonic()
            await begin(it, process)
            while time.monotonic() - began < NOTICED_SECONDS - 1:
                assert (await session.ask("prompts/list"))["result"]["prompts"]
            assert await process.end(within=STOP_SECONDS) == 0
            await settled()
    assert (earlier.ended, later.ended) == (True, True)


async def test_a_drain_lasts_as_long_as_a_call() -> None:
    """A proxy has noticed it long since."""
    paused = Paused()
    async with draining(LONG) as (it, process):
        it.trax.faults.add(paused.fault, path="/v1/media")
        caller = await it.wire()
        call = asyncio.create_task(caller.call("list_media"))
        await paused.arrived()
        began = time.monotonic()
        await begin(it, process)
        while time.monotonic() - began < NOTICED_SECONDS + 1:
            assert await statuses(it) == (200, 503)
        paused.release()
        assert not (await call).get("isError")
        assert await process.end(within=STOP_SECONDS) == 0


async def test_streams_end_with_their_final_frame_at_the_end_of_the_drain() -> None:
    """The process then ends by itself, with exit code 0."""
    seconds = 0.5
    async with draining(str(seconds)) as (it, process), (await it.wire()).listen(CHAT) as stream:
        began = time.monotonic()
        assert await process.stop(signal.SIGTERM) == 0
        assert time.monotonic() - began >= seconds
        await settled()
    assert stream.ended
    assert stream.messages[-1]["result"]["_meta"]["io.modelcontextprotocol/subscriptionId"] == 1
