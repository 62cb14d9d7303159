"""Guards on one sandbox, each as in a process of its own, over records that they may share."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import anyio
import anyio.lowlevel

from tests.support.product.frozen_sandbox import ADDRESS, virtual_sandbox
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.product.sandbox_transport import SandboxTransport
from tests.support.product.virtual_time import VirtualClock
from trax_mcp.actions.destinations import DeleteDestination, UpdateDestination
from trax_mcp.actions.stream import GoLive, GoOffline
from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.reads import GetStreamStatus
from trax_mcp.consent.audit import Audit
from trax_mcp.consent.calls import Answer, Ask, Call
from trax_mcp.consent.guard import Guard
from trax_mcp.consent.parts import Parts
from trax_mcp.consent.rules import Rules
from trax_mcp.consent.shielded_tasks import ShieldedTasks
from trax_mcp.consent.store import MemoryRecords, Record, Store, StoreUnavailable, name_of
from trax_mcp.studio.list_cache import ListCache

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.product.sandbox import Sandbox
    from trax_mcp.actions.shown import Operations
    from trax_mcp.consent.calls import By, Result
    from trax_mcp.consent.question import Question
    from trax_mcp.consent.state import StudioRecord
    from trax_mcp.consent.ways import Way

MINE: Final = SANDBOX_KEY
COLLEAGUE: Final = "sk_live_colleague"
BOT: Final = "sk_live_bot"
"""A key that may go live and offline, and read nothing."""
STUDIO: Final = "studio_42"
START: Final = (GoLive(studio_id=STUDIO),)
STOP: Final = (GoOffline(studio_id=STUDIO),)
DELETE: Final = (DeleteDestination(studio_id=STUDIO, dest_id="dest_1"),)
ONLY_TWITCH: Final = (
    UpdateDestination(studio_id=STUDIO, dest_id="dest_1", enabled=False),
    GoLive(studio_id=STUDIO),
)
_BY: Final[dict[Way, By]] = {
    "form": "form",
    "panel": "panel",
    "page": "page",
    "preview": "confirmation",
}


class SharedRecords:
    """The connection of one process to records that others use too. It may be away."""

    is_shared = True
    lease_seconds = 2.0

    def __init__(self, engine: MemoryRecords) -> None:
        self.engine = engine
        self.is_away = False

    async def read(self, name: str) -> Record:
        await self._answer()
        return await self.engine.read(name)

    async def write(self, seen: Record, studio: StudioRecord) -> bool:
        await self._answer()
        return await self.engine.write(seen, studio)

    async def changed(self) -> None:
        await anyio.sleep(0.05)

    async def _answer(self) -> None:
        await anyio.sleep(0.01)
        if self.is_away:
            raise StoreUnavailable


class Process:
    """One process: a guard, and what it has written to its audit log."""

    def __init__(
        self,
        sandbox: Sandbox,
        records: MemoryRecords | SharedRecords,
        log: Path,
        clock: VirtualClock,
    ) -> None:
        self.clock = clock
        self.records = records
        self.log = log
        client = Client(base_url=ADDRESS, timeout_seconds=10, transport=SandboxTransport(sandbox))
        self.guard = Guard(
            Parts(
                client=client,
                rules=Rules(),
                store=Store(records),
                audit=Audit(log, self.clock),
                tasks=ShieldedTasks(),
                clock=self.clock,
                lists=ListCache(client, self.clock),
            )
        )

    def cut_off(self, *, is_away: bool = True) -> None:
        """Let the store not answer it."""
        assert isinstance(self.records, SharedRecords)
        self.records.is_away = is_away

    async def known(self, *keys: str) -> None:
        """Let TRaX accept these keys in the studio."""
        for key in keys:
            await self.guard.parts.client.call(GetStreamStatus(studio_id=STUDIO), Caller(key))

    async def ask(self, operations: Operations, way: Way = "form", *, key: str = MINE) -> Question:
        """Ask about a call, and let the person read."""
        call = Call(operations, Caller(key))
        asked = await self.guard.run(call)
        assert isinstance(asked, Ask), asked
        question = await self.guard.keep(call, asked, way)
        await anyio.sleep(6)
        return question

    async def answer(
        self,
        question: Question,
        choice: str | None = None,
        *,
        key: str = MINE,
        **more: Any,  # noqa: ANN401  other fields of the answer
    ) -> Result:
        """Answer a question: with its approval, unless another choice is given."""
        given = Answer(question.id, _BY[question.way], choice or question.preview.yes)
        return await self.guard.run(Call(question.operations, Caller(key), given._replace(**more)))

    async def approved(
        self, operations: Operations, way: Way = "form", *, key: str = MINE
    ) -> Result:
        """Ask, and approve."""
        return await self.answer(await self.ask(operations, way, key=key), key=key)

    async def studio(self) -> StudioRecord:
        """What is remembered of the studio."""
        return (await self.guard.parts.store.look(name_of(STUDIO))).studio

    def take_news(self) -> str:
        """What was done in the studio after the answer of an earlier call."""
        news: str = self.guard.parts.news.pop((Caller(MINE).owner, STUDIO), "")
        return news

    def lines(self, event: str, *names: str) -> list[Any]:
        """These fields of all lines of the audit log about such an event."""
        text = self.log.read_text() if self.log.exists() else ""
        lines = [it for it in map(json.loads, text.splitlines()) if it["event"] == event]
        return [tuple(it.get(name) for name in names) for it in lines]


class Studios:
    """The sandbox and the processes."""

    def __init__(self, sandbox: Sandbox, processes: list[Process]) -> None:
        self.trax = sandbox
        self.processes = processes
        self.here = processes[0]
        self.there = processes[-1]

    @property
    def is_live(self) -> bool:
        """Whether the studio is on air, or will be."""
        return self.trax.is_running(STUDIO)

    @property
    def sent(self) -> list[str]:
        """The ends of the paths of all changes that reached TRaX."""
        return [it.rpartition("/")[2] for it in self.trax.sent]

    def times_of(self, end: str) -> list[float]:
        """The seconds in which requests with this end of their paths arrived."""
        first = self.trax.clock.now() - anyio.current_time()
        return [it.at - first for it in self.trax.mutations if it.path.endswith(end)]


@asynccontextmanager
async def open_studios(log: Path, *, processes: int = 1) -> AsyncIterator[Studios]:
    """A sandbox, and so many processes which share their records, if they are several."""
    sandbox = virtual_sandbox()
    sandbox.add_key(COLLEAGUE)
    sandbox.add_key(BOT, scopes=["stream:golive"])
    clock = VirtualClock()
    engine = MemoryRecords(clock)
    opened = [
        Process(
            sandbox, engine if processes == 1 else SharedRecords(engine), log / f"{it}.log", clock
        )
        for it in range(processes)
    ]
    async with anyio.create_task_group() as tasks:
        for it in opened:
            tasks.start_soon(it.guard.watch)
        await anyio.lowlevel.checkpoint()
        yield Studios(sandbox, opened)
        tasks.cancel_scope.cancel()
    for it in opened:
        await it.guard.parts.client.aclose()
