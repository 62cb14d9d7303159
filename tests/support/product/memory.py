"""What a product remembers of consent in an engine that others share, or as if in one.

A product without one of these remembers by itself.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import anyio

from trax_mcp.clock import Clock
from trax_mcp.consent.store import MemoryRecords, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from trax_mcp.consent.state import StudioRecord
    from trax_mcp.consent.store import Record, Records

    Pause = Callable[[], Awaitable[None]]

_POLL_SECONDS: Final = 0.25
STORE_SECRET: Final = "a secret of the operator, for tests"


@dataclass(frozen=True, slots=True)
class Memory:
    """The memory of one product, and the clock by which it ends what is old."""

    clock: Clock
    records: Records


@asynccontextmanager
async def engine_memory(url: str) -> AsyncIterator[Memory]:
    """The memory of one of several products that share an engine."""
    from trax_mcp.replicas import open_replicas  # noqa: PLC0415  a part of its own

    async with open_replicas(url, STORE_SECRET) as replicas:
        yield Memory(Clock(), replicas.records)


@contextmanager
def store_secret_file() -> Iterator[str]:
    """A file with that secret, as `TRAX_STORE_SECRET_FILE` names it."""
    with TemporaryDirectory(prefix="secret-") as folder:
        file = Path(folder) / "store-secret"
        file.touch(0o600)
        file.write_text(f"{STORE_SECRET}\n", encoding="utf-8")
        yield str(file)


class SharedRecords:
    """The connection of one product to records that others use too, as in an engine.

    A test lets it be away, be late with each command, or lose the answers to what is written.
    `pause` lets others run before each command.
    """

    is_shared = True
    lease_seconds = 2.0

    def __init__(self, engine: MemoryRecords) -> None:
        self._engine = engine
        self.is_away = False
        self.late_seconds = 0.0
        self.loses_answers = False
        self.pause: Pause = anyio.lowlevel.checkpoint

    async def read(self, name: str) -> Record:
        """Read a record."""
        await self._answer()
        return await self._engine.read(name)

    async def write(self, seen: Record, studio: StudioRecord) -> bool:
        """Write it if it has not changed since it was read."""
        await self._answer()
        is_written = await self._engine.write(seen, studio)
        if self.loses_answers:
            raise StoreUnavailable
        return is_written

    async def changed(self) -> None:
        """Wait until a record may have changed, or for a moment: a turn may have ended."""
        with anyio.move_on_after(_POLL_SECONDS):
            await self._engine.changed()

    async def _answer(self) -> None:
        await self.pause()
        await anyio.sleep(self.late_seconds)
        if self.is_away:
            raise StoreUnavailable


def shared_memories(clock: Clock) -> tuple[Memory, Memory]:
    """The memories of two products that share an engine, with `SharedRecords` as records."""
    engine = MemoryRecords(clock)
    return Memory(clock, SharedRecords(engine)), Memory(clock, SharedRecords(engine))
