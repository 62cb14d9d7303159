"""Stops reach TRaX in time, whatever others do to the server: in real time, with few files.

The server is a process of its own. Each flood is one that kept stops away once.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from tests.support.flooded_server import FEW_FILES, KIB, Flooded, flooded
from tests.support.product.faults import Fault
from tests.support.product.local_servers import Held
from tests.support.product.sandbox_accounts import ANOTHER_ACCOUNT_KEY, READONLY_KEY
from tests.support.server_process import PATIENCE_SECONDS
from tests.world.wire import MODERN, Message, request, tool_call

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

pytestmark = [
    pytest.mark.timing,
    pytest.mark.skipif(sys.platform == "win32", reason="files are not limited there"),
]


@pytest.fixture(autouse=True)
def _short_log(caplog: pytest.LogCaptureFixture) -> None:
    """Where a flood fails, each of its connections would be told of."""
    caplog.set_level(logging.CRITICAL, "uvicorn.error")


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
        latest = await it.latest()
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
