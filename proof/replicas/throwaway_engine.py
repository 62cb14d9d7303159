"""A Valkey (or Redis) of the system's packages, on a unix socket of its own, that keeps nothing."""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from tests.support.raw_upstream import closed_port
from tests.support.server_process import PATIENCE_SECONDS

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator, Mapping

_PROGRAMS: Final = ("valkey-server", "redis-server")
_PAUSE_SECONDS: Final = 0.02
_THE_END: Final = "the end of what is listened to"
_NEW_CERTIFICATE: Final = (
    "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost"
    " -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout key.pem -out certificate.pem"
)


class ThrowawayEngine:
    """An engine that a test starts, kills and suspends. `url` stays the same."""

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self._settings = settings or {}
        self.socket = folder / "engine.sock"
        self.url = f"unix://{self.socket}"
        self._process: Process | None = None

    async def start(self) -> None:
        """Start it: empty, unless there is a dump in its folder."""
        program = next(filter(None, map(shutil.which, _PROGRAMS)), None)
        assert program, "there is no Valkey: see `make replicas-test`"
        settings = ("--port", "0", "--unixsocket", str(self.socket), "--save", "")
        self._process = await asyncio.create_subprocess_exec(
            program,
            *settings,
            *("--appendonly", "no", "--maxmemory-policy", "noeviction", "--dir", str(self.folder)),
            *(word for name, it in self._settings.items() for word in (f"--{name}", it)),
            stdout=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(PATIENCE_SECONDS), self.client() as client:
            while not await _answers(client):  # noqa: ASYNC110  another process: it can only be asked
                await asyncio.sleep(_PAUSE_SECONDS)

    async def kill(self) -> None:
        """End it at once. It forgets everything."""
        if self._process is not None:
            self._process.kill()
            await self._process.wait()
            self._process = None

    async def restart(self) -> None:
        """Kill it, and start it again."""
        await self.kill()
        await self.start()

    def suspend(self) -> None:
        """Let it hang: connections stay open, and no command is answered."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Redis]:
        """A client of the test's own."""
        client = Redis.from_url(f"unix://{self.socket}")
        try:
            yield client
        finally:
            await client.aclose()

    @asynccontextmanager
    async def commands(self) -> AsyncIterator[list[str]]:
        """All commands that it is sent meanwhile. The list is complete after the block."""
        seen: list[str] = []
        async with self.client() as client, client.monitor() as monitor:

            async def listen() -> None:
                while _THE_END not in "".join(seen[-1:]):
                    seen.append((await monitor.next_command())["command"])

            listening = asyncio.create_task(listen())
            try:
                yield seen
                await client.get(_THE_END)
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await listening
            finally:
                listening.cancel()

    async def contents(self) -> bytes:
        """All names in it, and all values."""
        async with self.client() as client:
            names = [name async for name in client.scan_iter(count=1000)]
            values = [await client.dump(name) or b"" for name in names]
        return b"\n".join([*names, *values])

    def _signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)


async def _answers(client: Redis) -> bool:
    try:
        return bool(await client.ping())
    except (RedisError, OSError):
        return False


@asynccontextmanager
async def throwaway_engine(
    settings: Mapping[str, str] | None = None,
) -> AsyncIterator[ThrowawayEngine]:
    """An engine that has started, and ends with the block. `settings` are more of its own."""
    with TemporaryDirectory(prefix="engine-") as folder:
        engine = ThrowawayEngine(Path(folder), settings)
        await engine.start()
        try:
            yield engine
        finally:
            await engine.kill()


@asynccontextmanager
async def tls_engine() -> AsyncIterator[ThrowawayEngine]:
    """The same, and its `url` is over TLS, with a certificate of an authority of its own."""
    with TemporaryDirectory(prefix="certificate-") as folder:
        subprocess.run(_NEW_CERTIFICATE.split(), cwd=folder, check=True, capture_output=True)  # noqa: ASYNC221  nothing else runs
        port, certificate = closed_port(), f"{folder}/certificate.pem"
        settings = {
            "tls-port": str(port),
            "tls-cert-file": certificate,
            "tls-key-file": f"{folder}/key.pem",
            "tls-ca-cert-file": certificate,
            "tls-auth-clients": "no",
        }
        async with throwaway_engine(settings) as engine:
            engine.url = f"rediss://localhost:{port}?ssl_ca_certs={certificate}"
            yield engine
