"""The memory that several processes share, on Valkey or Redis. It has never heard of MCP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from trax_mcp.replicas.engine import Engine
from trax_mcp.replicas.engine_checks import connect
from trax_mcp.replicas.engine_records import EngineRecords


@dataclass(frozen=True, slots=True)
class Replicas:
    """What this replica shares with the others."""

    engine: Engine
    records: EngineRecords

    def engine_answers(self) -> bool:
        """Whether the engine has answered the last time."""
        return self.engine.answers


@asynccontextmanager
async def open_replicas(url: str, secret: str) -> AsyncIterator[Replicas]:
    """Open what replicas share.

    Raises:
        CannotStart: there is no engine at this address that replicas can rely on.
    """
    engine = await connect(url)
    try:
        yield Replicas(engine, EngineRecords(engine, secret))
    finally:
        await engine.aclose()
