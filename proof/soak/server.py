"""A hasty `trax-mcp` as a process, seen from outside: it is asked what it holds, and ended.

Every wait is bounded. Nothing here knows what is said to it as an MCP server.
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

from bench.processes import clean_environment
from proof.soak.census import Census
from proof.soak.hasty import LINK, PACE
from tests import ROOT

PipeT = TypeVar("PipeT")

PATIENCE_SECONDS: Final = 20.0
"""Of the machine's time, for anything that must come."""

PROGRAM: Final = "proof.soak.hasty"

_REST_SECONDS: Final = 5.0
_PAUSE_SECONDS: Final = 0.05
_LONGEST_LINE: Final = 8 << 20
_LAST_WORDS: Final = 40
_FAULTS: Final = ("ERROR", "CRITICAL", "Traceback")


class SoakError(Exception):
    """The soak cannot go on; the text says what was seen instead."""


class Server:
    """One process. `name` is what it is called before people."""

    def __init__(self, name: str, process: Process, link: socket.socket) -> None:
        self.name = name
        self.process = process
        self.errors: deque[str] = deque(maxlen=_LAST_WORDS)
        """What it said on stderr at last."""
        self.failures: list[str] = []
        """What it said there of faults of its own."""
        self._link = link
        self._address = ""
        self._has_said = asyncio.Event()
        self._heard = asyncio.create_task(self._hear())

    async def address(self) -> str:
        """Where it says that it listens, without the path."""
        async with self._patience("does not listen"):
            await self._has_said.wait()
        if not self._address:
            raise self._trouble("has ended")
        return self._address

    async def leap(self, seconds: float) -> None:
        """Let so much of its time be gone."""
        await self._ask({"leap": seconds})

    async def count(self) -> Census:
        """What it holds now."""
        return Census(**await self._ask({"count": True}))

    async def count_at_rest(self, expected: Census | None) -> Census:
        """What it holds once that is no more than expected, or will not become less.

        Without an expectation, once it does not change any more.
        """
        until = asyncio.get_running_loop().time() + _REST_SECONDS
        before = await self.count()
        while asyncio.get_running_loop().time() < until:
            await asyncio.sleep(_PAUSE_SECONDS)
            now = await self.count()
            if _whole(now) == _whole(expected or before):
                return now
            before = now
        return before

    async def end(self) -> None:
        """End it as a host does.

        Raises:
            SoakError: it does not end, or not well.
        """
        if self.process.stdin is not None:
            self.process.stdin.close()
        else:
            self.process.send_signal(signal.SIGTERM)
        async with self._patience("does not end"):
            code = await self.process.wait()
            await self._heard
        if code:
            raise self._trouble(f"ended with {code}")

    async def leave(self) -> None:
        """Make sure that it has ended and that nothing of it is left open."""
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        await self._heard
        self._link.close()

    async def _ask(self, word: Mapping[str, Any]) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        async with self._patience("does not say what it holds"):
            await loop.sock_sendall(self._link, json.dumps(word).encode())
            told = b""
            while not told.endswith(b"\n"):
                chunk = await loop.sock_recv(self._link, 1 << 20)
                if not chunk:
                    raise self._trouble("has ended")
                told += chunk
        answer: dict[str, Any] = json.loads(told)
        return answer

    async def _hear(self) -> None:
        """Read all that it says on stderr, or it would stand still once the pipe is full."""
        stderr = piped(self.process.stderr)
        while line := (await stderr.readline()).decode(errors="replace"):
            self.errors.append(line.rstrip())
            if line.startswith(_FAULTS) and len(self.failures) < _LAST_WORDS:
                self.failures.append(f"it said: {line.rstrip()}")
            _, here, address = line.rstrip().partition("listening on ")
            if here:
                self._address = address.removesuffix("/mcp")
                self._has_said.set()
        self._has_said.set()

    @asynccontextmanager
    async def _patience(self, what: str) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                yield
        except (TimeoutError, OSError):
            raise self._trouble(what) from None

    def _trouble(self, what: str) -> SoakError:
        return SoakError("\n".join([f"{self.name} {what}", *self.errors]))


def piped(pipe: PipeT | None) -> PipeT:
    """A pipe of a process that was started with it.

    Raises:
        SoakError: it was not.
    """
    if pipe is None:
        raise SoakError("a process was started without pipes")
    return pipe


def _whole(census: Census) -> tuple[int, int]:
    return census.open_files, census.running


@asynccontextmanager
async def started(
    name: str,
    *arguments: str,
    pace: float,
    settings: Mapping[str, str],
    program: str = PROGRAM,
) -> AsyncIterator[Server]:
    """Run it with these arguments and settings, and see to it that it ends."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)  # noqa: FBT003  as the standard library has it
    hasty = {PACE: str(pace), LINK: str(theirs.fileno())}
    stdio: Sequence[int] = (DEVNULL, DEVNULL) if "http" in arguments else (PIPE, PIPE)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", program, *arguments),
        stdin=stdio[0],
        stdout=stdio[1],
        stderr=PIPE,
        pass_fds=[theirs.fileno()],
        limit=_LONGEST_LINE,
        env={**clean_environment(), **settings, **hasty, "TRAX_LOG_LEVEL": "WARNING"},
        cwd=ROOT,
        start_new_session=True,
    )
    theirs.close()
    server = Server(name, process, ours)
    try:
        yield server
    except Exception as error:
        error.add_note(f"{name} said at last: {' '.join(server.errors) or 'nothing'}")
        raise
    finally:
        await server.leave()
