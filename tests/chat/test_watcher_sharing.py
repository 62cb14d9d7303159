"""A watcher shares its polls with other replicas, whose part the test plays."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import anyio

from tests.support.concurrency import settle
from tests.support.scripted_sharing import NOBODY, ScriptedSharing
from tests.support.watcher_harness import SHORTEST, ignore, lost, refused, watching
from trax_mcp.chat.poll_interval import PollInterval
from trax_mcp.chat.shared_feed import FeedItem, LookResult

if TYPE_CHECKING:
    import pytest

ITEM: Final = FeedItem(b"one")
JUST_LOOKED: Final = replace(
    NOBODY,
    may_look=False,
    is_empty=False,
    seconds_to_look=SHORTEST,
    seconds_to_loop=7.0,
    look=LookResult(PollInterval(SHORTEST, unchanged=3), None, 7.0),
)
"""Another replica has looked, and found nothing new."""
LOOKING: Final = replace(NOBODY, may_look=False, is_busy=True)


async def test_a_look_is_published_with_what_it_found() -> None:
    """The other replicas are kept from looking meanwhile."""
    shared = ScriptedSharing(replace(NOBODY, is_empty=False))
    async with watching(shared) as watcher:
        watcher.source.found, watcher.source.hold = [ITEM], anyio.Event()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watcher.refresh)
            await settle()
            assert shared.is_looking
            watcher.source.hold.set()
        ((items, look),) = shared.published
        assert look is not None
        assert (items, look.interval, look.error) == ([ITEM], PollInterval(SHORTEST, 1), None)
        assert (shared.asked, shared.is_looking) == ([False], False)
        assert (watcher.source.found, watcher.source.items) == ([], [ITEM])


async def test_what_was_not_accepted_is_published_again() -> None:
    """Another replica may have added something at the same time."""
    shared = ScriptedSharing(replace(NOBODY, is_empty=False), is_accepted=False)
    async with watching(shared) as watcher:
        watcher.source.found = [ITEM]
        await watcher.refresh()
        await watcher.advance(SHORTEST)
        await watcher.refresh()
        assert [items for items, _ in shared.published] == [[ITEM], [ITEM]]


async def test_everything_is_published_where_nothing_is_shared() -> None:
    """As after a restart of the engine."""
    shared = ScriptedSharing()
    async with watching(shared) as watcher:
        watcher.source.items = [ITEM]
        await watcher.refresh()
        assert [items for items, _ in shared.published] == [[ITEM]]


async def test_the_look_of_another_replica_counts_as_its_own() -> None:
    """What it found is new here, and the next look is when all agreed."""
    shared = ScriptedSharing(replace(JUST_LOOKED, items=[ITEM]))
    notified: list[int] = []
    async with watching(shared) as watcher:
        watcher.listen(lambda: notified.append(len(watcher.source.items)))
        await watcher.refresh()
        assert (watcher.poll_times, watcher.has_polled) == ([], True)
        assert (notified, watcher.source.items) == ([1], [ITEM])
        await watcher.advance(SHORTEST * 1.2)  # the loop asks for the first time
        await watcher.advance(6.9)
        assert shared.asked == [False, True]
        await watcher.advance(0.1)
        assert shared.asked == [False, True, True]


async def test_no_look_is_asked_for_before_it_is_allowed() -> None:
    """However often readers read."""
    shared = ScriptedSharing(replace(JUST_LOOKED, seconds_to_look=30))
    async with watching(shared) as watcher:
        for _ in range(5):
            await watcher.refresh()
            await watcher.advance(7)
        assert shared.asked == [False]


async def test_an_error_of_another_replica_is_told_here() -> None:
    """Its success ends it."""
    error = refused(429, retry_after=30)
    interval = PollInterval(SHORTEST).after_failure(error)
    shared = ScriptedSharing(replace(JUST_LOOKED, look=LookResult(interval, error, 30)))
    async with watching(shared) as watcher:
        await watcher.refresh()
        told = watcher.last_error
        assert told is not None
        assert (told.failure, watcher.has_polled) == (error.failure, False)
        shared.state = JUST_LOOKED
        await watcher.advance(SHORTEST)
        await watcher.refresh()
        assert (watcher.last_error, watcher.has_polled, watcher.poll_times) == (None, True, [])


async def test_an_old_error_is_not_told_before_a_new_look() -> None:
    """The key may have been accepted since."""
    error = LookResult(PollInterval(SHORTEST, failures=2), refused(401), 9)
    shared = ScriptedSharing(replace(NOBODY, look=error))
    notified: list[bool] = []
    async with watching(shared) as watcher:
        watcher.listen(lambda: notified.append(watcher.has_ended))
        await watcher.refresh()
        assert (notified, watcher.last_error, watcher.poll_times) == ([], None, [0.0])


async def test_a_failed_look_is_published() -> None:
    """So that nobody asks TRaX again too soon."""
    shared = ScriptedSharing()
    async with watching(shared) as watcher:
        watcher.source.results = [lost()]
        await watcher.refresh()
        ((_, look),) = shared.published
        assert look is not None
        assert look.error is not None
        assert look.error.failure == lost().failure
        assert look.interval == PollInterval(SHORTEST, failures=1)


async def test_a_reader_waits_for_the_look_of_another_replica() -> None:
    """Then it does not look itself."""
    shared = ScriptedSharing(LOOKING)
    async with watching(shared) as watcher, anyio.create_task_group() as tasks:
        tasks.start_soon(watcher.refresh)
        await watcher.advance(0.1)
        assert (shared.reads, watcher.has_polled) == (1, False)
        shared.state = replace(JUST_LOOKED, items=[ITEM])
        await watcher.advance(1)
        assert (watcher.source.items, watcher.poll_times, shared.asked) == ([ITEM], [], [False])


async def test_a_replica_that_is_gone_is_replaced_at_once() -> None:
    """Its permit has expired without a result."""
    shared = ScriptedSharing(LOOKING)
    async with watching(shared) as watcher, anyio.create_task_group() as tasks:
        tasks.start_soon(watcher.refresh)
        await watcher.advance(0.25)
        shared.state = NOBODY
        await watcher.advance(1)
        assert (shared.asked, watcher.source.poll_times) == ([False, False], [1.25])


async def test_a_replica_polls_for_itself_while_the_engine_is_away() -> None:
    """Also if it goes away while another replica looks."""
    shared = ScriptedSharing(None)
    async with watching(shared) as watcher:
        await watcher.refresh()
        shared.state = LOOKING
        async with anyio.create_task_group() as tasks:
            await watcher.advance(SHORTEST)
            tasks.start_soon(watcher.refresh)
            await watcher.advance(0.25)
            shared.state = None
            await watcher.advance(1)
        assert watcher.poll_times == [0.0, SHORTEST + 1.25]
        assert (watcher.has_polled, shared.published) == (True, [])


async def test_listeners_are_told_what_another_replica_finds() -> None:
    """Without a poll. Without listeners there is nothing to tell."""
    shared = ScriptedSharing(replace(JUST_LOOKED, items=[ITEM]))
    notified: list[int] = []
    async with watching(shared) as watcher:
        stop_listening = watcher.listen(lambda: notified.append(len(watcher.source.items)))
        await settle()
        assert shared.notify is not None
        shared.notify()
        await settle()
        assert (notified, watcher.poll_times, shared.asked) == ([1], [], [])
        stop_listening()
        await settle()
        assert shared.notify is None


async def test_a_change_found_by_another_read_is_published() -> None:
    """Without a change, nothing is."""
    shared = ScriptedSharing()
    async with watching(shared) as watcher:
        watcher.source.found = [ITEM]
        watcher.record_read(changed=False)
        await settle()
        assert shared.published == []
        watcher.record_read(changed=True)
        await settle()
        assert shared.published == [([ITEM], None)]
        assert watcher.source.found == []


async def test_a_bug_in_sharing_does_not_end_the_server(caplog: pytest.LogCaptureFixture) -> None:
    """`watching` checks that."""
    shared = ScriptedSharing(replace(JUST_LOOKED, items=[ITEM], is_complete=False))
    async with watching(shared) as watcher:
        watcher.listen(ignore)
        await settle()
        assert shared.notify is not None
        with caplog.at_level(logging.ERROR):
            shared.notify()
            await settle()
            await watcher.refresh()
        assert [it.message for it in caplog.records] == ["sharing failed", "polling failed"]
        assert watcher.last_error is not None
