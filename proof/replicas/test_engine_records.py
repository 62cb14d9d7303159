"""The records of studios on a real engine: random rounds over two replicas, and what lies there."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from proof.replicas.engine_proxy import EngineFault, engine_proxy, losing
from tests.units.consent.questions import CALLER, DELETE, question_about
from tests.units.consent.races import KINDS, Round
from trax_mcp.consent.state import StudioRecord
from trax_mcp.consent.store import Store, StoreUnavailable, name_of
from trax_mcp.replicas.engine import Engine
from trax_mcp.replicas.engine_records import EngineRecords, UnreadableRecord

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from proof.replicas.throwaway_engine import ThrowawayEngine
    from tests.units.consent.replica import Wire
    from trax_mcp.consent.store import Record

SECRET: Final = "c4n4ry" * 8
NAME: Final = name_of("studio_42")
ROUNDS: Final = 600
AT_ONCE: Final = 15
LOST: Final = 0.1
"""How many scripts find the connection closed, before or after they have run."""


@asynccontextmanager
async def records_on(url: str, secret: str = SECRET) -> AsyncIterator[EngineRecords]:
    engine = Engine(url)
    try:
        yield EngineRecords(engine, secret)
    finally:
        await engine.aclose()


# Rounds


@dataclass
class Troubled:
    """The records by way of a proxy that closes connections, as long as the replica's wire says."""

    proxied: EngineRecords
    direct: EngineRecords
    wire: Wire
    is_shared: bool = True
    lease_seconds: float = EngineRecords.lease_seconds

    @property
    def _records(self) -> EngineRecords:
        return self.proxied if self.wire.in_trouble else self.direct

    async def read(self, name: str) -> Record:
        """Read a record, at one of the two."""
        return await self._records.read(name)

    async def write(self, seen: Record, studio: StudioRecord) -> bool:
        """Write it, at one of the two."""
        return await self._records.write(seen, studio)

    async def changed(self) -> None:
        """Wait for a moment."""
        await self._records.changed()


def closing(chance: random.Random) -> EngineFault:
    """Close the connection at some scripts, before or after they have run."""

    async def close(_number: int) -> None:
        if chance.random() < LOST:
            raise ConnectionAbortedError

    return EngineFault(before=close, after=close)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("in_trouble", [False, True])
async def test_random_rounds_hold(engine: ThrowawayEngine, *, in_trouble: bool) -> None:
    kinds: Counter[str] = Counter()
    async with AsyncExitStack() as stack:
        opened, proxied = [], []
        for number in range(2):
            opened.append(await stack.enter_async_context(records_on(engine.url)))
            proxy = await stack.enter_async_context(engine_proxy(engine, f"proxy{number}"))
            proxy.start_counting(closing(random.Random(number)))  # noqa: S311  a seed
            proxied.append(await stack.enter_async_context(records_on(proxy.url)))

        async def run(seed: int) -> None:
            chance = random.Random(seed)  # noqa: S311  a seed
            one = Round(chance, (opened[0], opened[1]), 0.005, in_trouble, margin=5.0)
            if in_trouble:
                for number, replica in enumerate(one.replicas):
                    wire = replica.wire
                    wire.records = Troubled(proxied[number], opened[number], wire)
            kinds[await one.run()] += 1

        for first in range(0, ROUNDS // 2, AT_ONCE):
            async with anyio.create_task_group() as tasks:
                for seed in range(first, first + AT_ONCE):
                    tasks.start_soon(run, 2 * seed + in_trouble)
    assert len(kinds) == len(KINDS)
    assert kinds.total() == ROUNDS // 2


# What lies on the engine


async def asked_on(records: EngineRecords) -> str:
    """Ask a question there. Returns its id."""
    question = question_about((DELETE,), id=f"{NAME}.s3cret", caller=CALLER)
    asked = await Store(records).update(NAME, lambda it, now: it.ask(question, now))
    return asked.id


async def test_a_record_is_read_as_it_was_written_at_another_replica(
    engine: ThrowawayEngine,
) -> None:
    async with records_on(engine.url) as here, records_on(engine.url) as there:
        asked = await asked_on(here)
        seen = await there.read(NAME)
        assert set(seen.studio.questions) == {asked}
        assert not await there.write(seen._replace(version=b""), StudioRecord())
        assert await there.write(seen, StudioRecord())
        assert not await here.write(seen, replace(seen.studio, last_stop=1.0))
        assert (await here.read(NAME)).studio == StudioRecord()


async def test_nothing_is_in_clear_and_all_of_it_ends_within_an_hour(
    engine: ThrowawayEngine,
) -> None:
    async with records_on(engine.url) as records, engine.commands() as seen:
        await asked_on(records)
        lies = await engine.contents()
    wire = "\n".join(seen)
    secrets = ("studio_42", "dest_1", "s3cret", "c4n4ry", NAME, CALLER)
    assert [it for it in secrets if it in wire or it.encode() in lies] == []
    assert await engine.kept_for_good() == 0
    async with engine.client() as client:
        assert 3_500_000 < max([await client.pttl(it) async for it in client.scan_iter()]) <= 3.6e6


@pytest.mark.parametrize("version", ["another secret", "another format"])
async def test_what_cannot_be_read_is_not_taken_for_empty(
    engine: ThrowawayEngine,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    version: str,
) -> None:
    """And the log says so, once."""
    async with records_on(engine.url) as here, records_on(engine.url, SECRET[::-1]) as there:
        await asked_on(here)
        if version == "another format":
            monkeypatch.setattr("trax_mcp.replicas.engine_records._FORMAT", b"other")
        for _ in range(2):
            with pytest.raises(UnreadableRecord) as caught:
                await (here if version == "another format" else there).read(NAME)
            assert isinstance(caught.value, StoreUnavailable)
    begin = "An entry at TRAX_STORE_URL can't be read: "
    assert [it.startswith(begin) for it in caplog.messages] == [True]


async def test_a_record_of_one_studio_is_none_of_another(engine: ThrowawayEngine) -> None:
    other = name_of("studio_7")
    async with records_on(engine.url) as records, engine.client() as client:
        await asked_on(records)
        (key,) = [it async for it in client.scan_iter()]
        seen = await records.read(other)
        assert await records.write(seen, replace(seen.studio, last_stop=1.0))
        (second,) = [it async for it in client.scan_iter() if it != key]
        await client.copy(key, second, replace=True)
        with pytest.raises(UnreadableRecord):
            await records.read(other)


@pytest.mark.parametrize("times", [1, 2])
async def test_a_write_whose_answer_is_lost_has_happened_once(
    engine: ThrowawayEngine, times: int
) -> None:
    async with engine_proxy(engine) as proxy, records_on(proxy.url) as records:
        await asked_on(records)  # the engine knows the scripts now
        seen = await records.read(NAME)
        proxy.start_counting(losing(1, times))
        if times == 1:
            assert await records.write(seen, StudioRecord(last_stop=1.0))
        else:
            with pytest.raises(StoreUnavailable):
                await records.write(seen, StudioRecord(last_stop=1.0))
    async with records_on(engine.url) as records:
        assert (await records.read(NAME)).studio == StudioRecord(last_stop=1.0)


async def test_an_older_copy_counts_as_absent(engine: ThrowawayEngine) -> None:
    async with records_on(engine.url) as records:
        await asked_on(records)
        before = await records.read(NAME)
        async with engine.client() as client:
            await client.save()
        await engine.restart()
        with anyio.fail_after(10):
            while True:
                try:
                    after = await records.read(NAME)
                    break
                except StoreUnavailable:
                    await anyio.sleep(0.1)
        async with engine.client() as client:
            assert await client.dbsize() > 0
        assert after.studio == StudioRecord()
        assert not await records.write(before, before.studio)
        assert await records.write(after, StudioRecord(last_stop=1.0))
