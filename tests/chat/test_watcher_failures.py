"""A watcher continues after temporary errors, and ends after final ones.

The source and the clock are controlled by the test.
"""

from __future__ import annotations

import pytest

from tests.support.concurrency import settle
from tests.support.watcher_harness import SHORTEST, lost, refused, watching
from trax_mcp.api.errors import LostAnswer


async def test_readers_see_an_error_until_a_poll_succeeds() -> None:
    """Each reader can raise a copy of it."""
    async with watching() as watcher:
        watcher.source.results = [lost()]
        await watcher.refresh()
        assert watcher.last_error is not None
        assert not watcher.has_ended
        first, second = watcher.last_error.copy(), watcher.last_error.copy()
        assert isinstance(first, LostAnswer)
        assert (first is second, first.failure) == (False, lost().failure)
        await watcher.advance(SHORTEST)
        await watcher.refresh()
        assert watcher.last_error is None


async def test_a_final_error_that_a_reader_finds_ends_the_loop() -> None:
    """Without another poll or notification."""
    async with watching() as watcher:
        notified: list[float] = []
        watcher.listen(lambda: notified.append(watcher.poll_times[-1]))
        await settle()
        watcher.source.results = [refused(401)]
        await watcher.refresh()
        await watcher.advance(1_000)
        assert (watcher.poll_times, notified) == ([0.0], [0.0])


async def test_repeated_final_errors_notify_once() -> None:
    """Until another result comes between them."""
    async with watching() as watcher:
        notified: list[float] = []
        watcher.source.results = [refused(401), lost(), refused(401), refused(403)]
        watcher.listen(lambda: notified.append(watcher.poll_times[-1]))
        for _ in range(4):
            await watcher.refresh()
            await watcher.advance(SHORTEST)
        assert watcher.poll_times == [0.0, 2.0, 4.0, 6.0]
        assert notified == [0.0, 4.0]


@pytest.mark.parametrize(
    "elapsed", [SHORTEST, 1_000], ids=["before the loop ends", "after the loop ends"]
)
async def test_a_success_after_a_final_error_restarts_the_loop(elapsed: float) -> None:
    """When a reader finds that the key is valid again."""
    async with watching() as watcher:
        notified: list[float] = []
        watcher.source.results = [refused(401)]
        watcher.listen(lambda: notified.append(watcher.poll_times[-1]))
        await settle()
        await watcher.refresh()
        await watcher.advance(elapsed)
        watcher.source.results = [False, True]
        await watcher.refresh()
        assert not watcher.has_ended
        await watcher.advance(10)
        assert watcher.poll_times == [0.0, elapsed, elapsed + 10]
        assert notified == [0.0, elapsed + 10]


async def test_a_temporary_error_after_a_final_one_restarts_the_loop() -> None:
    """Whether the key is still refused is unknown."""
    async with watching() as watcher:
        notified: list[float] = []
        watcher.source.results = [refused(401), lost(), True]
        watcher.listen(lambda: notified.append(watcher.poll_times[-1]))
        await watcher.refresh()
        await watcher.advance(100)
        await watcher.refresh()
        await watcher.advance(20)
        assert watcher.poll_times == [0.0, 100.0, 120.0]
        assert notified == [0.0, 120.0]


@pytest.mark.parametrize("changed", [False, True])
async def test_a_successful_other_read_restarts_the_loop_after_a_final_error(
    *, changed: bool
) -> None:
    """Without a poll."""
    async with watching() as watcher:
        notified: list[float] = []
        watcher.source.results = [refused(401), True]
        watcher.listen(lambda: notified.append(watcher.clock.seconds()))
        await settle()
        await watcher.refresh()
        await watcher.advance(100)
        assert (len(notified), len(watcher.clock.sleeps), watcher.has_ended) == (1, 1, True)
        watcher.record_success(changed=changed)
        assert (watcher.has_ended, watcher.poll_times, len(notified)) == (False, [0.0], 1 + changed)
        await watcher.advance(10)
        assert (watcher.poll_times, len(notified)) == ([0.0, 110.0], 2 + changed)


async def test_a_successful_other_read_clears_a_temporary_error() -> None:
    """Without a poll."""
    async with watching() as watcher:
        watcher.source.results = [lost()]
        await watcher.refresh()
        watcher.record_success(changed=False)
        assert (watcher.last_error, watcher.poll_times) == (None, [0.0])


async def test_a_bug_after_a_final_error_restarts_the_loop() -> None:
    """As any temporary error does."""
    async with watching() as watcher:
        notified: list[float] = []
        watcher.source.results = [refused(401), RuntimeError("a bug"), True]
        watcher.listen(lambda: notified.append(watcher.poll_times[-1]))
        for _ in range(2):
            await watcher.refresh()
            await watcher.advance(100)
        assert (watcher.poll_times, notified) == ([0.0, 100.0, 200.0], [0.0, 200.0])
