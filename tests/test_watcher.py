"""A watcher asks for one thing, for all who want to know of it, and not more often than it may.

What it watches stands in the test's hand, and so does time: nothing sleeps but the watcher.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from tests.meanwhile import settle
from tests.watching import LONGEST_PAUSE, SHORTEST, ignore, lost, refused, watching

if TYPE_CHECKING:
    from collections.abc import Callable

# One loop


async def test_however_many_listen_there_is_one_loop() -> None:
    """A hundred cost what one costs."""
    looks = []
    for many in (1, 100):
        async with watching() as watch:
            for _ in range(many):
                watch.listen(ignore)
            await settle()
            assert len(watch.clock.naps) == 1
            await watch.advance(LONGEST_PAUSE)
            await watch.advance(LONGEST_PAUSE)
            looks.append(watch.looked)
    assert looks == [[10.0, 20.0]] * 2


async def test_the_loop_starts_with_the_first_listener_and_stops_with_the_last() -> None:
    """Whoever comes after that starts it again; leaving twice is leaving once."""
    async with watching() as watch:
        await watch.advance(100)
        assert watch.looked == []
        first, second = watch.listen(ignore), watch.listen(ignore)
        await watch.advance(10)
        first()
        first()
        await watch.advance(10)
        second()
        await watch.advance(100)
        assert watch.looked == [110.0, 120.0]
        third = watch.listen(ignore)
        await watch.advance(10)
        assert watch.looked == [110.0, 120.0, 230.0]
        third()


async def test_one_who_comes_as_the_last_one_leaves_has_a_loop_of_their_own() -> None:
    """The old loop's end is not the end of the new one."""
    async with watching() as watch:
        for _ in range(3):
            leave = watch.listen(ignore)
            leave()
        leave_early = watch.listen(ignore)
        await watch.advance(10)
        leave_late = watch.listen(ignore)
        await watch.advance(10)
        assert watch.looked == [10.0, 20.0]
        leave_early()
        leave_late()
        await watch.advance(100)
        assert watch.looked == [10.0, 20.0]


async def test_the_loop_goes_fast_while_there_is_news_and_slower_and_slower_without() -> None:
    """Between the shortest pause and five times that, and back at once."""
    async with watching() as watch:
        watch.subject.finds += [True, True] + [False] * 8 + [True]
        watch.listen(ignore)
        for _ in range(12):
            await settle()
            await watch.advance(watch.clock.naps[-1])
        fast, slow = SHORTEST * 1.2, LONGEST_PAUSE / 1.2
        assert all(SHORTEST <= nap <= fast for nap in (*watch.clock.naps[:3], watch.clock.naps[11]))
        assert all(slow <= nap <= LONGEST_PAUSE for nap in watch.clock.naps[8:11])
        assert len(set(watch.clock.naps)) == len(watch.clock.naps)


async def test_who_sees_it_elsewhere_does_not_slow_the_loop_down() -> None:
    """They may look as often as they like; only the loop's own looks tell it that all is quiet."""
    async with watching() as watch:
        watch.listen(ignore)
        for _ in range(12):
            watch.saw(news=False)
        await settle()
        await watch.advance(watch.clock.naps[-1])
        first, second = watch.clock.naps
        assert SHORTEST <= first <= SHORTEST * 1.2
        assert SHORTEST * 1.5 <= second <= SHORTEST * 1.5 * 1.2


# Readers


async def test_readers_share_a_look() -> None:
    """All who ask while one looks, and all who ask within the shortest time after it."""
    async with watching() as watch:
        watch.subject.held = anyio.Event()
        async with anyio.create_task_group() as readers:
            for _ in range(20):
                readers.start_soon(watch.refresh)
            await settle()
            watch.subject.held.set()
        await watch.advance(SHORTEST - 0.01)
        await watch.refresh()
        assert watch.looked == [0.0]
        await watch.advance(0.01)
        await watch.refresh()
        await watch.refresh()
        assert watch.looked == [0.0, SHORTEST]


async def test_readers_and_the_loop_together_look_no_more_often_than_they_may() -> None:
    """Whoever asks, and however often, for half a minute."""
    async with watching() as watch:
        watch.listen(ignore)
        for _ in range(300):
            await watch.refresh()
            await watch.advance(0.1)
        apart = [later - one for one, later in zip(watch.looked, watch.looked[1:], strict=False)]
        assert min(apart) >= SHORTEST - 1e-9
        assert len(watch.looked) >= 13


async def test_whoever_reads_while_one_looks_waits_for_the_end_of_that_look() -> None:
    """They came to know what is there now; what was there before is not that."""
    async with watching() as watch:
        watch.subject.held = anyio.Event()
        seen: list[bool] = []

        async def read() -> None:
            await watch.refresh()
            seen.append(watch.has_seen)

        async with anyio.create_task_group() as readers:
            for _ in range(3):
                readers.start_soon(read)
                await watch.advance(100)
            assert (seen, watch.has_seen, watch.looked) == ([], False, [0.0])
            watch.subject.held.set()
        assert seen == [True] * 3


async def test_readers_that_give_up_cause_one_look_and_do_not_cut_it_off() -> None:
    """Twenty that wait for a tenth of a second each, and one who sees what came of it."""
    async with watching() as watch:
        rings: list[float] = []
        watch.subject.held = anyio.Event()
        watch.subject.finds = [True]
        for _ in range(20):
            async with anyio.create_task_group() as readers:
                readers.start_soon(watch.refresh)
                await watch.advance(0.1)
                readers.cancel_scope.cancel()
        assert (watch.looked, watch.is_idle, watch.has_seen) == ([0.0], False, False)
        watch.listen(lambda: rings.append(watch.looked[-1]))
        watch.subject.held.set()
        await settle()
        await watch.refresh()
        assert (watch.looked, watch.has_seen, rings) == ([0.0], True, [0.0])


async def test_a_reader_has_what_the_loop_saw_although_its_last_listener_left() -> None:
    """The loop ends, and its look does not."""
    async with watching() as watch:
        watch.subject.held = anyio.Event()
        watch.subject.finds = [lost()]
        leave = watch.listen(ignore)
        await watch.advance(10)
        async with anyio.create_task_group() as readers:
            readers.start_soon(watch.refresh)
            await settle()
            leave()
            await settle()
            watch.subject.held.set()
        assert watch.trouble is not None
        await watch.refresh()
        assert (watch.looked, watch.is_idle) == ([10.0], True)


async def test_the_next_look_is_due_the_shortest_time_after_the_end_of_the_last() -> None:
    """At once where nobody has looked yet, and later where TRaX wishes it."""
    async with watching() as watch:
        assert (watch.next_look, watch.has_seen) == (watch.clock.seconds(), False)
        watch.subject.finds = [False, lost(), refused(429, retry_after=3_600)]
        for seconds in (SHORTEST, SHORTEST, 3_600):
            await watch.refresh()
            assert (watch.next_look - watch.clock.seconds(), watch.has_seen) == (seconds, True)
            await watch.advance(SHORTEST)


# Listeners


async def test_without_news_nobody_is_rung() -> None:
    """However often is looked, and whatever passing trouble there is."""
    async with watching() as watch:
        rings: list[float] = []
        watch.subject.finds = [False, lost(), False, refused(500), False]
        watch.listen(lambda: rings.append(watch.looked[-1]))
        await watch.refresh()
        for _ in range(5):
            await watch.advance(40)
        assert len(watch.looked) == 6
        assert rings == []


async def test_news_that_a_reader_finds_is_told_to_those_who_listen() -> None:
    """Once, for whoever looked has made it known."""
    async with watching() as watch:
        rings: list[float] = []
        watch.subject.finds = [True]
        with watch.heard_by(lambda: rings.append(watch.looked[-1])):
            await watch.refresh()
            await watch.refresh()
        assert rings == [0.0]


async def test_one_who_leaves_while_a_look_is_under_way_is_not_rung() -> None:
    """Those who stay are; with nobody left, that look is the last."""
    async with watching() as watch:
        rings: list[str] = []
        leave_early = watch.listen(lambda: rings.append("early"))
        leave_late = watch.listen(lambda: rings.append("late"))
        await settle()
        for leave in (leave_early, leave_late):
            watch.subject.held = held = anyio.Event()
            watch.subject.finds = [True]
            await watch.advance(10)
            leave()
            await settle()
            assert not watch.is_idle
            held.set()
            await settle()
        assert (rings, watch.is_idle) == (["late"], True)
        await watch.advance(1_000)
        assert watch.looked == [10.0, 20.0]


async def test_news_that_somebody_else_has_seen_is_told_without_a_look() -> None:
    """And the loop goes fast again, as after news of its own; without news nobody is rung."""
    async with watching() as watch:
        rings: list[float] = []
        watch.listen(lambda: rings.append(watch.clock.seconds()))
        for _ in range(8):
            await settle()
            await watch.advance(watch.clock.naps[-1])
        looked = len(watch.looked)
        watch.saw(news=False)
        assert rings == []
        watch.saw(news=True)
        assert (rings, len(watch.looked)) == ([watch.clock.seconds()], looked)
        await watch.advance(LONGEST_PAUSE)
        assert watch.clock.naps[-1] <= SHORTEST * 1.5 * 1.2


async def test_one_whose_ring_makes_them_leave_disturbs_no_other() -> None:
    """Leaving is allowed at any time."""
    async with watching() as watch:
        rings: list[str] = []
        leaving: list[Callable[[], None]] = []

        def ring(name: str) -> None:
            rings.append(name)
            leaving.pop()()

        leaving += [watch.listen(lambda: ring("a")), watch.listen(lambda: ring("b"))]
        watch.subject.finds = [True, True]
        await watch.refresh()
        assert (rings, watch.is_idle) == (["a", "b"], True)
        await watch.advance(1_000)
        assert watch.looked == [0.0]
