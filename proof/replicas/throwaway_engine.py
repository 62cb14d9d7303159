"""A Valkey (or Redis) of the system's packages, with the configuration that `deploy/` ships.

It listens on a unix socket of its own, and for the tests it has one more user, who may do anything.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import shutil
import signal
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from tests import ROOT
from tests.support.certificates import write_certificate
from tests.support.loopback_ports import held_port
from tests.support.server_process import PATIENCE_SECONDS

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator

_PROGRAMS: Final = ("valkey-server", "redis-server")
_PAUSE_SECONDS: Final = 0.02
_NO_END: Final = -1
_THE_END: Final = "the end of what is listened to"
PASSWORD: Final = "pass-word"  # noqa: S105  of an engine that ends with its test
_SHIPPED: Final = ROOT / "deploy/valkey.conf"
_TESTS: Final = "user tests on nopass ~* &* +@all\n"
_COMMENTED_TLS: Final = re.compile(r"^# (port 0|tls-.*)$", re.MULTILINE)


def shipped_configuration(password: str = PASSWORD) -> str:
    """The shipped file, with the hash of a password."""
    text = _SHIPPED.read_text(encoding="utf-8")
    return text.replace("#PASSWORD_SHA256", f"#{hashlib.sha256(password.encode()).hexdigest()}")


class ThrowawayEngine:
    """An engine that a test starts, kills and suspends. `url` stays the same.

    With a `tls_port`, its certificate lies in its folder.
    """

    def __init__(self, folder: Path, *, tls_port: int | None = None) -> None:
        self.folder = folder
        self.socket = folder / "engine.sock"
        self.url = f"unix://trax:{PASSWORD}@{self.socket}"
        self._process: Process | None = None
        configuration = shipped_configuration() + _TESTS
        options = ["--unixsocket", str(self.socket), "--dir", str(folder)]
        if tls_port:
            configuration = _COMMENTED_TLS.sub(r"\1", configuration)
            configuration = configuration.replace("/etc/valkey/", f"{folder}/")
            options += ["--tls-port", str(tls_port)]
            self.url = (
                f"rediss://trax:{PASSWORD}@localhost:{tls_port}?ssl_ca_certs={folder}/authority.pem"
            )
        else:
            options += ["--port", "0"]
        file = folder / "valkey.conf"
        file.write_text(configuration, encoding="utf-8")
        self._command = (str(file), *options)

    async def start(self) -> None:
        """Start it: empty, unless there is a dump in its folder."""
        program = next(filter(None, map(shutil.which, _PROGRAMS)), None)
        assert program, "there is no Valkey: see `make proof PART=replicas`"
        self._process = await asyncio.create_subprocess_exec(
            program, *self._command, stdout=asyncio.subprocess.DEVNULL
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
        """A client of the test's own, who may do anything."""
        client = Redis.from_url(f"unix://tests:any@{self.socket}")
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
            found = [name async for name in client.scan_iter(count=1000)]
            for name in tuple(found):
                if await client.type(name) == b"zset":
                    found += await client.zrange(name, 0, -1)
                else:  # not `dump`, which compresses
                    found.append(await client.get(name) or b"")
        return b"\n".join(found)

    async def names(self) -> list[str]:
        """The names of all that is in it."""
        async with self.client() as client:
            return [name.decode() async for name in client.scan_iter(count=1000)]

    async def kept_for_good(self) -> int:
        """How many entries do not end by themselves."""
        async with self.client() as client:
            names = [name async for name in client.scan_iter(count=1000)]
            return [await client.pttl(name) for name in names].count(_NO_END)

    def _signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)


async def _answers(client: Redis) -> bool:
    try:
        return bool(await client.ping())
    except (RedisError, OSError):
        return False


@asynccontextmanager
async def throwaway_engine(*, tls: bool = False) -> AsyncIterator[ThrowawayEngine]:
    """An engine that has started, and ends with the block.

    With `tls` its `url` is over TLS, with a certificate of an authority of its own.
    """
    with TemporaryDirectory(prefix="engine-") as folder, held_port() as port:
        if tls:
            write_certificate(Path(folder))
        engine = ThrowawayEngine(Path(folder), tls_port=port if tls else None)
        await engine.start()
        try:
            yield engine
        finally:
            await engine.kill()
