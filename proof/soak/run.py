"""The run: servers and a TRaX are started, shows played, and after each all is counted at rest.

Between two shows lies a night, longer than anything is kept: what is left then is left for ever.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import anyio

from proof.soak.guest import Tally
from proof.soak.http import HttpGuest
from proof.soak.pipe import PipeGuest
from proof.soak.server import PROGRAM, Server, SoakError, started
from proof.soak.show import SHOW_SECONDS, Show, wake
from proof.soak.stage import Stage, upstream
from tests.jsonrpc import ERAS, MODERN
from tests.media import MP4
from trax_mcp.sandbox import SANDBOX_KEY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from proof.soak.census import Census

PACE: Final = 10.0
"""How many times as fast all clocks go. More, and the machine has no time for what must happen."""

NAMES: Final = ("HTTP", "stdio 2025", "stdio 2026")

_NIGHT_SECONDS: Final = 31 * 60.0
"""The SDK holds the session of a client that has vanished for half an hour; nothing is held longer.

Source: `mcp.server.streamable_http_manager.DEFAULT_SESSION_IDLE_TIMEOUT`.
"""

_MOMENT_SECONDS: Final = 60.0
"""After it no idle connection to TRaX is used again."""

_REAL_SECONDS_A_SHOW: Final = 20.0
_REAL_SECONDS_BESIDE: Final = 60.0
_TIMEOUT: Final = {"TRAX_TIMEOUT_SECONDS": "60"}
"""Of their time. A slow machine is no trouble of TRaX's."""


@dataclass(frozen=True)
class Row:
    """How things stood after a show: what was done so far, and what each process held."""

    shows: int
    calls: int
    subscribers: int
    counts: tuple[Census, ...]

    @property
    def minutes(self) -> float:
        """Minutes of shows so far."""
        return self.shows * SHOW_SECONDS / 60


@dataclass
class Run:
    """All that takes part in it. `kept` is the most tasks that a show left behind for a while."""

    stage: Stage
    servers: Sequence[Server]
    residents: Sequence[PipeGuest]
    address: str
    clip: str
    tally: Tally = field(default_factory=Tally)
    kept: int = 0

    async def shows(self, number: int) -> AsyncIterator[Row]:
        """Play so many after a first one, which is a rehearsal; what was there after each.

        Raises:
            SoakError: something is not as it must be. It may come in an exception group.
        """
        counts: tuple[Census, ...] | None = None
        for shows in range(number + 1):
            await self._play()
            await self._sleep_over_it()
            counts = await self._count(counts)
            yield Row(shows, self.tally.calls, self.tally.subscribers, counts)

    async def _play(self) -> None:
        show = Show(self.address, self.stage, self.tally, PACE, self.residents, self.clip)
        await show.play()
        self.stage.clear()
        self.kept = max(self.kept, (await self.servers[0].count()).running)

    async def _sleep_over_it(self) -> None:
        await self._leap(_NIGHT_SECONDS)
        async with HttpGuest(self.address, MODERN, SANDBOX_KEY, self.tally) as early:
            guests = (early, *self.residents)
            for guest in guests:
                await wake(guest)
            await self._leap(_MOMENT_SECONDS)
            for guest in guests:  # one request alone: it finds the others' connections expired
                await guest.tool("get_health")

    async def _leap(self, seconds: float) -> None:
        self.stage.leap(seconds)
        for server in self.servers:
            await server.leap(seconds)
        await self._count(None)

    async def _count(self, before: Sequence[Census] | None) -> tuple[Census, ...]:
        """What each holds once it is at rest, which is as before where that is known."""
        counting = [
            server.count_at_rest(before[place] if before else None)
            for place, server in enumerate(self.servers)
        ]
        return tuple(await asyncio.gather(*counting))


@asynccontextmanager
async def running(*, shows: int, program: str = PROGRAM) -> AsyncIterator[Run]:
    """Have everything at hand for so many shows, and leave nothing of it behind.

    `program` is the module that each server is.

    Raises:
        SoakError: it takes too long, or a server does not end well.
    """
    limit = (shows + 1) * _REAL_SECONDS_A_SHOW + _REAL_SECONDS_BESIDE
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
    stage = await stack.enter_async_context(upstream(PACE))
    trax = {
        "TRAX_BASE_URL": stage.address,
        "TRAX_AUDIT_LOG": str(folder / "audit.jsonl"),
        **_TIMEOUT,
    }
    own = {**trax, "TRAX_API_KEY": SANDBOX_KEY, "TRAX_MEDIA_DIRS": str(folder)}
    front = await stack.enter_async_context(
        started(NAMES[0], "http", "--port", "0", pace=PACE, settings=trax, program=program)
    )
    servers, residents, tally = [front], [], Tally()
    for name, era in zip(NAMES[1:], ERAS, strict=True):
        server = await stack.enter_async_context(
            started(name, pace=PACE, settings=own, program=program)
        )
        servers.append(server)
        residents.append(await stack.enter_async_context(PipeGuest(server, era, tally)))
    for server in servers:
        stack.push_async_callback(server.end)
    return Run(stage, servers, residents, await front.address(), clip.name, tally)
