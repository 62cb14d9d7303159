"""What replicas share of their looks, on a real engine: permits, and the items that were found."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from tests.support.server_process import PATIENCE_SECONDS
from trax_mcp.api.errors import Failure, Refused
from trax_mcp.chat.poll_interval import PollInterval
from trax_mcp.chat.resettable_event import ResettableEvent
from trax_mcp.chat.shared_feed import FeedItem, LookResult
from trax_mcp.replicas.engine import Engine
from trax_mcp.replicas.shared_looks import SharedLook, SharedLooks
from trax_mcp.sealing import seal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from proof.replicas.throwaway_engine import ThrowawayEngine

KEY: Final = "sk_live_canary_key"
STUDIO: Final = "canary-studio"
ITEMS: Final = [FeedItem(b'{"id": "canary-1"}'), FeedItem(b'{"id": "canary-2"}', gap=True)]
MORE: Final = [FeedItem(b'{"id": "canary-3"}')]
LOOK: Final = LookResult(PollInterval(2, unchanged=3), None, 20)
REFUSED: Final = Refused(Failure(code="c", message="m", retryable=True, http_status=429))
FAILED: Final = LookResult(PollInterval(2, failures=1, retry_after=9), REFUSED, 20)
MOST: Final = 1_000
NEARLY_OVER: Final = 1_900
"""Milliseconds in which a replica that looks renews its permit, also one that is slow."""


@asynccontextmanager
async def replica(engine: ThrowawayEngine) -> AsyncIterator[SharedLooks]:
    """What one replica shares."""
    connection = Engine(engine.url)
    try:
        yield SharedLooks(connection)
    finally:
        await connection.aclose()


@asynccontextmanager
async def two_replicas(engine: ThrowawayEngine) -> AsyncIterator[tuple[SharedLook, SharedLook]]:
    """One source on two replicas."""
    async with replica(engine) as first, replica(engine) as second:
        yield first.open(KEY, "chat", STUDIO), second.open(KEY, "chat", STUDIO)


async def take_permit(look: SharedLook) -> None:
    """Ask, and be allowed to look."""
    state = await look.ask(by_loop=False)
    assert state is not None
    assert state.may_look


async def items_of(look: SharedLook) -> list[FeedItem]:
    """The items that are new."""
    state = await look.read()
    assert state is not None
    return list(state.items)


async def test_one_replica_at_a_time_may_look(engine: ThrowawayEngine) -> None:
    """It may ask again, as when an answer was lost. After its look, all wait for the interval."""
    async with two_replicas(engine) as (first, second):
        await take_permit(first)
        await take_permit(first)
        busy = await second.ask(by_loop=False)
        assert busy is not None
        assert (busy.may_look, busy.is_busy, busy.is_empty) == (False, True, True)
        assert await first.publish(ITEMS, most=MOST, look=LOOK)
        state = await second.ask(by_loop=False)
        assert state is not None
        assert (state.may_look, state.is_busy, state.is_empty) == (False, False, False)
        assert (state.look, state.items, state.is_complete) == (LOOK, ITEMS, True)
        assert 1 < state.seconds_to_look <= 2.1
        assert 19 < state.seconds_to_loop <= 20.1


async def test_a_loop_waits_for_the_pause_and_a_reader_for_the_interval(
    engine: ThrowawayEngine,
) -> None:
    async with two_replicas(engine) as (first, second):
        await take_permit(first)
        look = LookResult(PollInterval(0.01), None, 20)
        assert await first.publish([], most=MOST, look=look)
        with anyio.fail_after(PATIENCE_SECONDS):
            while True:
                by_loop = await second.ask(by_loop=True)
                assert by_loop is not None
                assert not by_loop.may_look
                by_reader = await second.ask(by_loop=False)
                assert by_reader is not None
                if by_reader.may_look:
                    return


async def test_the_permit_of_a_replica_that_is_gone_expires(engine: ThrowawayEngine) -> None:
    """Within five seconds. While a replica looks, it keeps its permit."""
    async with two_replicas(engine) as (first, second), engine.client() as client:
        await take_permit(first)
        (permit,) = [it async for it in client.scan_iter(match="*:permit")]
        assert 0 < await client.pttl(permit) < 5_000
        async with first.looking():
            await client.pexpire(permit, NEARLY_OVER)
            with anyio.fail_after(PATIENCE_SECONDS):
                while 0 < await client.pttl(permit) <= NEARLY_OVER:  # noqa: ASYNC110  the engine can only be asked
                    await anyio.sleep(0.01)
            assert await client.pttl(permit) > 0
        busy = await second.ask(by_loop=False)
        assert busy is not None
        assert busy.is_busy
        await client.pexpire(permit, 1)
        with anyio.fail_after(PATIENCE_SECONDS):
            while not (state := await second.ask(by_loop=False)) or not state.may_look:
                pass


async def test_only_who_has_read_all_items_can_add_some(engine: ThrowawayEngine) -> None:
    """So the order is the same everywhere. Items are read once."""
    async with two_replicas(engine) as (first, second):
        assert await first.publish(ITEMS, most=MOST)
        assert not await second.publish(MORE, most=MOST)
        assert await items_of(second) == ITEMS
        assert await second.publish(MORE, most=MOST)
        assert [await items_of(it) for it in (first, second, first)] == [MORE, [], []]


async def test_a_look_after_the_permit_has_expired_changes_no_pause(
    engine: ThrowawayEngine,
) -> None:
    """As of a replica that slept meanwhile: another one looks now."""
    async with two_replicas(engine) as (first, second):
        await take_permit(second)
        assert await first.publish(ITEMS, most=MOST, look=LOOK)
        state = await first.ask(by_loop=False)
        assert state is not None
        assert (state.is_busy, state.look) == (True, None)


async def test_few_items_are_kept_and_a_loss_is_known(engine: ThrowawayEngine) -> None:
    """Those who read all before know that nothing is missing."""
    async with replica(engine) as other, two_replicas(engine) as (first, second):
        await first.publish(ITEMS, most=MOST)
        await items_of(second)
        await first.publish(MORE, most=2)
        known = await second.read()
        assert known is not None
        assert (known.items, known.is_complete) == (MORE, True)
        fresh = await other.open(KEY, "chat", STUDIO).read()
        assert fresh is not None
        assert (fresh.items, fresh.is_complete) == ([ITEMS[1], *MORE], False)


async def test_an_empty_engine_is_filled_again(engine: ThrowawayEngine) -> None:
    """By the first who publishes. The others read everything."""
    async with two_replicas(engine) as (first, second):
        await first.publish(ITEMS, most=MOST)
        await items_of(second)
        await engine.restart()
        await take_permit_again(first)
        assert await first.publish([*ITEMS, *MORE], most=MOST)
        assert await items_of(second) == [*ITEMS, *MORE]


async def take_permit_again(look: SharedLook) -> None:
    """Take the permit as soon as the engine answers again."""
    with anyio.fail_after(PATIENCE_SECONDS):
        while not (state := await look.ask(by_loop=False)):  # noqa: ASYNC110  the engine can only be asked
            await anyio.sleep(0.05)
    assert (state.may_look, state.is_empty) == (True, True)


async def test_an_error_is_shared_as_it_was(engine: ThrowawayEngine) -> None:
    async with two_replicas(engine) as (first, second):
        await take_permit(first)
        await first.publish([], most=MOST, look=FAILED)
        state = await second.ask(by_loop=True)
        assert state is not None
        assert state.look is not None
        assert (state.look.interval, state.look.pause) == (FAILED.interval, FAILED.pause)
        assert type(state.look.error) is type(FAILED.error)
        assert FAILED.error is not None
        assert state.look.error is not None
        assert state.look.error.failure == FAILED.error.failure
        again = await second.ask(by_loop=True)
        assert again is not None
        assert again.look is None


async def test_listeners_are_notified_of_items_and_after_an_outage(
    engine: ThrowawayEngine,
) -> None:
    """Of the source that they listen to."""
    async with replica(engine) as first, replica(engine) as second:
        heard, heard_of_other = ResettableEvent(), ResettableEvent()
        source, other = (second.open(KEY, "chat", it) for it in (STUDIO, "other"))
        async with (
            anyio.create_task_group() as tasks,
            source.listening(heard.set),
            other.listening(heard_of_other.set),
        ):
            tasks.start_soon(second.hear)
            with anyio.fail_after(PATIENCE_SECONDS):
                await heard.wait()  # connected: something may have been lost before
                await heard_of_other.wait()
                await first.open(KEY, "chat", STUDIO).publish(ITEMS, most=MOST)
                await heard.wait()
                assert not heard_of_other.is_set
                await engine.restart()
                await heard.wait()
            tasks.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("key", "kind", "studio"),
    [("sk_live_other", "chat", STUDIO), (KEY, "status", STUDIO), (KEY, "chat", "other")],
)
async def test_keys_sources_and_studios_share_nothing(
    engine: ThrowawayEngine, key: str, kind: str, studio: str
) -> None:
    async with replica(engine) as first:
        await first.open(KEY, "chat", STUDIO).publish(ITEMS, most=MOST)
        other = first.open(key, kind, studio)
        state = await other.ask(by_loop=False)
        assert state is not None
        assert (state.items, state.is_empty, state.may_look) == ([], True, True)


async def test_the_engine_sees_no_key_studio_or_message(engine: ThrowawayEngine) -> None:
    """Neither in names nor in values."""
    async with two_replicas(engine) as (first, _):
        await take_permit(first)
        await first.publish(ITEMS, most=MOST, look=FAILED)
        async with engine.client() as client:
            names = [it async for it in client.scan_iter()]
            values = [await client.dump(it) or b"" for it in names]
    assert len(names) == 4
    for seen in (*names, *values):
        assert b"canary" not in seen
        assert FAILED.error is not None
        assert FAILED.error.failure.code.encode() + b'"' not in seen


async def test_items_that_cannot_be_opened_are_left_out(engine: ThrowawayEngine) -> None:
    """Only somebody who writes to the engine can add one."""
    async with two_replicas(engine) as (first, second):
        await first.publish(ITEMS, most=MOST)
        async with engine.client() as client:
            (name,) = [it async for it in client.scan_iter(match="*:items")]
            await client.xadd(name, {"item": b"forged"})
        assert await items_of(second) == ITEMS


async def test_chat_leaves_a_quarter_of_the_memory_to_consent(engine: ThrowawayEngine) -> None:
    """Each replica looks for itself meanwhile."""
    async with two_replicas(engine) as (first, second), engine.client() as client:
        assert await first.publish(ITEMS, most=MOST)
        await client.set("{trax}:large", bytes(8 << 20))  # beside it, buffers of clients are small
        used: int = (await client.info("memory"))["used_memory"]
        await client.config_set("maxmemory", int(used / 0.9))
        assert await first.ask(by_loop=False) is None
        assert not await first.publish(MORE, most=MOST)
        assert await items_of(second) == ITEMS
        assert await client.incr("{trax}:consent")
        await client.config_set("maxmemory", used * 2)
        await take_permit(first)
        assert await first.publish(MORE, most=MOST, look=LOOK)


async def test_a_look_of_another_version_is_left_out(engine: ThrowawayEngine) -> None:
    """Items are still shared while replicas are updated."""
    async with two_replicas(engine) as (first, second):
        await take_permit(first)
        await first.publish(ITEMS, most=MOST, look=LOOK)
        async with engine.client() as client:
            (name,) = [it async for it in client.scan_iter(match="*:look")]
            source = name.rsplit(b":", 2)[0].decode()
            await client.set(name, seal(b"2{}", secret=KEY, name=source), keepttl=True)
        state = await second.ask(by_loop=False)
        assert state is not None
        assert (state.look, state.items, state.may_look) == (None, ITEMS, False)
