"""The engine's client, and heartbeats on it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from proof.replicas.faulty_engine import FaultyEngine
from proof.replicas.presses import until
from proof.replicas.silent_connections import silent_connections
from tests.support.server_process import PATIENCE_SECONDS
from trax_mcp.replicas.engine import Engine, Write
from trax_mcp.replicas.failures import EngineAway
from trax_mcp.replicas.heartbeat import Heartbeat

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from redis.asyncio import Redis

    from proof.replicas.faulty_engine import Script
    from proof.replicas.throwaway_engine import ThrowawayEngine

MANY = 300
"""More calls at once than connections."""
MINE, THEIRS = Write(b"mine", 60), Write(b"theirs", 60)


@asynccontextmanager
async def connected(engine: Engine) -> AsyncIterator[Engine]:
    """The same engine's client, closed at the end."""
    yield engine
    await engine.aclose()


async def test_a_write_whose_answer_is_lost_and_that_others_followed_is_not_known(
    engine: ThrowawayEngine,
) -> None:
    """It must not look as if nothing was written: then nobody would end what it began."""
    async with connected(FaultyEngine(engine.url)) as mine, connected(Engine(engine.url)) as theirs:
        assert isinstance(mine, FaultyEngine)

        async def lose_and_overwrite(number: int, script: Script) -> object:
            answer = await script()
            if number == 1:
                assert await theirs.write(await theirs.read("name"), {"name": THEIRS})
                raise RedisConnectionError
            return answer

        seen = await mine.read("name")
        mine.start_counting(lose_and_overwrite)
        with pytest.raises(EngineAway):
            await mine.write(seen, {"name": MINE})
        assert (await theirs.read("name")).values == {"name": b"theirs"}


async def test_a_write_that_depends_on_what_has_changed_writes_nothing(
    engine: ThrowawayEngine,
) -> None:
    async with connected(Engine(engine.url)) as it:
        seen = await it.read("name", "other")
        assert await it.write(seen, {"other": THEIRS})
        assert not await it.write(seen, {"name": MINE})
        assert (await it.read("name")).values == {"name": None}


async def test_numbers_increase_over_restarts_of_the_engine(engine: ThrowawayEngine) -> None:
    """No call gets the number of one that is still under way."""
    async with connected(Engine(engine.url)) as before:
        numbers = [(await before.read(take_number=True)).number for _ in range(100)]
    await engine.restart()
    async with connected(Engine(engine.url)) as after:
        numbers.append((await after.read(take_number=True)).number)
    assert numbers == sorted(set(numbers))


async def test_a_replica_judges_no_other_gone_while_the_engine_was_away(
    engine: ThrowawayEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All heartbeats are lost then. It does when it was heard for long enough itself."""
    monkeypatch.setattr("trax_mcp.replicas.heartbeat.ALIVE_SECONDS", 0.5)
    monkeypatch.setattr("trax_mcp.replicas.engine._RETRY_SECONDS", 0.0)
    async with connected(Engine(engine.url)) as it, anyio.create_task_group() as tasks:
        heartbeat = Heartbeat(it)

        async def judged_gone() -> None:
            with anyio.fail_after(PATIENCE_SECONDS):
                while await heartbeat.gone({"another", heartbeat.replica, ""}) != {"another"}:  # noqa: ASYNC110  time alone changes it
                    await anyio.sleep(0.02)

        await tasks.start(heartbeat.run)
        assert await heartbeat.gone({"another"}) == frozenset()
        await judged_gone()
        await engine.kill()
        with anyio.fail_after(PATIENCE_SECONDS):
            while it.answers:  # noqa: ASYNC110  the next beat tells
                await anyio.sleep(0.02)
        await engine.start()
        assert await heartbeat.gone({"another"}) == frozenset()
        await judged_gone()
        tasks.cancel_scope.cancel()


async def test_the_log_says_once_that_the_engine_is_away_and_once_that_it_is_back(
    engine: ThrowawayEngine, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trax_mcp.replicas.heartbeat.BEAT_SECONDS", 0.05)
    async with connected(Engine(engine.url)) as it, anyio.create_task_group() as tasks:
        beats: list[bool] = []

        async def announce(name: str, *, seconds: float) -> None:
            beats.append(False)
            await Engine.announce(it, name, seconds=seconds)
            beats[-1] = True

        monkeypatch.setattr(it, "announce", announce)
        await tasks.start(Heartbeat(it).run)
        for change, is_heard in ((engine.kill, False), (engine.start, True)):
            await change()
            with anyio.fail_after(PATIENCE_SECONDS):
                while beats[-3:-1] != [is_heard] * 2:  # noqa: ASYNC110  time alone makes it beat
                    await anyio.sleep(0.02)
        tasks.cancel_scope.cancel()
    assert [it for it in caplog.messages if "TRAX_STORE_URL" in it] == [
        "The engine at TRAX_STORE_URL does not answer: guarded calls but stops are refused.",
        "The engine at TRAX_STORE_URL answers again.",
    ]


async def test_many_calls_at_once_wait_for_a_connection(engine: ThrowawayEngine) -> None:
    """An engine that is busy is not away."""
    async with connected(Engine(engine.url)) as it, anyio.create_task_group() as tasks:
        for number in range(MANY):
            tasks.start_soon(it.read, f"{number}")


async def test_a_call_that_is_cancelled_leaves_its_answer_to_no_other(
    engine: ThrowawayEngine,
) -> None:
    """It could be another caller's."""
    async with connected(Engine(engine.url)) as it:
        names = [f"{number}" for number in range(50)]
        for name in names:
            assert await it.write(await it.read(name), {name: Write(name.encode(), 60)})

        async def give_up(name: str, rounds: int) -> None:
            with anyio.CancelScope() as scope:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(it.read, name)
                    for _ in range(rounds):
                        await anyio.lowlevel.checkpoint()
                    scope.cancel()

        async def read(name: str) -> None:
            assert (await it.read(name)).values == {name: name.encode()}

        for rounds in range(20):
            async with anyio.create_task_group() as tasks:
                for name in names:
                    tasks.start_soon(give_up, name, rounds)
                    tasks.start_soon(read, name)


async def test_an_engine_without_memory_is_not_away(engine: ThrowawayEngine) -> None:
    """What writes is refused, but reads and other calls go on. `GET /readyz` says it."""
    async with connected(Engine(engine.url)) as it, engine.client() as client:
        await it.announce("name", seconds=60)
        assert it.answers
        await client.config_set("maxmemory", 1)
        for refused in (it.announce("name", seconds=60), it.read(take_number=True)):
            with pytest.raises(EngineAway):
                await refused
            assert not it.is_away
        assert (await it.read("name")).values == {"name": None}
        assert not it.answers
        await client.config_set("maxmemory", 0)
        await it.announce("name", seconds=60)
        assert it.answers


async def test_news_of_a_connection_that_fell_silent_end(
    engine: ThrowawayEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody closes it where a machine has failed. One without news goes on."""
    monkeypatch.setattr("trax_mcp.replicas.engine._SILENCE_SECONDS", 0.05)
    async with silent_connections(engine) as proxy, connected(Engine(proxy.url)) as it:
        async with it.news("channel") as news:
            await proxy.silence()
            with anyio.fail_after(PATIENCE_SECONDS), pytest.raises(EngineAway):
                await anext(news)
        heard: list[str] = []

        async def hear(news: AsyncIterator[str]) -> None:
            heard.append(await anext(news))

        async with (
            it.news("channel") as news,
            engine.client() as client,
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(hear, news)
            with anyio.fail_after(PATIENCE_SECONDS):
                while await pings(client) < 3:  # noqa: ASYNC110  the engine can only be asked
                    await anyio.sleep(0.01)
            assert heard == []
            await client.publish("channel", "something")
        assert heard == ["something"]


async def pings(client: Redis) -> int:
    """How often the engine was asked whether it is there."""
    statistics = await client.info("commandstats")
    calls: int = statistics.get("cmdstat_ping", {}).get("calls", 0)
    return calls


async def test_connections_that_fell_silent_cost_the_time_of_one(engine: ThrowawayEngine) -> None:
    """After the first, the others are given up too."""
    async with silent_connections(engine) as proxy, connected(Engine(proxy.url)) as it:
        async with anyio.create_task_group() as tasks:
            for number in range(20):
                tasks.start_soon(it.read, f"{number}")
        before = proxy.connections
        assert before > 1
        await proxy.silence()
        with pytest.raises(EngineAway):
            await it.read("name")
        await until(lambda: not it.is_away)
        async with anyio.create_task_group() as tasks:
            for number in range(before):
                tasks.start_soon(it.read, f"{number}")
