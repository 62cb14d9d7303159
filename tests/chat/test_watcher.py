"""A watcher polls one source for all listeners and readers, no more often than allowed.

The source and the clock are controlled by the test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from tests.support.concurrency import settle
from tests.support.watcher_harness import LONGEST_PAUSE, SHORTEST, ignore, lost, watching

if TYPE_CHECKING:
    from collections.abc import Callable

# The loop


async def test_the_loop_starts_with_the_first_listener_and_stops_with_the_last() -> None:
    """Another listener starts it again. A listener may stop twice."""
    async with watching() as watcher:
        await watcher.advance(100)
        assert watcher.poll_times == []
        first, second = watcher.listen(ignore), watcher.listen(ignore)
        await watcher.advance(10)
        first()
        first()
        await watcher.advance(10)
        second()
        await watcher.advance(100)
        assert watcher.poll_times == [110.0, 120.0]
        third = watcher.listen(ignore)
        await watcher.advance(10)
        assert watcher.poll_times == [110.0, 120.0, 230.0]
        third()


async def test_a_listener_after_the_last_one_starts_a_new_loop() -> None:
    """The end of the old loop does not end the new one."""
    async with watching() as watcher:
        for _ in range(3):
            stop_listening = watcher.listen(ignore)
            stop_listening()
        stop_early = watcher.listen(ignore)
        await watcher.advance(10)
        stop_late = watcher.listen(ignore)
        await watcher.advance(10)
        assert watcher.poll_times == [10.0, 20.0]
        stop_early()
        stop_late()
        await watcher.advance(100)
        assert watcher.poll_times == [10.0, 20.0]


async def test_the_loop_is_fast_after_changes_and_slower_without_changes() -> None:
    """From the shortest pause to five times that."""
    async with watching() as watcher:
        watcher.source.results += [True, True] + [False] * 8 + [True]
        watcher.listen(ignore)
        for _ in range(12):
            await settle()
            await watcher.advance(watcher.clock.sleeps[-1])
        fast, slow = SHORTEST * 1.2, LONGEST_PAUSE / 1.2
        assert all(
            SHORTEST <= sleep <= fast
            for sleep in (*watcher.clock.sleeps[:3], watcher.clock.sleeps[11])
        )
        assert all(slow <= sleep <= LONGEST_PAUSE for sleep in watcher.clock.sleeps[8:11])
        assert len(set(watcher.clock.sleeps)) == len(watcher.clock.sleeps)


# Readers


async def test_readers_share_a_poll() -> None:
    """During it, and within the shortest interval after it."""
    async with watching() as watcher:
        watcher.source.hold = anyio.Event()
        async with anyio.create_task_group() as readers:
            for _ in range(20):
                readers.start_soon(watcher.refresh)
            await settle()
            watcher.source.hold.set()
        await watcher.advance(SHORTEST - 0.01)
        await watcher.refresh()
        assert watcher.poll_times == [0.0]
        await watcher.advance(0.01)
        await watcher.refresh()
        await watcher.refresh()
        assert watcher.poll_times == [0.0, SHORTEST]


async def test_readers_and_the_loop_together_respect_the_shortest_interval() -> None:
    """However often readers read."""
    async with watching() as watcher:
        watcher.listen(ignore)
        for _ in range(300):
            await watcher.refresh()
            await watcher.advance(0.1)
        pauses = [
            later - earlier
            for earlier, later in zip(watcher.poll_times, watcher.poll_times[1:], strict=False)
        ]
        assert min(pauses) >= SHORTEST - 1e-9
        assert len(watcher.poll_times) >= 13


async def test_a_reader_during_a_poll_waits_for_its_end() -> None:
    """The earlier state is out of date."""
    async with watching() as watcher:
        watcher.source.hold = anyio.Event()
        results: list[bool] = []

        async def read() -> None:
            await watcher.refresh()
            results.append(watcher.has_polled)

        async with anyio.create_task_group() as readers:
            for _ in range(3):
                readers.start_soon(read)
                await watcher.advance(100)
            assert (results, watcher.has_polled, watcher.poll_times) == ([], False, [0.0])
            watcher.source.hold.set()
        assert results == [True] * 3


async def test_cancelled_readers_cause_one_poll_and_do_not_cancel_it() -> None:
    """Twenty readers that are cancelled, and one who gets the result."""
    async with watching() as watcher:
        notified: list[float] = []
        watcher.source.hold = anyio.Event()
        watcher.source.results = [True]
        for _ in range(20):
            async with anyio.create_task_group() as readers:
                readers.start_soon(watcher.refresh)
                await watcher.advance(0.1)
                readers.cancel_scope.cancel()
        assert (watcher.poll_times, watcher.is_idle, watcher.has_polled) == ([0.0], False, False)
        watcher.listen(lambda: notified.append(watcher.poll_times[-1]))
        watcher.source.hold.set()
        await settle()
        await watcher.refresh()
        assert (watcher.poll_times, watcher.has_polled, notified) == ([0.0], True, [0.0])


async def test_a_reader_gets_the_result_of_a_poll_whose_loop_has_stopped() -> None:
    """The poll does not stop with the loop."""
    async with watching() as watcher:
        watcher.source.hold = anyio.Event()
        watcher.source.results = [lost()]
        stop_listening = watcher.listen(ignore)
        await watcher.advance(10)
        async with anyio.create_task_group() as readers:
            readers.start_soon(watcher.refresh)
            await settle()
            stop_listening()
            await settle()
            watcher.source.hold.set()
        assert watcher.last_error is not None
        await watcher.refresh()
        assert (watcher.poll_times, watcher.is_idle) == ([10.0], True)


# Listeners


async def test_a_change_that_a_reader_finds_notifies_the_listeners() -> None:
    """Once."""
    async with watching() as watcher:
        notified: list[float] = []
        watcher.source.results = [True]
        with watcher.listening(lambda: notified.append(watcher.poll_times[-1])):
            await watcher.refresh()
            await watcher.refresh()
        assert notified == [0.0]


async def test_a_listener_that_stops_during_a_poll_is_not_notified() -> None:
    """The others are. Without any, that poll is the last."""
    async with watching() as watcher:
        notified: list[str] = []
        stop_early = watcher.listen(lambda: notified.append("early"))
        stop_late = watcher.listen(lambda: notified.append("late"))
        await settle()
        for stop_listening in (stop_early, stop_late):
            watcher.source.hold = hold = anyio.Event()
            watcher.source.results = [True]
            await watcher.advance(10)
            stop_listening()
            await settle()
            assert not watcher.is_idle
            hold.set()
            await settle()
        assert (notified, watcher.is_idle) == (["late"], True)
        await watcher.advance(1_000)
        assert watcher.poll_times == [10.0, 20.0]


async def test_a_change_found_by_another_read_notifies_without_a_poll() -> None:
    """The loop is fast again, too."""
    async with watching() as watcher:
        notified: list[float] = []
        watcher.listen(lambda: notified.append(watcher.clock.seconds()))
        for _ in range(8):
            await settle()
            await watcher.advance(watcher.clock.sleeps[-1])
        polls = len(watcher.poll_times)
        watcher.record_success(changed=False)
        assert notified == []
        watcher.record_success(changed=True)
        assert (notified, len(watcher.poll_times)) == ([watcher.clock.seconds()], polls)
        await watcher.advance(LONGEST_PAUSE)
        assert watcher.clock.sleeps[-1] <= SHORTEST * 1.5 * 1.2


async def test_a_listener_may_stop_listening_when_notified() -> None:
    """All others are still notified."""
    async with watching() as watcher:
        notified: list[str] = []
        stops: list[Callable[[], None]] = []

        def notify(name: str) -> None:
            notified.append(name)
            stops.pop()()

        stops += [watcher.listen(lambda: notify("a")), watcher.listen(lambda: notify("b"))]
        watcher.source.results = [True, True]
        await watcher.refresh()
        assert (notified, watcher.is_idle) == (["a", "b"], True)
        await watcher.advance(1_000)
        assert watcher.poll_times == [0.0]
