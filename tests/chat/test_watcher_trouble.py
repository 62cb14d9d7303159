"""A watcher continues after temporary errors, and ends after final ones.

The source and the clock are controlled by the test.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.concurrency import settle
from tests.support.watcher_harness import SHORTEST, ignore, lost, no_key, refused, watching
from trax_mcp.api.errors import BadAnswer, LostAnswer

if TYPE_CHECKING:
    from collections.abc import Callable

    from trax_mcp.api.errors import TraxError


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


async def test_neither_readers_nor_the_loop_poll_before_retry_after() -> None:
    """Even if it is longer than any pause of the loop."""
    async with watching() as watcher:
        watcher.source.results = [refused(429, retry_after=120)]
        watcher.listen(ignore)
        await watcher.refresh()
        for _ in range(119):
            await watcher.advance(1)
            await watcher.refresh()
        assert watcher.poll_times == [0.0]
        assert watcher.last_error is not None
        await watcher.advance(1)
        await watcher.refresh()
        assert watcher.poll_times == [0.0, 120.0]
        assert watcher.last_error is None


async def test_the_loop_sleeps_until_after_retry_after() -> None:
    """With jitter."""
    async with watching() as watcher:
        watcher.source.results = [refused(429, retry_after=120)]
        watcher.listen(ignore)
        await watcher.advance(10)
        assert watcher.poll_times == [10.0]
        assert 120 <= watcher.clock.sleeps[-1] <= 120 * 1.2
        await watcher.advance(119.9)
        assert watcher.poll_times == [10.0]
        await watcher.advance(24.1)
        assert watcher.poll_times == [10.0, 154.0]


async def test_pauses_grow_in_an_outage_and_are_short_after_it() -> None:
    """Up to half a minute. Only the change after it notifies listeners."""
    async with watching() as watcher:
        notified: list[float] = []
        watcher.source.results = [lost(), refused(503), lost(), lost(), lost(), lost(), True]
        watcher.listen(lambda: notified.append(watcher.poll_times[-1]))
        for _ in range(7):
            await settle()
            await watcher.advance(watcher.clock.sleeps[-1])
        pauses = watcher.clock.sleeps[1:7]
        expected = [4.0, 8.0, 16.0, 30.0, 30.0, 30.0]
        assert all(
            least <= sleep <= least * 1.2 for least, sleep in zip(expected, pauses, strict=True)
        )
        assert watcher.clock.sleeps[7] <= SHORTEST * 1.2
        assert notified == [watcher.poll_times[6]]
        assert watcher.last_error is None


FINAL_ERRORS: Final = {
    "invalid key": lambda: refused(401),
    "forbidden": lambda: refused(403),
    "studio gone": lambda: refused(404),
    "no key": no_key,
}


@pytest.mark.parametrize("error", FINAL_ERRORS.values(), ids=FINAL_ERRORS)
async def test_a_final_error_ends_the_loop_and_notifies_all_listeners(
    error: Callable[[], TraxError],
) -> None:
    """TRaX is not polled any more."""
    async with watching() as watcher:
        notified: list[str] = []
        watcher.source.results = [True, error()]
        for name in ("a", "b"):
            watcher.listen(lambda name=name: notified.append(name))  # type: ignore[misc]  # bound early
        await watcher.advance(10)
        await watcher.advance(10)
        assert notified == ["a", "b", "a", "b"]
        assert watcher.has_ended
        sleeps = len(watcher.clock.sleeps)
        await watcher.advance(1_000)
        watcher.listen(ignore)
        await watcher.advance(1_000)
        assert (watcher.poll_times, len(watcher.clock.sleeps)) == ([10.0, 20.0], sleeps)


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


async def test_a_bug_is_logged_and_counts_as_a_temporary_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Readers see it as an answer that was not understood."""
    async with watching() as watcher:
        notified: list[float] = []
        watcher.source.results = [RuntimeError("a bug"), RuntimeError("the same bug"), True]
        watcher.listen(lambda: notified.append(watcher.poll_times[-1]))
        with caplog.at_level(logging.ERROR):
            await watcher.refresh()
            assert watcher.last_error is not None
            assert (watcher.last_error.failure.code, watcher.has_ended) == ("bad_answer", False)
            assert isinstance(watcher.last_error.copy(), BadAnswer)
            await watcher.advance(10)
            await watcher.advance(10)
        logged = [(it.message, str(it.exc_info and it.exc_info[1])) for it in caplog.records]
        assert logged == [("polling failed", "a bug"), ("polling failed", "the same bug")]
        assert (watcher.poll_times, notified) == ([0.0, 10.0, 20.0], [20.0])


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
