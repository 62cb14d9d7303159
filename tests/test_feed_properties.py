"""Whatever is said, seen and read, in whatever order: nothing is lost, and nothing repeats.

Hypothesis thinks up plays and has them played; a simple feed says what each reader must get.
"""

from __future__ import annotations

from itertools import chain
from random import Random
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.plays import (
    PAGE,
    REMEMBERED,
    Arrive,
    Order,
    Play,
    Poll,
    Read,
    Restart,
    Step,
    Upstream,
    Vanish,
    numbers,
)
from trax_mcp.chat.feed import Feed

if TYPE_CHECKING:
    from collections.abc import Sequence


def judge(play: Play) -> None:
    """Without the reference, and with no restart: what every reader can rely on."""
    here = set(range(len(play.upstream.said))) - play.upstream.vanished
    for reader in play.readers:
        assert len(set(reader.got)) == len(reader.got)
        since_then = {number for number in here if number >= reader.joined}
        assert reader.was_told or since_then <= set(reader.got)


def nothing_kept_back(play: Play) -> None:
    """What is remembered at the end and came after them has been told to every reader."""
    for reader in play.readers:
        remembered = {it for it in play.reference.told[-REMEMBERED:] if it >= reader.joined}
        assert remembered <= set(reader.got)


# The plots

few = st.builds(Arrive, st.one_of(st.integers(0, 5), st.integers(0, 199), st.just(199)))
exactly = st.just(Arrive(200))
many = st.builds(Arrive, st.sampled_from((201, 250, 700)))
poll = st.just(Poll())
trickle = st.builds(Arrive, st.integers(0, 12))
reads = st.builds(
    Read, st.integers(0, 2), st.sampled_from((1, 2, 50, 200, REMEMBERED)) | st.integers(1, 400)
)
removals: st.SearchStrategy[list[Step]] = st.builds(
    lambda count: [Vanish(count), Poll()], st.integers(1, 150)
)
restart: st.SearchStrategy[list[Step]] = st.just([Restart()])


def scene(*arrivals: st.SearchStrategy[Arrive]) -> st.SearchStrategy[list[Step]]:
    """Some arrive, the watcher looks, some read; readers may also be there before the look."""
    return st.tuples(
        st.lists(reads, max_size=1), st.one_of(arrivals), poll, st.lists(reads, max_size=3)
    ).map(lambda parts: [*parts[0], parts[1], parts[2], *parts[3]])


def plots(*scenes: st.SearchStrategy[list[Step]]) -> st.SearchStrategy[list[Step]]:
    """Several scenes after each other."""
    return st.lists(st.one_of(scenes), max_size=14).map(lambda several: [*chain(*several)])


seeds = st.integers(0, 2**32).map(Random)
playing = settings(
    max_examples=30,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
ORDERS: Final[Sequence[Order]] = ("oldest first", "newest first", "shuffled")


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("skew", [0, 40])
@playing
@given(chance=seeds, steps=plots(scene(few), scene(few), removals))
def test_up_to_199_between_looks_all_arrive_once_and_nobody_is_told_otherwise(
    order: Order, skew: int, *, chance: Random, steps: Sequence[Step]
) -> None:
    """In order, by small steps and great, though messages vanish and clocks are wrong."""
    play = Play(Upstream(order, chance, skew))
    play.run(steps)
    judge(play)
    assert not play.reference.lost | play.reference.doubtful


@pytest.mark.parametrize("order", ORDERS)
@playing
@given(chance=seeds, steps=plots(scene(few, exactly)))
def test_exactly_200_between_looks_all_arrive_once_though_it_may_be_doubted(
    order: Order, *, chance: Random, steps: Sequence[Step]
) -> None:
    """A full page of strangers may hide something, and here never does."""
    play = Play(Upstream(order, chance))
    play.run(steps)
    judge(play)
    assert not play.reference.lost
    assert play.reference.told == list(range(len(play.upstream.said)))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("skew", [0, 40])
@playing
@given(chance=seeds, steps=plots(scene(few, exactly, many), scene(few), removals))
def test_beyond_that_the_rest_arrives_in_order_and_whoever_lost_some_is_told(
    order: Order, skew: int, *, chance: Random, steps: Sequence[Step]
) -> None:
    """No one else is, and nothing repeats."""
    play = Play(Upstream(order, chance, skew))
    play.run(steps)
    judge(play)


@pytest.mark.parametrize("order", ["oldest first", "newest first"])
@pytest.mark.parametrize(("skew", "undated"), [(0, 100), (0, 50), (None, 0), (None, 50)])
@playing
@given(chance=seeds, steps=plots(scene(few, exactly, many), scene(few)))
def test_where_times_are_missing_or_equal_the_order_is_that_of_the_pages(
    order: Order, skew: int | None, undated: int, *, chance: Random, steps: Sequence[Step]
) -> None:
    """Once two looks have shown which way pages run."""
    play = Play(Upstream(order, chance, skew, undated))
    play.run([Arrive(1), Poll(), Arrive(2), Poll(), *steps])
    judge(play)


@pytest.mark.parametrize("order", ORDERS)
@playing
@given(chance=seeds, steps=plots(scene(few, many), scene(few), restart))
def test_a_restart_costs_no_reader_anything_that_the_page_still_shows(
    order: Order, *, chance: Random, steps: Sequence[Step]
) -> None:
    """Cursors go on where they were; those that cannot, give the window and say so."""
    play = Play(Upstream(order, chance))
    play.run(steps)
    nothing_kept_back(play)


@pytest.mark.parametrize("order", ORDERS)
@playing
@given(chance=seeds, steps=plots(scene(trickle), removals, restart))
def test_nor_do_removals_before_it_and_after(
    order: Order, *, chance: Random, steps: Sequence[Step]
) -> None:
    """Though the message be gone behind which a reader stood, as long as a page shows the rest."""
    play = Play(Upstream(order, chance))
    play.run(steps)
    nothing_kept_back(play)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("before", [0, 300])
@playing
@given(chance=seeds, steps=plots(scene(trickle), restart))
def test_what_a_restart_puts_into_another_order_is_told_all_the_same(
    order: Order, before: int, *, chance: Random, steps: Sequence[Step]
) -> None:
    """Clocks that are 3 s wrong move a message past 6 others, which is less than cursors name."""
    play = Play(Upstream(order, chance, skew=3))
    play.run([Arrive(before), Poll(), *steps])
    nothing_kept_back(play)


# The burst

MANY: Final = 10_000


def follow(order: Order, *, rate: int) -> tuple[list[int], int]:
    """What a reader gets of 10,000 messages, so many between looks; how often it is told of loss.

    The reader takes at most 150 at a time, and reads twice after each look.
    """
    upstream = Upstream(order, Random(7), undated=30)  # noqa: S311  the same chance in each run
    feed, got, told = Feed(), [0], 0
    upstream.arrive(1)
    feed.add_page(upstream.page())
    cursor = feed.latest().cursor
    while len(upstream.said) < MANY:
        upstream.arrive(min(rate, MANY - len(upstream.said)))
        feed.add_page(upstream.page())
        for _ in range(2):
            read = feed.since(cursor, 150)
            cursor, told = read.cursor, told + read.missed
            got += numbers(read.messages)
    return got, told


@pytest.mark.parametrize("order", ["oldest first", "newest first"])
@pytest.mark.parametrize("rate", [10, 37, 199])
def test_a_burst_within_the_window_arrives_complete_and_in_order(order: Order, rate: int) -> None:
    """10,000 messages, up to 199 between two looks."""
    assert follow(order, rate=rate) == (list(range(MANY)), 0)


@pytest.mark.parametrize("order", ["oldest first", "newest first"])
@pytest.mark.parametrize("rate", [201, 333, 2_000])
def test_a_burst_beyond_the_window_is_missed_and_still_in_order(order: Order, rate: int) -> None:
    """What a page showed arrives once, and each look that lost some says so once."""
    got, told = follow(order, rate=rate)
    looks = range(1, MANY, rate)
    ends = [min(start + rate, MANY) for start in looks]
    shown = [range(max(start, end - PAGE), end) for start, end in zip(looks, ends, strict=True)]
    assert got == [0, *(number for page in shown for number in page)]
    assert told == sum(len(page) == PAGE for page in shown)
