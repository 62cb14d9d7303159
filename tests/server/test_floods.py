"""Stops reach TRaX in time, whatever others do to the server: in real time, with few files.

The server is a process of its own. Each flood is one that kept stops away once.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import anyio
import httpx
import pytest

from tests.support.hermetic import need_open_files
from tests.support.product.faults import Fault
from tests.support.product.local_servers import NO_CERTIFICATES, Held, upstream
from tests.support.product.sandbox_accounts import ANOTHER_ACCOUNT_KEY, READONLY_KEY
from tests.support.server_process import PATIENCE_SECONDS, running
from tests.world.wire import MODERN, HttpWire, Message, request, tool_call
from tests.world.world import MINE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from anyio.abc import TaskGroup

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


@dataclass
class Flooded:
    """A server that may open few files, its TRaX, and the tasks of the flood."""

    trax: Sandbox
    address: str
    tasks: TaskGroup
    _stack: AsyncExitStack
    answered: int = 0
    """How many posts of the flood have been."""

    def caller(self, key: str = "") -> HttpWire:
        """A caller on connections of its own."""
        http = httpx.AsyncClient(
            base_url=self.address,
            timeout=PATIENCE_SECONDS,
            limits=httpx.Limits(max_connections=None),
            trust_env=False,
            verify=NO_CERTIFICATES,
        )
        self._stack.push_async_callback(http.aclose)
        return HttpWire(http, MODERN, x_api_key=key)

    async def open_stream(self, caller: HttpWire) -> None:
        """Open a stream that stays."""
        listening = request(MODERN, "subscriptions/listen", {"notifications": {}})
        headers = caller.all_headers(listening)
        stream = caller.http.stream("POST", "/mcp", json=listening, headers=headers)
        assert (await self._stack.enter_async_context(stream)).status_code == 200

    async def post(self, caller: HttpWire, message: Message) -> None:
        """Post a message that may be refused, or find no room."""
        with suppress(httpx.HTTPError):
            await caller.post(message)
        self.answered += 1

    async def stop(self) -> float:
        """Stop as somebody who has just come; returns the seconds until it reached TRaX."""
        before = len(self._stops())
        async with anyio.create_task_group() as tasks:
            owner, began = self.caller(MINE), time.monotonic()
            tasks.start_soon(owner.post, STOP)
            with anyio.fail_after(PATIENCE_SECONDS):
                while len(self._stops()) == before:  # noqa: ASYNC110  the sandbox has no events
                    await asyncio.sleep(0.01)
            seconds = time.monotonic() - began
            tasks.cancel_scope.cancel()
        return seconds

    def _stops(self) -> list[str]:
        return [it for it in self.trax.sent if it.endswith("/go-offline")]


@asynccontextmanager
async def flooded(*, raises_limit: bool = True, **more: str) -> AsyncIterator[Flooded]:
    """Start it, with more settings. If only its soft limit of files is low, it raises that."""
    need_open_files(4 * FEW_FILES)
    hard = "resource.getrlimit(resource.RLIMIT_NOFILE)[1]" if raises_limit else FEW_FILES
    limit = f"resource.setrlimit(resource.RLIMIT_NOFILE, ({FEW_FILES // 2}, {hard}))"
    program = ("-c", f"import resource; {limit}; from trax_mcp.cli import main; main()")
    async with upstream() as trax:
        settings = {"TRAX_BASE_URL": trax.base_url, "TRAX_ASK": "confirm_alone", **more}
        async with (
            running("http", "--port", "0", settings=settings, program=program) as server,
            AsyncExitStack() as stack,
            anyio.create_task_group() as tasks,
        ):
            yield Flooded(trax, await server.address(), tasks, stack)
            tasks.cancel_scope.cancel()
        assert "Too many open files" not in server.stderr.text


async def idle_streams_of_two_keys(it: Flooded) -> None:
    """600 of them, where the process may open 512 files."""
    for key in (ANOTHER_ACCOUNT_KEY, READONLY_KEY):
        flooder = it.caller(key)
        await flooder.call("list_studios")
        for _ in range(300):
            await it.open_stream(flooder)


async def calls_of_a_key_that_look_like_stops(it: Flooded) -> None:
    """They take the room of all. The process says that it is healthy."""
    flooder, tool, studio = it.caller(READONLY_KEY), "wait_for_chat_messages", "studio_42"
    cursor = (await flooder.call(tool, studioId=studio))["structuredContent"]["cursor"]
    wait = tool_call(MODERN, tool, studioId=studio, after=cursor, timeoutSeconds=50)
    wait["params"]["_meta"]["x"] = "go_offline"
    for _ in range(FEW_FILES // 2):
        it.tasks.start_soon(it.post, flooder, wait)
    await asyncio.sleep(1)
    for path in ("/healthz", "/readyz"):
        assert (await it.caller().http.get(path)).status_code == 200


async def many_requests_without_a_key(it: Flooded) -> None:
    """200 a second, each on a connection of its own, which stays open for a while."""
    await _again_and_again(it, 20, request(MODERN, "tools/list"), until=100)


async def large_bodies_without_a_key(it: Flooded) -> None:
    """Twenty a second, as hard to read as JSON can be."""
    changes = [{"a": [1]}] * (31 * KIB // 12)
    await _again_and_again(it, 2, tool_call(MODERN, "apply_changes", changes=changes), until=2)


async def _again_and_again(it: Flooded, people: int, message: Message, *, until: int) -> None:
    many = asyncio.Event()

    async def ask() -> None:
        while True:
            await it.post(it.caller(), message)
            if it.answered >= until:
                many.set()
            await asyncio.sleep(0.1)

    for _ in range(people):
        it.tasks.start_soon(ask)
    with anyio.fail_after(PATIENCE_SECONDS):
        await many.wait()


async def calls_of_many_keys(it: Flooded) -> None:
    """50 keys look at a studio, with several reads for each look, which TRaX does not answer."""
    held, bots = Held(), []
    it.trax.faults.add(held.fault, times=None, path="/v1/studios/studio_43*")
    for number in range(50):
        it.trax.add_key(key := f"sk_live_sandbox_bot_{number}")
        bots.append(it.caller(key))
        await bots[-1].call("list_studios")
    look = tool_call(MODERN, "check_studio", studioId="studio_43")
    for bot in bots * 4:
        it.tasks.start_soon(it.post, bot, look)
    await held.arrived()


@dataclass(frozen=True)
class Flood:
    """A flood, and whether the server may raise its limit of files.

    With `most`, so many answers of the flood may come before each stop, on any machine. Otherwise
    the stop has its time, which is longer where a calm one is slow.
    """

    begin: Callable[[Flooded], Awaitable[None]]
    raises_limit: bool = False
    most: int | None = None


FLOODS: Final = (
    Flood(idle_streams_of_two_keys),
    Flood(calls_of_a_key_that_look_like_stops),
    Flood(calls_of_many_keys, most=200),
    Flood(many_requests_without_a_key, raises_limit=True, most=200),
    Flood(large_bodies_without_a_key, raises_limit=True, most=10),
)


@pytest.mark.parametrize("flood", FLOODS, ids=lambda it: it.begin.__name__)
async def test_a_flood_keeps_no_stop_away(flood: Flood) -> None:
    async with flooded(raises_limit=flood.raises_limit) as it:
        await it.stop()  # the first one of a process is slower
        latest = LATEST_SECONDS * max(1.0, await it.stop() / CALM_SECONDS)
        await flood.begin(it)
        for _ in range(3):
            before, seconds = it.answered, await it.stop()
            if flood.most is None:
                assert seconds < latest
            else:
                assert it.answered - before <= flood.most


async def test_a_herd_of_good_keys_after_a_restart_is_served() -> None:
    """300 at once, each for the first time, at a TRaX that takes a while, on any machine."""
    async with flooded(TRAX_TIMEOUT_SECONDS="60") as it:
        it.trax.faults.add(Fault.delay(0.3), times=None)
        callers = []
        for number in range(300):
            it.trax.add_key(key := f"sk_live_sandbox_herd_{number}")
            callers.append(it.caller(key))
        answers = await asyncio.gather(*(caller.call("list_studios") for caller in callers))
        assert not any(answer.get("isError") for answer in answers)
