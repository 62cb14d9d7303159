"""A proxy before the engine: the replica behind it hears the engine late, not at all, or no more.

It counts the scripts that the replica runs. A fault is awaited at each of them, with its number.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import anyio

from proof.replicas.throwaway_engine import PASSWORD

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import AsyncIterator, Awaitable, Callable

    from proof.replicas.throwaway_engine import ThrowawayEngine

    Ends = tuple[StreamReader, StreamWriter]

_SCRIPT: Final = b"EVAL"
_MOST_BYTES: Final = 1 << 20


async def _nothing(_number: int) -> None:
    """Hand it on."""


@dataclass(frozen=True, slots=True)
class EngineFault:
    """Awaited before a script is handed on, and before its answer is.

    It hangs where it does not end, and closes the connection where it raises `ConnectionError`.
    """

    before: Callable[[int], Awaitable[None]] = _nothing
    after: Callable[[int], Awaitable[None]] = _nothing


NO_FAULT: Final = EngineFault()


class EngineProxy:
    """Hands on commands and answers. `url` is its address, `scripts` how many there were."""

    def __init__(self, socket: str) -> None:
        self.url = f"unix://trax:{PASSWORD}@{socket}"
        self.scripts = 0
        self._fault = NO_FAULT
        self._connections: set[asyncio.Task[None]] = set()
        self._silent: set[asyncio.Task[None]] = set()
        self._held = asyncio.Event()

    def start_counting(self, fault: EngineFault = NO_FAULT) -> None:
        """Count from 1, with this fault."""
        self.scripts, self._fault = 0, fault

    def hold(self, number: int, *, after: bool) -> None:
        """Count, and hold this script: before it, or its answer after it."""

        async def hold(at: int) -> None:
            if at == number:
                self._held.set()
                await anyio.sleep_forever()

        self._held.clear()
        self.start_counting(EngineFault(after=hold) if after else EngineFault(before=hold))

    @property
    def is_holding(self) -> bool:
        """Whether it holds that script."""
        return self._held.is_set()

    def silence(self) -> None:
        """Hand on nothing more of the connections that there are. They stay open."""
        self._silent |= self._connections

    async def connect(self, replica: StreamReader, to_replica: StreamWriter, socket: str) -> None:
        """Hand on what comes on one connection. The answer to a command comes before the next."""
        me = asyncio.current_task()
        assert me is not None
        self._connections.add(me)
        try:
            engine, to_engine = await asyncio.open_unix_connection(socket)
            try:
                await self._hand_on(me, (replica, to_replica), (engine, to_engine))
            finally:
                await _close(to_engine)
        finally:
            self._connections.discard(me)
            await _close(to_replica)

    async def _hand_on(self, me: asyncio.Task[None], replica: Ends, engine: Ends) -> None:
        script = 0

        async def hand_on_answers() -> None:
            nonlocal script
            while answer := await engine[0].read(_MOST_BYTES):
                if script:
                    await self._fault.after(script)
                    script = 0
                await self._listen(me)
                replica[1].write(answer)

        async def hand_on_commands() -> None:
            nonlocal script
            while command := await replica[0].read(_MOST_BYTES):
                if _SCRIPT in command:
                    self.scripts += 1
                    script = self.scripts
                    await self._fault.before(script)
                await self._listen(me)
                engine[1].write(command)

        both = [asyncio.create_task(it()) for it in (hand_on_answers, hand_on_commands)]
        try:
            done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            for it in done:
                it.result()
        finally:
            for it in both:
                it.cancel()
            await asyncio.gather(*both, return_exceptions=True)

    async def end(self) -> None:
        """End all connections."""
        ending = tuple(self._connections)
        for it in ending:
            it.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    async def _listen(self, connection: asyncio.Task[None]) -> None:
        if connection in self._silent:
            await anyio.sleep_forever()


async def _close(writer: StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


@asynccontextmanager
async def engine_proxy(engine: ThrowawayEngine, name: str = "proxy") -> AsyncIterator[EngineProxy]:
    """A proxy on a socket beside the engine's, until the end of the block."""
    socket = str(engine.folder / f"{name}.sock")
    proxy = EngineProxy(socket)

    async def connect(replica: StreamReader, to_replica: StreamWriter) -> None:
        with suppress(OSError, asyncio.CancelledError):
            await proxy.connect(replica, to_replica, str(engine.socket))

    server = await asyncio.start_unix_server(connect, socket)
    try:
        yield proxy
    finally:
        server.close()
        await proxy.end()


def losing(first: int, times: int = 1) -> EngineFault:
    """Lose the answers of so many scripts in a row. The scripts have run."""

    async def lose(number: int) -> None:
        if first <= number < first + times:
            raise ConnectionAbortedError

    return EngineFault(after=lose)


def hanging(is_heard: Callable[[int], bool]) -> EngineFault:
    """Run no script but those with these numbers."""

    async def hang(number: int) -> None:
        if not is_heard(number):
            await anyio.sleep_forever()

    return EngineFault(before=hang)


def slow(seconds: float) -> EngineFault:
    """Answer each script only after some seconds."""
    return EngineFault(after=lambda _number: anyio.sleep(seconds))


def restarting(engine: ThrowawayEngine, at: int, *, after: bool) -> EngineFault:
    """Restart the engine, empty, before or after a script runs."""

    async def restart(number: int) -> None:
        if number == at:  # also if the replica waits no longer
            await asyncio.shield(asyncio.create_task(engine.restart()))
            raise ConnectionResetError

    return EngineFault(after=restart) if after else EngineFault(before=restart)
