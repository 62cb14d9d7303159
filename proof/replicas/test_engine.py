"""The engine's client, and heartbeats on it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from proof.replicas.faulty_engine import FaultyEngine
from tests.support.server_process import PATIENCE_SECONDS
from trax_mcp.replicas.engine import Engine, EngineAway, Write
from trax_mcp.replicas.heartbeat import Heartbeat

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from proof.replicas.faulty_engine import Script
    from proof.replicas.throwaway_engine import ThrowawayEngine

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
