"""Two hundred shows, and nothing is left of one when the next begins: no task, file or memory.

In virtual time, with a night after each show, in which everything expires. Clients leave in every
way. Their processes and sockets are real in the second test, which counts open files.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections import Counter
from contextlib import asynccontextmanager
from itertools import combinations
from statistics import median
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import anyio
import httpx
import pytest

from tests.support.product.faults import Fault
from tests.support.product.sandbox import Sandbox
from tests.support.product.virtual_time import in_virtual_time
from tests.support.server_process import PATIENCE_SECONDS
from tests.support.simulated_person import Person, silent
from tests.world.wire import ERAS, FORMS, LEGACY, HttpWire
from tests.world.world import MINE, Over, World, open_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from tests.world.caller import Caller

SHOWS: Final = 200
NIGHT_SECONDS: Final = 31 * 60.0
"""The SDK keeps an idle session for half an hour, and nothing is kept for longer."""
BLOCKS_PER_SHOW: Final = 300.0
"""Allowed growth of Python's memory blocks. A client that is not forgotten has about as many.

Two thirds are by design: a show leaves five records, and what has expired is only removed once
there are 1,024."""
WARM_UP: Final = SHOWS // 4
"""Shows in which code is imported and caches fill."""
VISITORS: Final = 50
SILENT: Final = "studio_43"
CHAT: Final = "trax://studios/studio_42/chat"
STATUS: Final = "trax://studios/studio_42/stream-status"


class Count(NamedTuple):
    """What this process holds."""

    tasks: dict[str, int]
    files: int
    blocks: int


def taken() -> Count:
    """Count after a collection of garbage."""
    gc.collect()
    coroutines = (it.get_coro() for it in asyncio.all_tasks())
    tasks = Counter(getattr(it, "__qualname__", "task") for it in coroutines)
    return Count(dict(tasks), open_files("/proc/self/fd"), sys.getallocatedblocks())


def slope(values: Sequence[float]) -> float:
    """The median of the slopes of all pairs of values, which ignores a single step (Theil-Sen)."""
    pairs = combinations(enumerate(values), 2)
    return median((later - earlier) / (b - a) for (a, earlier), (b, later) in pairs)


@pytest.mark.timeout(900)
@in_virtual_time
async def test_nothing_is_left_of_a_show() -> None:
    """Of the last three quarters, each leaves the same tasks and files, and memory is flat."""
    counts = []
    async with open_world(MINE, virtual=True) as it, alive(it.product.app()) as http:
        for number in range(SHOWS):
            await play(it, http, ERAS[number % 2], f"sk_live_sandbox_guest_{number % 10}")
            await night(it)
            counts.append(taken())
    settled = counts[WARM_UP:]
    assert [count.tasks for count in settled] == [settled[0].tasks] * len(settled)
    assert {count.files for count in settled} == {settled[0].files}
    assert slope([count.blocks for count in settled]) < BLOCKS_PER_SHOW


async def play(it: World, http: httpx.AsyncClient, era: str, key: str) -> None:
    """One show with a key of its own: on air, chat and its readers, faults, and off air."""
    it.trax.add_key(key)
    async with it.visitor(key, era=era) as host:
        await host.call("find_studio", query="Friday")
        await host.call("check_studio")
        await host.call("create_source", name="Camera", type="webcam")
        await host.confirmed("go_live")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(follow, it, era, key)
            tasks.start_soon(leave_a_wait, it, era, key)
            tasks.start_soon(leave_a_question, it, era, key)
            tasks.start_soon(meet_faults, it, host)
            tasks.start_soon(leave_http, http, era, key)
        await host.preview("delete_source", studioId=SILENT, sourceId="source_4")
        await host.confirmed("go_offline")
        assert not it.is_live
    it.trax.remove_key(key)


async def follow(it: World, era: str, key: str) -> None:
    """Read the chat as it comes, and leave with the subscription open."""
    async with it.visitor(key, era=era) as reader:
        cursor = (await reader.read(CHAT))["cursor"]
        await reader.subscribe(CHAT, STATUS)
        for number in range(20):
            it.trax.say(f"Number {number}")
            await anyio.sleep(1)
        while CHAT not in reader.updates:
            await reader.wait_for_updates(len(reader.updates) + 1)
        assert (await reader.read(CHAT, after=cursor))["messages"]


async def leave_a_wait(it: World, era: str, key: str) -> None:
    """Cancel a call that waits for chat, and disconnect during another."""
    async with it.visitor(key, era=era) as waiter:
        cursor = (await waiter.read(f"trax://studios/{SILENT}/chat"))["cursor"]
        waits = [
            waiter.start("wait_for_chat_messages", studioId=SILENT, after=cursor, timeoutSeconds=55)
            for _ in range(2)
        ]
        await anyio.sleep(5)
        await waits[0].end()


async def leave_a_question(it: World, era: str, key: str) -> None:
    """Disconnect while a form is shown."""
    person = Person()
    person.answer_with(silent)
    async with it.visitor(key, era=era, person=person) as asked:
        asked.start("delete_source", studioId=SILENT, sourceId="source_4")
        await person.asked()


async def meet_faults(it: World, host: Caller) -> None:
    """Call while TRaX fails; each call has an answer."""
    for fault in (Fault.error(500, "internal"), Fault.dropped(), Fault.truncated()):
        it.trax.faults.add(fault, method="GET", path="/v1/connections", times=1)
        await host.call("list_connections")


async def leave_http(http: httpx.AsyncClient, era: str, key: str) -> None:
    """End a session, leave one, and disconnect during a stream."""
    await (await opened(http, era, key)).call("list_studios")
    wire = await opened(http, era, key)
    with anyio.move_on_after(5):
        async with wire.stream() if era == LEGACY else wire.listen(CHAT):
            await anyio.sleep_forever()
    if era == LEGACY:
        await wire.end_session()


async def night(it: World) -> None:
    """Let everything expire, and make the calls that remove it."""
    await anyio.sleep(NIGHT_SECONDS)
    await it[MINE].call("wait_for_chat_messages", studioId=SILENT, timeoutSeconds=0)
    await it[MINE].preview("go_live")
    it.trax.reset()
    cast("Any", it.trax.requests).clear()  # which the double keeps for tests


async def opened(http: httpx.AsyncClient, era: str, key: str) -> HttpWire:
    """A client over HTTP, after its handshake."""
    wire = HttpWire(http, era, x_api_key=key)
    await wire.open(FORMS)
    return wire


@asynccontextmanager
async def alive(app: Any) -> AsyncIterator[httpx.AsyncClient]:  # noqa: ANN401  an ASGI app
    """An app as a server runs it, and a client of it without sockets."""
    messages: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    answered: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    task = asyncio.create_task(app({"type": "lifespan", "state": {}}, messages.get, answered.put))
    await messages.put({"type": "lifespan.startup"})
    assert (await answered.get())["type"] == "lifespan.startup.complete"
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
        yield http
    await messages.put({"type": "lifespan.shutdown"})
    await task


async def test_clients_that_leave_a_process_in_any_way_leave_no_file(tmp_path: Path) -> None:
    """Over real sockets: with a session that goes on, during a call, and during a stream."""
    audit = str(tmp_path / "audit.jsonl")
    async with open_world(
        over=Over.PROCESS, trax=Sandbox(rate_limit=None), TRAX_AUDIT_LOG=audit
    ) as it:
        process = it.replicas[0].process
        assert process is not None
        folder = f"/proc/{process.process.pid}/fd"
        await visit(it)
        before = open_files(folder)
        await visit(it)
        with anyio.fail_after(PATIENCE_SECONDS):
            while open_files(folder) > before:  # noqa: ASYNC110  it can only be asked
                await anyio.sleep(0.1)


def open_files(folder: str) -> int:
    """How many files the process of this folder has open."""
    return len(os.listdir(folder))  # noqa: PTH208  only the names


async def visit(it: World) -> None:
    """Let clients come and go."""
    for era in ERAS * (VISITORS // 2):
        async with it.visitor(era=era) as visitor:
            await visitor.call("list_studios")
            await visitor.subscribe(CHAT)
            visitor.start("wait_for_chat_messages", studioId=SILENT, timeoutSeconds=55)
            await visitor.call("check_studio")
