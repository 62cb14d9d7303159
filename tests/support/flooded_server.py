"""A server in a process of its own that may open few files, and floods of requests to it."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from asyncio.subprocess import PIPE
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio
import httpx

from tests.support.hermetic import need_open_files
from tests.support.product.local_servers import NO_CERTIFICATES, upstream
from tests.support.server_process import PATIENCE_SECONDS, running
from tests.world.wire import MODERN, HttpWire, Message, request, tool_call
from tests.world.world import MINE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from anyio.abc import TaskGroup

    from tests.support.product.sandbox import Sandbox

LATEST_SECONDS: Final = 2.5
"""A stop is on the wire by then, where a calm one takes no longer than `CALM_SECONDS`."""
CALM_SECONDS: Final = 0.1
STOP: Final = tool_call(MODERN, "go_offline", studioId="studio_42", confirm=True)
FEW_FILES: Final = 512
KIB: Final = 1024
_FLOODER: Final = Path(__file__).with_name("flooder.py")


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

    async def latest(self) -> float:
        """How many seconds a stop may take here, by how long calm ones take."""
        await self.stop()  # the first one of a process is slower
        return LATEST_SECONDS * max(1.0, await self.stop() / CALM_SECONDS)

    async def stop(self, key: str = MINE) -> float:
        """Stop as somebody who has just come; returns the seconds until it reached TRaX."""
        before = self._stops(key)
        async with anyio.create_task_group() as tasks:
            owner, began = self.caller(key), time.monotonic()
            tasks.start_soon(owner.post, STOP)
            with anyio.fail_after(PATIENCE_SECONDS):
                while self._stops(key) == before:  # noqa: ASYNC110  the sandbox has no events
                    await asyncio.sleep(0.01)
            seconds = time.monotonic() - began
            tasks.cancel_scope.cancel()
        return seconds

    def _stops(self, key: str) -> int:
        """How many stops with this key have reached TRaX."""
        return sum(
            it.path.endswith("/go-offline") and it.headers["authorization"] == f"Bearer {key}"
            for it in self.trax.requests
        )


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


@asynccontextmanager
async def flooding(
    it: Flooded, message: Message, connections: int, key: str = ""
) -> AsyncIterator[None]:
    """Post a message again and again from another process, on so many connections at once.

    Each is posted with this key, or else with an invented one. The block begins when as many have
    been answered as there are connections.
    """
    headers = it.caller().all_headers(message) | {"content-type": "application/json"}
    flooder = await asyncio.create_subprocess_exec(
        sys.executable, str(_FLOODER), it.address, str(connections), key, stdin=PIPE, stdout=PIPE
    )
    assert flooder.stdin is not None
    assert flooder.stdout is not None
    many = asyncio.Event()
    counting = asyncio.create_task(_count(it, flooder.stdout, connections, many))
    try:
        flooder.stdin.write(json.dumps([headers, json.dumps(message)]).encode())
        flooder.stdin.close()
        with anyio.fail_after(PATIENCE_SECONDS):
            await many.wait()
        yield
    finally:
        counting.cancel()
        flooder.kill()
        await flooder.wait()


async def _count(
    it: Flooded, answers: asyncio.StreamReader, connections: int, many: asyncio.Event
) -> None:
    """Count the answers that the flood has got."""
    while some := await answers.read(KIB):
        it.answered += len(some)
        if it.answered >= connections:
            many.set()
