"""Starts and ends a `trax-mcp` on fast time as a process, and asks for its resources.

Every wait has a time limit.
"""

import asyncio
import json
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

from bench.measured_process import clean_environment
from proof.soak.fast_server import LINK, PACE
from proof.soak.resource_count import ResourceCount
from tests import ROOT

PipeT = TypeVar("PipeT")

TIMEOUT_SECONDS: Final = 20.0
"""In real time, for everything that must arrive."""

PROGRAM: Final = "proof.soak.fast_server"

_REST_SECONDS: Final = 5.0
_PAUSE_SECONDS: Final = 0.05
_MAX_LINE_BYTES: Final = 8 << 20
_MAX_LINES: Final = 40
_ERROR_PREFIXES: Final = ("ERROR", "CRITICAL", "Traceback")


class SoakError(Exception):
    """The soak test cannot continue; the message says why."""


class Server:
    """One process. `name` is its name in the output."""

    def __init__(self, name: str, process: Process, link: socket.socket) -> None:
        self.name = name
        self.process = process
        self.errors: deque[str] = deque(maxlen=_MAX_LINES)
        """The last lines of its stderr."""
        self.failures: list[str] = []
        """The lines of its stderr that report errors."""
        self._link = link
        self._address = ""
        self._is_listening = asyncio.Event()
        self._stderr_task = asyncio.create_task(self._read_stderr())

    async def address(self) -> str:
        """Its address, without the path."""
        async with self._time_limit("does not listen"):
            await self._is_listening.wait()
        if not self._address:
            raise self._error("has ended")
        return self._address

    async def skip(self, seconds: float) -> None:
        """Move its clock ahead."""
        await self._ask({"skip": seconds})

    async def count(self) -> ResourceCount:
        """Its resources now."""
        return ResourceCount(**await self._ask({"count": True}))

    async def count_at_rest(self, expected: ResourceCount | None) -> ResourceCount:
        """Its resources when they are as expected, or else when they no longer change."""
        deadline = asyncio.get_running_loop().time() + _REST_SECONDS
        before = await self.count()
        while asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(_PAUSE_SECONDS)
            now = await self.count()
            if _handles(now) == _handles(expected or before):
                return now
            before = now
        return before

    async def end(self) -> None:
        """End it as an MCP host does.

        Raises:
            SoakError: it does not end, or exits with an error.
        """
        if self.process.stdin is not None:
            self.process.stdin.close()
        else:
            self.process.send_signal(signal.SIGTERM)
        async with self._time_limit("does not end"):
            code = await self.process.wait()
            await self._stderr_task
        if code:
            raise self._error(f"ended with {code}")

    async def kill(self) -> None:
        """Kill it if it still runs, and close its resources."""
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        await self._stderr_task
        self._link.close()

    async def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        async with self._time_limit("does not say what it holds"):
            await loop.sock_sendall(self._link, json.dumps(request).encode())
            data = b""
            while not data.endswith(b"\n"):
                chunk = await loop.sock_recv(self._link, 1 << 20)
                if not chunk:
                    raise self._error("has ended")
                data += chunk
        answer: dict[str, Any] = json.loads(data)
        return answer

    async def _read_stderr(self) -> None:
        """Read its stderr; otherwise it would block when the pipe is full."""
        stderr = piped(self.process.stderr)
        while line := (await stderr.readline()).decode(errors="replace"):
            self.errors.append(line.rstrip())
            if line.startswith(_ERROR_PREFIXES) and len(self.failures) < _MAX_LINES:
                self.failures.append(f"it said: {line.rstrip()}")
            _, separator, address = line.rstrip().partition("listening on ")
            if separator:
                self._address = address.removesuffix("/mcp")
                self._is_listening.set()
        self._is_listening.set()

    @asynccontextmanager
    async def _time_limit(self, failure: str) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                yield
        except (TimeoutError, OSError):
            raise self._error(failure) from None

    def _error(self, failure: str) -> SoakError:
        return SoakError("\n".join([f"{self.name} {failure}", *self.errors]))


def piped(pipe: PipeT | None) -> PipeT:
    """The pipe of a process.

    Raises:
        SoakError: the process has no such pipe.
    """
    if pipe is None:
        raise SoakError("a process was started without pipes")
    return pipe


def _handles(count: ResourceCount) -> tuple[int, int]:
    return count.open_files, count.task_count


@asynccontextmanager
async def start_server(
    name: str,
    *arguments: str,
    pace: float,
    settings: Mapping[str, str],
    program: str = PROGRAM,
) -> AsyncIterator[Server]:
    """Start a process and end it with the block."""
    link, child_link = socket.socketpair()
    link.setblocking(False)  # noqa: FBT003  the standard library's signature
    fast = {PACE: str(pace), LINK: str(child_link.fileno())}
    stdio: Sequence[int] = (DEVNULL, DEVNULL) if "http" in arguments else (PIPE, PIPE)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", program, *arguments),
        stdin=stdio[0],
        stdout=stdio[1],
        stderr=PIPE,
        pass_fds=[child_link.fileno()],
        limit=_MAX_LINE_BYTES,
        env={**clean_environment(), **settings, **fast, "TRAX_LOG_LEVEL": "WARNING"},
        cwd=ROOT,
        start_new_session=True,
    )
    child_link.close()
    server = Server(name, process, link)
    try:
        yield server
    except Exception as error:
        error.add_note(f"{name} said at last: {' '.join(server.errors) or 'nothing'}")
        raise
    finally:
        await server.kill()
