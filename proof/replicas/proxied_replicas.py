"""Two replicas behind a real HAProxy, with the configuration that `deploy/` ships."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests import ROOT
from tests.support.loopback_ports import held_port
from tests.support.server_process import PATIENCE_SECONDS, Running, running
from tests.world.replica import Replica
from tests.world.world import Over, World, open_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from proof.replicas.throwaway_engine import ThrowawayEngine

_DRAIN_SECONDS: Final = "30"
"""As in `deploy/`. A drain ends with its calls."""
CONFIGURATION: Final = ROOT / "deploy/haproxy.cfg"
_PAUSE_SECONDS: Final = 0.02


@dataclass
class Proxied:
    """A world whose first address is that of the proxy; the replicas are at 1 and 2.

    Each keeps its port when it starts again.
    """

    it: World
    proxy: Running
    replicas: AsyncExitStack

    async def start(self, at: int) -> None:
        """Start the replica, and wait until it is ready."""
        replica = self.it.replicas[at]
        port = replica.address.rpartition(":")[2]
        replica.process = await self.replicas.enter_async_context(
            running("http", "--port", port, settings=self.it.settings)
        )
        await replica.process.address()
        await self._until_seen(at, "UP")

    async def drain(self, at: int) -> None:
        """Let the replica drain, until the proxy notices."""
        process = self.it.replicas[at].process
        assert process is not None
        process.process.send_signal(signal.SIGTERM)
        await self._until_seen(at, "DOWN")

    async def end(self, at: int) -> None:
        """Wait until the replica, which drains, has ended."""
        process = self.it.replicas[at].process
        assert process is not None
        assert await process.end() == 0

    async def _until_seen(self, at: int, state: str) -> None:
        """Wait until the proxy has logged this as the last of a replica."""
        said = re.compile(rf"replica-{at} is (\w+)")
        async with asyncio.timeout(PATIENCE_SECONDS):
            while said.findall(self.proxy.stdout.text)[-1:] != [state]:  # noqa: ASYNC110  as above
                await asyncio.sleep(_PAUSE_SECONDS)


@asynccontextmanager
async def proxied_replicas(engine: ThrowawayEngine) -> AsyncIterator[Proxied]:
    """Start everything, and end it with the block."""
    with held_port() as first, held_port() as second:
        names = (f"127.0.0.1:{first}", f"127.0.0.1:{second}")
        async with (
            open_world(
                over=Over.PROCESS,
                replicas=0,
                engine=engine.url,
                TRAX_DRAIN_SECONDS=_DRAIN_SECONDS,
            ) as it,
            AsyncExitStack() as replicas,
            shipped_proxy(*names) as (address, proxy),
        ):
            it.replicas += [
                Replica(address=url) for url in (address, *(f"http://{n}" for n in names))
            ]
            proxied = Proxied(it, proxy, replicas)
            for at in (1, 2):
                await proxied.start(at)
            yield proxied


@asynccontextmanager
async def shipped_proxy(
    first: str, second: str, *, configuration: Path = CONFIGURATION, **variables: str
) -> AsyncIterator[tuple[str, Running]]:
    """HAProxy before two replicas, on a free port; yields its address and its process.

    `variables` are those that its configuration names.
    """
    program = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program, "there is no HAProxy: see `make proof PART=replicas`"
    with held_port() as port, held_port() as metrics:
        places = {"PROXY_BIND": f"127.0.0.1:{port}", "PROXY_METRICS": f"127.0.0.1:{metrics}"}
        process = await asyncio.create_subprocess_exec(
            program,
            *("-db", "-f", str(configuration)),
            env=os.environ | places | {"REPLICA_1": first, "REPLICA_2": second} | variables,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        proxy = Running(process)
        try:
            await _wait_for_port(port)
            scheme = "https" if "PROXY_CERTIFICATE" in variables else "http"
            yield f"{scheme}://127.0.0.1:{port}", proxy
        finally:
            await proxy.leave()


async def _wait_for_port(port: int) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(_PAUSE_SECONDS)
