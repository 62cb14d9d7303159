"""Stops reach TRaX in time, whatever others do to the server: in real time, with few files.

The server is a process of its own. Each flood is one that kept stops away once.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

import anyio
import httpx
import pytest

from tests.support.hermetic import need_open_files
from tests.support.product.faults import Fault
from tests.support.product.local_servers import NO_CERTIFICATES, Held, upstream
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.product.sandbox_accounts import ANOTHER_ACCOUNT_KEY, READONLY_KEY
from tests.support.server_process import PATIENCE_SECONDS, running
from tests.world.wire import MODERN, HttpWire, request, tool_call

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.product.sandbox import Sandbox

pytestmark = [
    pytest.mark.timing,
    pytest.mark.skipif(sys.platform == "win32", reason="files are not limited there"),
]

LATEST_SECONDS: Final = 2.5
"""A stop is on the wire by then, where a calm one takes no longer than `CALM_SECONDS`."""
CALM_SECONDS: Final = 0.1
STOP: Final = tool_call(MODERN, "go_offline", studioId="studio_42", confirm=True)
FEW_FILES: Final = 512
KIB: Final = 1024


@pytest.fixture(autouse=True)
def _short_log(caplog: pytest.LogCaptureFixture) -> None:
    """Where a flood fails, each of its connections would be told of."""
    caplog.set_level(logging.CRITICAL, "uvicorn.error")


@asynccontextmanager
async def flooded_server(
    trax: Sandbox, *, hard: int | None = None, **more: str
) -> AsyncIterator[str]:
    """A server that may open few files; if only the soft limit says so, it raises that."""
    need_open_files(4 * FEW_FILES)
    limits = f"({FEW_FILES // 2}, {hard or 'resource.getrlimit(resource.RLIMIT_NOFILE)[1]'})"
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, {limits})"
    program = ("-c", f"{limit}; from trax_mcp.cli import main; main()")
    settings = {"TRAX_BASE_URL": trax.base_url, "TRAX_CONFIRM": "flag", **more}
    async with running("http", "--port", "0", settings=settings, program=program) as server:
        yield await server.address()
        assert "Too many open files" not in server.stderr.text


def caller(address: str, stack: AsyncExitStack, key: str = "") -> HttpWire:
    """A caller on connections of its own."""
    limits = httpx.Limits(max_connections=None)
    http = httpx.AsyncClient(
        base_url=address,
        timeout=PATIENCE_SECONDS,
        limits=limits,
        trust_env=False,
        verify=NO_CERTIFICATES,
    )
    stack.push_async_callback(http.aclose)
    return HttpWire(http, MODERN, **({"x_api_key": key} if key else {}))


async def latest_stop(trax: Sandbox, address: str) -> float:
    """When a stop must have arrived: later on a machine where a calm one is slow."""
    await _stop(trax, address)  # the first one of a process is slower
    return LATEST_SECONDS * max(1.0, await _stop(trax, address) / CALM_SECONDS)


async def check_stops(trax: Sandbox, address: str, latest: float) -> None:
    """Stop three times, each time as somebody who has just come."""
    for _ in range(3):
        assert await _stop(trax, address) < latest


class Answers:
    """How many requests of a flood that goes on have been answered."""

    def __init__(self, enough: int) -> None:
        self.count = 0
        self._enough, self._came = enough, anyio.Event()

    def add(self) -> None:
        """Count one."""
        self.count += 1
        if self.count == self._enough:
            self._came.set()

    async def wait_for_enough(self) -> None:
        """Wait until the flood has begun."""
        with anyio.fail_after(PATIENCE_SECONDS):
            await self._came.wait()


async def check_stops_overtake(trax: Sandbox, address: str, flood: Answers, most: int) -> None:
    """Stop three times: `most` answers of the flood may come before each, on any machine."""
    for _ in range(3):
        before = flood.count
        await _stop(trax, address)
        assert flood.count - before <= most


async def _stop(trax: Sandbox, address: str) -> float:
    """Stop, and return the seconds until the stop reached TRaX."""
    async with AsyncExitStack() as stack, anyio.create_task_group() as tasks:
        owner, before = caller(address, stack, SANDBOX_KEY), len(stops(trax))
        began = time.monotonic()
        tasks.start_soon(owner.post, STOP)
        with anyio.fail_after(PATIENCE_SECONDS):
            while len(stops(trax)) == before:  # noqa: ASYNC110  the sandbox has no events
                await asyncio.sleep(0.01)
        seconds = time.monotonic() - began
        tasks.cancel_scope.cancel()
    return seconds


def stops(trax: Sandbox) -> list[str]:
    """The stops that have arrived."""
    return [it for it in trax.sent if it.endswith("/go-offline")]


async def test_idle_streams_of_two_keys_keep_no_stop_away() -> None:
    """600 of them, where the process may open 512 files."""
    async with (
        upstream() as trax,
        flooded_server(trax, hard=FEW_FILES) as address,
        AsyncExitStack() as stack,
    ):
        latest = await latest_stop(trax, address)
        listening = request(MODERN, "subscriptions/listen", {"notifications": {}})
        for key in (ANOTHER_ACCOUNT_KEY, READONLY_KEY):
            flooder = caller(address, stack, key)
            await flooder.call("list_studios")
            headers = flooder.all_headers(listening)
            for _ in range(300):
                stream = flooder.http.stream("POST", "/mcp", json=listening, headers=headers)
                assert (await stack.enter_async_context(stream)).status_code == 200
        await check_stops(trax, address, latest)


async def test_calls_of_a_key_that_look_like_stops_keep_no_stop_away() -> None:
    """They take the room of all. The process says that it is healthy."""
    async with (
        upstream() as trax,
        flooded_server(trax, hard=FEW_FILES) as address,
        AsyncExitStack() as stack,
        anyio.create_task_group() as flood,
    ):
        latest, waiting = await latest_stop(trax, address), 0
        flooder = caller(address, stack, READONLY_KEY)
        read = await flooder.call("wait_for_chat_messages", studioId="studio_42")
        wait = tool_call(
            MODERN,
            "wait_for_chat_messages",
            studioId="studio_42",
            after=read["structuredContent"]["cursor"],
            timeoutSeconds=50,
        )
        wait["params"]["_meta"]["x"] = "go_offline"

        async def call() -> None:
            nonlocal waiting
            waiting += 1
            with suppress(httpx.HTTPError):
                await flooder.http.post("/mcp", json=wait, headers=flooder.all_headers(wait))
            waiting -= 1

        for _ in range(FEW_FILES // 2):
            flood.start_soon(call)
        await asyncio.sleep(1)
        for path in ("/healthz", "/readyz"):
            newcomer = caller(address, stack)
            assert (await newcomer.http.get(path)).status_code == 200
        await check_stops(trax, address, latest)
        assert waiting
        flood.cancel_scope.cancel()


async def test_many_requests_without_a_key_keep_no_stop_away() -> None:
    """200 a second, each on a connection of its own, which stays open for a while."""
    async with (
        upstream() as trax,
        flooded_server(trax) as address,
        AsyncExitStack() as stack,
        anyio.create_task_group() as flood,
    ):
        refused = Answers(enough=100)

        async def ask_again_and_again() -> None:
            while True:
                stranger = caller(address, stack)
                with suppress(httpx.HTTPError):
                    await stranger.post(request(MODERN, "tools/list"))
                refused.add()
                await asyncio.sleep(0.1)

        for _ in range(20):
            flood.start_soon(ask_again_and_again)
        await refused.wait_for_enough()
        await check_stops_overtake(trax, address, refused, most=200)
        flood.cancel_scope.cancel()


@pytest.mark.parametrize("kib", [200, 31])
async def test_large_bodies_without_a_key_keep_no_stop_away(kib: int) -> None:
    """Ten a second, as hard to read as JSON can be."""
    message = tool_call(MODERN, "apply_changes", changes=[{"a": [1]}] * (kib * KIB // 12))
    async with (
        upstream() as trax,
        flooded_server(trax) as address,
        AsyncExitStack() as stack,
        anyio.create_task_group() as flood,
    ):
        refused = Answers(enough=2)

        async def post_again_and_again() -> None:
            stranger = caller(address, stack)
            while True:
                with suppress(httpx.HTTPError):
                    await stranger.post(message)
                refused.add()
                await asyncio.sleep(0.1)

        for _ in range(2):
            flood.start_soon(post_again_and_again)
        await refused.wait_for_enough()
        await check_stops_overtake(trax, address, refused, most=10)
        flood.cancel_scope.cancel()


async def test_the_calls_of_many_keys_leave_files_for_a_stop() -> None:
    """50 keys look at a studio, with several reads for each look, which TRaX does not answer."""
    look = tool_call(MODERN, "check_studio", studioId="studio_43")
    held, keys = Held(), [f"sk_live_sandbox_bot_{number}" for number in range(50)]
    async with (
        upstream() as trax,
        flooded_server(trax, hard=FEW_FILES) as address,
        AsyncExitStack() as stack,
        anyio.create_task_group() as flood,
    ):
        trax.faults.add(held.fault, times=None, path="/v1/studios/studio_43*")
        bots = [caller(address, stack, key) for key in keys]
        for key, bot in zip(keys, bots, strict=True):
            trax.add_key(key)
            await bot.call("list_studios")
        for bot in bots * 4:
            flood.start_soon(bot.post, look)
        await held.arrived()
        # None of the held reads ends before, however long this machine takes.
        await check_stops(trax, address, PATIENCE_SECONDS)
        held.release()
        flood.cancel_scope.cancel()


async def test_a_herd_of_good_keys_after_a_restart_is_served() -> None:
    """300 at once, each for the first time, at a TRaX that takes a while."""
    async with upstream() as trax, flooded_server(trax) as address, AsyncExitStack() as stack:
        trax.faults.add(Fault.delay(0.3), times=None)
        callers = []
        for number in range(300):
            trax.add_key(key := f"sk_live_sandbox_herd_{number}")
            callers.append(caller(address, stack, key))
        answers = await asyncio.gather(*(it.call("list_studios") for it in callers))
        assert not any(it.get("isError") for it in answers)
