"""What a watcher makes of trouble: it waits, it says why, and it ends where nothing can come.

What it watches stands in the test's hand, and so does time: nothing sleeps but the watcher.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import pytest

from tests.meanwhile import settle
from tests.watching import SHORTEST, ignore, lost, no_key, refused, watching
from trax_mcp.api.errors import BadAnswer, LostAnswer

if TYPE_CHECKING:
    from collections.abc import Callable

    from trax_mcp.api.errors import TraxError


async def test_a_reader_hears_of_trouble_and_of_its_end() -> None:
    """It is there as long as it lasts, to be raised anew for each reader."""
    async with watching() as watch:
        watch.subject.finds = [lost()]
        await watch.refresh()
        assert watch.trouble is not None
        assert not watch.has_ended
        first, second = watch.trouble.again(), watch.trouble.again()
        assert isinstance(first, LostAnswer)
        assert (first is second, first.failure) == (False, lost().failure)
        await watch.advance(SHORTEST)
        await watch.refresh()
        assert watch.trouble is None


async def test_what_trax_wishes_holds_readers_and_the_loop() -> None:
    """`Retry-After` is for all of them, also where it is longer than any pause of ours."""
    async with watching() as watch:
        watch.subject.finds = [refused(429, retry_after=120)]
        watch.listen(ignore)
        await watch.refresh()
        for _ in range(119):
            await watch.advance(1)
            await watch.refresh()
        assert watch.looked == [0.0]
        assert watch.trouble is not None
        await watch.advance(1)
        await watch.refresh()
        assert watch.looked == [0.0, 120.0]
        assert watch.trouble is None


async def test_the_loop_alone_obeys_it_too() -> None:
    """It sleeps for as long, and then a little."""
    async with watching() as watch:
        watch.subject.finds = [refused(429, retry_after=120)]
        watch.listen(ignore)
        await watch.advance(10)
        assert watch.looked == [10.0]
        assert 120 <= watch.clock.naps[-1] <= 120 * 1.2
        await watch.advance(119.9)
        assert watch.looked == [10.0]
        await watch.advance(24.1)
        assert watch.looked == [10.0, 154.0]


async def test_in_an_outage_the_pauses_grow_and_afterwards_they_are_as_before() -> None:
    """Up to half a minute; nobody is rung for it, and the first news after it is told."""
    async with watching() as watch:
        rings: list[float] = []
        watch.subject.finds = [lost(), refused(503), lost(), lost(), lost(), lost(), True]
        watch.listen(lambda: rings.append(watch.looked[-1]))
        for _ in range(7):
            await settle()
            await watch.advance(watch.clock.naps[-1])
        pauses = watch.clock.naps[1:7]
        wanted = [4.0, 8.0, 16.0, 30.0, 30.0, 30.0]
        assert all(want <= nap <= want * 1.2 for want, nap in zip(wanted, pauses, strict=True))
        assert watch.clock.naps[7] <= SHORTEST * 1.2
        assert rings == [watch.looked[6]]
        assert watch.trouble is None


FINAL: Final = {
    "key refused": lambda: refused(401),
    "not allowed": lambda: refused(403),
    "studio gone": lambda: refused(404),
    "no key": no_key,
}


@pytest.mark.parametrize("trouble", FINAL.values(), ids=FINAL)
async def test_trouble_for_good_ends_the_loop_and_is_told_to_all_who_listen(
    trouble: Callable[[], TraxError],
) -> None:
    """They would wait for ever else; and TRaX is asked no more."""
    async with watching() as watch:
        rings: list[str] = []
        watch.subject.finds = [True, trouble()]
        for name in ("a", "b"):
            watch.listen(lambda name=name: rings.append(name))  # type: ignore[misc]  # bound early
        await watch.advance(10)
        await watch.advance(10)
        assert rings == ["a", "b", "a", "b"]
        assert watch.has_ended
        naps = len(watch.clock.naps)
        await watch.advance(1_000)
        watch.listen(ignore)
        await watch.advance(1_000)
        assert (watch.looked, len(watch.clock.naps)) == ([10.0, 20.0], naps)


async def test_what_a_reader_finds_ends_the_loop_as_well() -> None:
    """Without another look, and without telling it twice."""
    async with watching() as watch:
        rings: list[float] = []
        watch.listen(lambda: rings.append(watch.looked[-1]))
        await settle()
        watch.subject.finds = [refused(401)]
        await watch.refresh()
        await watch.advance(1_000)
        assert (watch.looked, rings) == ([0.0], [0.0])


async def test_an_end_that_was_told_is_not_told_again() -> None:
    """Readers go on asking, each at its own cost; those who listen have heard it."""
    async with watching() as watch:
        rings: list[float] = []
        watch.subject.finds = [refused(401), lost(), refused(401), refused(403)]
        watch.listen(lambda: rings.append(watch.looked[-1]))
        for _ in range(4):
            await watch.refresh()
            await watch.advance(SHORTEST)
        assert watch.looked == [0.0, 2.0, 4.0, 6.0]
        assert rings == [0.0, 4.0]


@pytest.mark.parametrize("passed", [SHORTEST, 1_000], ids=["before it wakes", "after its end"])
async def test_a_success_after_the_end_begins_anew(passed: float) -> None:
    """The key was made valid, and a reader saw that: those who still listen hear again."""
    async with watching() as watch:
        rings: list[float] = []
        watch.subject.finds = [refused(401)]
        watch.listen(lambda: rings.append(watch.looked[-1]))
        await settle()
        await watch.refresh()
        await watch.advance(passed)
        watch.subject.finds = [False, True]
        await watch.refresh()
        assert not watch.has_ended
        await watch.advance(10)
        assert watch.looked == [0.0, passed, passed + 10]
        assert rings == [0.0, passed + 10]


async def test_an_outage_after_the_end_is_no_end_any_more() -> None:
    """Whether the key is still refused is not known, so the loop looks for those who listen."""
    async with watching() as watch:
        rings: list[float] = []
        watch.subject.finds = [refused(401), lost(), True]
        watch.listen(lambda: rings.append(watch.looked[-1]))
        await watch.refresh()
        await watch.advance(100)
        await watch.refresh()
        await watch.advance(20)
        assert watch.looked == [0.0, 100.0, 120.0]
        assert rings == [0.0, 120.0]


@pytest.mark.parametrize("news", [False, True])
async def test_what_had_ended_goes_on_when_somebody_else_has_seen_it(*, news: bool) -> None:
    """That is no look; the loop begins anew for those who still listen."""
    async with watching() as watch:
        rings: list[float] = []
        watch.subject.finds = [refused(401), True]
        watch.listen(lambda: rings.append(watch.clock.seconds()))
        await settle()
        await watch.refresh()
        await watch.advance(100)
        assert (len(rings), len(watch.clock.naps), watch.has_ended) == (1, 1, True)
        watch.saw(news=news)
        assert (watch.has_ended, watch.looked, len(rings)) == (False, [0.0], 1 + news)
        await watch.advance(10)
        assert (watch.looked, len(rings)) == ([0.0, 110.0], 2 + news)


async def test_a_passing_trouble_is_over_when_somebody_else_has_seen_it() -> None:
    """It was seen: whoever reads now need not be told that it could not be."""
    async with watching() as watch:
        watch.subject.finds = [lost()]
        await watch.refresh()
        watch.saw(news=False)
        assert (watch.trouble, watch.looked) == (None, [0.0])


async def test_a_fault_of_ours_is_logged_told_to_readers_and_ends_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It passes for an answer that was not understood; the loop goes on, ever more slowly."""
    async with watching() as watch:
        rings: list[float] = []
        watch.subject.finds = [RuntimeError("a bug"), RuntimeError("the same bug"), True]
        watch.listen(lambda: rings.append(watch.looked[-1]))
        with caplog.at_level(logging.ERROR):
            await watch.refresh()
            assert watch.trouble is not None
            assert (watch.trouble.failure.code, watch.has_ended) == ("bad_answer", False)
            assert isinstance(watch.trouble.again(), BadAnswer)
            await watch.advance(10)
            await watch.advance(10)
        logged = [(it.message, str(it.exc_info and it.exc_info[1])) for it in caplog.records]
        assert logged == [("a look failed", "a bug"), ("a look failed", "the same bug")]
        assert (watch.looked, rings) == ([0.0, 10.0, 20.0], [20.0])


async def test_a_fault_of_ours_after_the_end_is_no_end_any_more() -> None:
    """What a reader meets is looked at again for those who listen."""
    async with watching() as watch:
        rings: list[float] = []
        watch.subject.finds = [refused(401), RuntimeError("a bug"), True]
        watch.listen(lambda: rings.append(watch.looked[-1]))
        for _ in range(2):
            await watch.refresh()
            await watch.advance(100)
        assert (watch.looked, rings) == ([0.0, 100.0, 200.0], [0.0, 200.0])
