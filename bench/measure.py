"""Measures two servers in turn, so that a slow moment of the machine affects both.

A figure is taken from the server's process alone, so that client and upstream do not thin it out.
"""

from __future__ import annotations

import re
import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any, Final, Protocol

from tests.support.http_clients import plain_http
from tests.support.server_process import running
from tests.world.wire import HttpWire, StdioWire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from tests.support.server_process import Running

OURS: Final = ("-m", "trax_mcp")
BARE: Final = ("-m", "bench.bare_server")
UPSTREAM: Final = ("-m", "bench.upstream")

KEY: Final = "sk_live_of_the_bench"


class Wire(Protocol):
    """A client of either transport."""

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:  # noqa: ANN401  any JSON
        """Send a request and return the answer."""

    async def call(self, tool: str, **arguments: object) -> dict[str, Any]:
        """Call a tool and return its result."""


@dataclass(frozen=True, slots=True)
class Served:
    """A server's process, and a client of it."""

    server: Running
    wire: Wire

    async def call(self) -> None:
        """Make the call that is measured.

        Raises:
            RuntimeError: the answer is not the studio.
        """
        result = await self.wire.call("get_studio", studioId="studio_42")
        if result.get("structuredContent", {}).get("ownerSub") != "owner_of_the_bench":
            raise RuntimeError(f"a call was answered {result}")

    def cpu_ms(self) -> float:
        """The CPU time of the process so far."""
        # The clock that clock_getcpuclockid(3) gives.
        return time.clock_gettime(~self.server.process.pid << 3 | 2) * 1000

    def resident_mib(self) -> float:
        """Its resident memory."""
        path = Path(f"/proc/{self.server.process.pid}/status")
        found = re.search(r"VmRSS:\s+(\d+)", path.read_text(encoding="utf-8"))
        return int(found[1]) / 1024 if found else 0.0


@dataclass(frozen=True, slots=True)
class Pairs:
    """One figure of two servers; those with one index were taken one after the other."""

    ours: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """The median of the ratios of the pairs."""
        return median(self._ratios)

    @property
    def spread(self) -> float:
        """Half of the range in which the middle half of the ratios is."""
        low, _, high = quantiles(self._ratios, method="inclusive")
        return (high - low) / 2

    @property
    def _ratios(self) -> list[float]:
        return [ours / bare for ours, bare in zip(self.ours, self.bare, strict=True)]


async def in_turn(
    ours: Callable[[], Awaitable[Mapping[str, float]]],
    bare: Callable[[], Awaitable[Mapping[str, float]]],
    *,
    times: int,
) -> dict[str, Pairs]:
    """Take the same figures of two servers, several times."""
    pairs: dict[str, Pairs] = {}
    for _ in range(times):
        for name, figure in (await ours()).items():
            pairs.setdefault(name, Pairs()).ours.append(figure)
        for name, figure in (await bare()).items():
            pairs[name].bare.append(figure)
    return pairs


@asynccontextmanager
async def upstream() -> AsyncIterator[str]:
    """The address of a fast TRaX in a process of its own."""
    async with running(program=UPSTREAM) as process:
        yield await process.address()


@asynccontextmanager
async def served(
    program: tuple[str, ...],
    trax: str,
    era: str,
    *arguments: str,
    headers: Mapping[str, str] | None = None,
    **settings: str,
) -> AsyncIterator[Served]:
    """Start a server over stdio, or with the argument `http` over HTTP, and a client of it."""
    settings = {"TRAX_BASE_URL": trax, "TRAX_API_KEY": KEY, **settings}
    port = ("--port", "0") if arguments and program == OURS and "--port" not in arguments else ()
    async with AsyncExitStack() as stack:
        started = running(*arguments, *port, settings=settings, program=program)
        server = await stack.enter_async_context(started)
        if not arguments:
            stdio = StdioWire(server, era, {})
            await stdio.open()
            yield Served(server, stdio)
            return
        http = await stack.enter_async_context(plain_http(await server.address()))
        wire = HttpWire(http, era)
        wire.headers = dict(headers or {"x-api-key": KEY})
        await wire.open()
        yield Served(server, wire)


async def start(program: tuple[str, ...], trax: str, era: str) -> dict[str, float]:
    """Measure a start over stdio, to the first list of tools, and the memory then."""
    began = time.perf_counter()
    async with served(program, trax, era) as it:
        await it.wire.ask("tools/list")
        wall = (time.perf_counter() - began) * 1000
        figures = {"wall ms": wall, "CPU ms": it.cpu_ms(), "MiB": it.resident_mib()}
        await it.call()
        return {**figures, "MiB after a call": it.resident_mib()}


async def calls(it: Served, count: int) -> dict[str, float]:
    """Measure a call, as the mean of so many."""
    cpu, began = it.cpu_ms(), time.perf_counter()
    for _ in range(count):
        await it.call()
    wall = (time.perf_counter() - began) * 1000
    return {"CPU ms": (it.cpu_ms() - cpu) / count, "wall ms": wall / count}
