"""Runs the soak test: starts the servers and the sandbox, runs shows, counts resources after each.

After a show, time skips ahead until everything that expires has expired; the rest is a leak.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import anyio

from proof.soak.http_soak_client import HttpSoakClient
from proof.soak.server_process import PROGRAM, Server, SoakError, start_server
from proof.soak.show import SHOW_SECONDS, Show, call_after_pause
from proof.soak.soak_client import Totals
from proof.soak.soak_upstream import SoakUpstream, serve_upstream
from proof.soak.stdio_soak_client import StdioSoakClient
from tests.support.jsonrpc import ERAS, MODERN
from tests.support.media_samples import MP4
from trax_mcp.sandbox import SANDBOX_KEY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from proof.soak.resource_count import ResourceCount

PACE: Final = 10.0
"""The factor of all clocks. With a higher one, slow machines miss time-outs."""

NAMES: Final = ("HTTP", "stdio 2025", "stdio 2026")

_EXPIRY_SECONDS: Final = 31 * 60.0
"""The SDK keeps an idle session for half an hour; nothing is kept longer.

Source: `mcp.server.streamable_http_manager.DEFAULT_SESSION_IDLE_TIMEOUT`.
"""

_IDLE_CONNECTION_SECONDS: Final = 60.0
"""After this time no idle connection to TRaX is reused."""

_REAL_SECONDS_PER_SHOW: Final = 20.0
_REAL_SECONDS_OVERHEAD: Final = 60.0
_TIMEOUT: Final = {"TRAX_TIMEOUT_SECONDS": "60"}
"""In fast time: long, so that a slow machine causes no time-outs."""


@dataclass(frozen=True)
class Row:
    """The totals and the resources of each process after a show."""

    shows: int
    calls: int
    subscribers: int
    counts: tuple[ResourceCount, ...]

    @property
    def minutes(self) -> float:
        """Minutes of shows so far."""
        return self.shows * SHOW_SECONDS / 60


@dataclass
class Run:
    """The parts of the run. `kept` is the highest number of tasks right after a show."""

    upstream: SoakUpstream
    servers: Sequence[Server]
    stdio_clients: Sequence[StdioSoakClient]
    address: str
    clip: str
    totals: Totals = field(default_factory=Totals)
    kept: int = 0

    async def shows(self, number: int) -> AsyncIterator[Row]:
        """Run a warm-up show and then `number` shows; yields a row after each.

        Raises:
            SoakError: something is not as expected. It may be in an exception group.
        """
        counts: tuple[ResourceCount, ...] | None = None
        for shows in range(number + 1):
            await self._play()
            await self._let_everything_expire()
            counts = await self._count(counts)
            yield Row(shows, self.totals.calls, self.totals.subscribers, counts)

    async def _play(self) -> None:
        show = Show(self.address, self.upstream, self.totals, PACE, self.stdio_clients, self.clip)
        await show.play()
        self.upstream.restore()
        self.kept = max(self.kept, (await self.servers[0].count()).task_count)

    async def _let_everything_expire(self) -> None:
        await self._skip(_EXPIRY_SECONDS)
        async with HttpSoakClient(self.address, MODERN, SANDBOX_KEY, self.totals) as http_client:
            clients = (http_client, *self.stdio_clients)
            for client in clients:
                await call_after_pause(client)
            await self._skip(_IDLE_CONNECTION_SECONDS)
            for client in clients:  # a single request, which closes expired connections
                await client.call("get_health")

    async def _skip(self, seconds: float) -> None:
        self.upstream.skip(seconds)
        for server in self.servers:
            await server.skip(seconds)
        await self._count(None)

    async def _count(self, before: Sequence[ResourceCount] | None) -> tuple[ResourceCount, ...]:
        """The resources of each server at rest."""
        pending = [
            server.count_at_rest(before[index] if before else None)
            for index, server in enumerate(self.servers)
        ]
        return tuple(await asyncio.gather(*pending))


@asynccontextmanager
async def start_run(*, shows: int, program: str = PROGRAM) -> AsyncIterator[Run]:
    """Start everything for a number of shows, and end it with the block.

    `program` is the module of each server.

    Raises:
        SoakError: it takes too long, or a server ends with an error.
    """
    limit = (shows + 1) * _REAL_SECONDS_PER_SHOW + _REAL_SECONDS_OVERHEAD
    try:
        with anyio.fail_after(limit):
            async with AsyncExitStack() as stack:
                yield await _set_up(stack, program)
    except TimeoutError:
        raise SoakError(f"it has taken more than {limit:.0f} s") from None


async def _set_up(stack: AsyncExitStack, program: str) -> Run:
    folder = Path(stack.enter_context(TemporaryDirectory(prefix="trax-soak-")))
    clip = folder / "clip.mp4"
    clip.write_bytes(MP4)
    upstream = await stack.enter_async_context(serve_upstream(PACE))
    trax = {
        "TRAX_BASE_URL": upstream.address,
        "TRAX_AUDIT_LOG": str(folder / "audit.jsonl"),
        **_TIMEOUT,
    }
    own_settings = {**trax, "TRAX_API_KEY": SANDBOX_KEY, "TRAX_MEDIA_DIRS": str(folder)}
    http_server = await stack.enter_async_context(
        start_server(NAMES[0], "http", "--port", "0", pace=PACE, settings=trax, program=program)
    )
    servers, stdio_clients, totals = [http_server], [], Totals()
    for name, era in zip(NAMES[1:], ERAS, strict=True):
        server = await stack.enter_async_context(
            start_server(name, pace=PACE, settings=own_settings, program=program)
        )
        servers.append(server)
        stdio_clients.append(await stack.enter_async_context(StdioSoakClient(server, era, totals)))
    for server in servers:
        stack.push_async_callback(server.end)
    return Run(upstream, servers, stdio_clients, await http_server.address(), clip.name, totals)
