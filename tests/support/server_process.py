"""The command as a real process, as an MCP client or a host starts it.

Every wait is bounded, no process outlives its test, and none inherits a setting of this machine.
"""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
from asyncio.subprocess import PIPE
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from tests import ROOT
from tests.support.hermetic import inherited_variables

if TYPE_CHECKING:
    from asyncio import StreamReader
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

FoundT = TypeVar("FoundT")

PATIENCE_SECONDS = 40
"""The timeout of every wait; only a failing test waits so long."""

STOP_SECONDS = 5
"""How long a process may take to end; an idle machine needs less than a second."""

SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""The signals that end a process."""

_MODULE = ("-m", "trax_mcp")
_MAX_LINE_BYTES = 8 << 20


class Lines:
    """The lines that a process writes to one pipe."""

    def __init__(self) -> None:
        self.all: list[str] = []
        self._ended = False
        self._news = asyncio.Event()

    async def fill(self, pipe: StreamReader) -> None:
        """Read the pipe to its end."""
        while line := await pipe.readline():
            self.all.append(line.decode())
            self._news.set()
        self._ended = True
        self._news.set()

    async def find(self, wanted: Callable[[str], FoundT | None]) -> FoundT:
        """Return the first result of `wanted` that is not None, line by line."""
        seen = 0
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                for line in self.all[seen:]:
                    if (found := wanted(line)) is not None:
                        return found
                seen = len(self.all)
                assert not self._ended, f"the pipe ended without it, after {self.all}"
                self._news.clear()
                await self._news.wait()

    async def line(self, number: int) -> str:
        """Return the line of this number, from 0."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(self.all) <= number:
                assert not self._ended, f"the pipe ended after {len(self.all)} lines"
                self._news.clear()
                await self._news.wait()
        return self.all[number]

    async def match(self, pattern: str) -> re.Match[str]:
        """Return the first match of a pattern in a line."""
        return await self.find(re.compile(pattern).search)

    @property
    def text(self) -> str:
        """All lines so far."""
        return "".join(self.all)


class Running:
    """A process with its pipes. `stdout` and `stderr` are complete once it has ended."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.stdout, self.stderr = Lines(), Lines()
        pipes = ((self.stdout, process.stdout), (self.stderr, process.stderr))
        self._readers = asyncio.gather(*(lines.fill(pipe) for lines, pipe in pipes if pipe))

    async def tell(self, *messages: Mapping[str, Any]) -> None:
        """Write JSON-RPC messages to stdin, one per line."""
        await self.write("".join(json.dumps(message) + "\n" for message in messages))

    async def write(self, text: str | bytes) -> None:
        """Write to stdin."""
        assert self.process.stdin is not None
        self.process.stdin.write(text.encode() if isinstance(text, str) else text)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self.process.stdin.drain()

    async def ask(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Write a JSON-RPC request and return the answer."""
        await self.tell(message)
        return await self.answer(message)

    async def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer to a request that was sent before."""

        def matching(line: str) -> dict[str, Any] | None:
            answer: dict[str, Any] = json.loads(line)
            return answer if answer.get("id") == request["id"] else None

        return await self.stdout.find(matching)

    async def address(self) -> str:
        """The address that it logs when it listens, without the path."""
        return (await self.stderr.match(r"listening on (http://[^/\s]+)"))[1]

    async def hang_up(self) -> int:
        """Close stdin and return the exit code."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return await self.end(within=STOP_SECONDS)

    async def finish(self) -> int:
        """Close stdin and return the exit code of a command, which may have work to do first."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return await self.end()

    async def stop(self, number: int) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return await self.end(within=STOP_SECONDS)

    async def end(self, *, within: float = PATIENCE_SECONDS) -> int:
        """Wait for the end, for some seconds, and return the exit code."""
        async with asyncio.timeout(within):
            code = await self.process.wait()
            await self._readers
        return code

    async def leave(self) -> None:
        """Kill it if it still runs, and close its pipes."""
        if self.process.returncode is None:
            self.process.kill()
        await self.end()
        if self.process.stdin is not None:
            self.process.stdin.close()


@asynccontextmanager
async def running(
    *arguments: str,
    settings: Mapping[str, str] | None = None,
    program: Sequence[str] = _MODULE,
    stderr: int = PIPE,
) -> AsyncIterator[Running]:
    """Run `trax-mcp` with these arguments and settings until the block ends.

    `program` replaces it by another program for Python, and `stderr` the pipe that is read.
    """
    started = Running(
        await asyncio.create_subprocess_exec(
            sys.executable,
            *program,
            *arguments,
            stdin=PIPE,
            stdout=PIPE,
            stderr=stderr,
            limit=_MAX_LINE_BYTES,
            env=environment(settings or {}),
            cwd=ROOT,
        )
    )
    try:
        yield started
    finally:
        await started.leave()


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """These settings and few variables of this process: no proxy, no screen, no colours.

    No test opens a browser on the machine of a person, unless it brings one of its own.
    """
    # No test reads the key of a person.
    config = {} if "HOME" in settings else {"XDG_CONFIG_HOME": "/nonexistent"}
    return inherited_variables() | config | dict(settings)
