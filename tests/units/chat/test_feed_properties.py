"""For any order of messages, polls and reads, readers lose nothing silently and get no repeats.

Hypothesis generates the steps of a simulation; a reference feed states what readers must receive.
"""

from __future__ import annotations

from itertools import chain
from random import Random
from typing import TYPE_CHECKING, get_args

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.support.hypothesis_profiles import unshrunk
from tests.units.chat.simulated_chat import (
    WINDOW,
    Order,
    Simulation,
    Step,
    Upstream,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


def check_readers(simulation: Simulation) -> None:
    """Without a restart, check what every reader can rely on, independently of the reference."""
    present = set(range(len(simulation.upstream.messages))) - simulation.upstream.removed
    for reader in simulation.readers:
        assert len(set(reader.received)) == len(reader.received)
        since_joined = {number for number in present if number >= reader.joined}
        assert reader.saw_missed or since_joined <= set(reader.received)


def check_remembered_received(simulation: Simulation) -> None:
    """Check that every reader has all remembered messages that are newer than their first read."""
    for reader in simulation.readers:
        remembered = {it for it in simulation.reference.returned[-WINDOW:] if it >= reader.joined}
        assert remembered <= set(reader.received)


# Steps


def arrivals(counts: st.SearchStrategy[int]) -> st.SearchStrategy[Step]:
    return counts.map(lambda count: ("arrive", count))


up_to_199 = arrivals(st.one_of(st.integers(0, 5), st.integers(0, 199), st.just(199)))
exactly_200 = arrivals(st.just(200))
more_than_200 = arrivals(st.sampled_from((201, 250, 700)))
up_to_12 = arrivals(st.integers(0, 12))
poll: st.SearchStrategy[Step] = st.just(("poll",))
reads: st.SearchStrategy[Step] = st.tuples(
    st.just("read"),
    st.integers(0, 2),
    st.sampled_from((1, 2, 50, 200, WINDOW)) | st.integers(1, 400),
)
removals: st.SearchStrategy[list[Step]] = st.integers(1, 150).map(
    lambda count: [("remove", count), ("poll",)]
)
restart: st.SearchStrategy[list[Step]] = st.just([("restart",)])


def cycle(*kinds: st.SearchStrategy[Step]) -> st.SearchStrategy[list[Step]]:
    """Messages arrive, the watcher polls, and readers read; one may also read before the poll."""
    return st.tuples(
        st.lists(reads, max_size=1), st.one_of(kinds), poll, st.lists(reads, max_size=3)
    ).map(lambda parts: [*parts[0], parts[1], parts[2], *parts[3]])


def step_lists(*cycles: st.SearchStrategy[list[Step]]) -> st.SearchStrategy[list[Step]]:
    """Lists of steps, from several cycles."""
    return st.lists(st.one_of(cycles), max_size=14).map(lambda lists: [*chain(*lists)])


seeds = st.integers(0, 2**32).map(Random)
orders = st.sampled_from(get_args(Order))
sorted_orders: st.SearchStrategy[Order] = st.sampled_from(("oldest first", "newest first"))
skews = st.sampled_from((0, 40))
property_settings = unshrunk(200)
pytestmark = pytest.mark.fuzz


@property_settings
@given(
    order=orders,
    skew=skews,
    random=seeds,
    steps=step_lists(cycle(up_to_199), cycle(up_to_199), removals),
)
def test_up_to_199_messages_between_polls_arrive_once_and_none_is_marked_missed(
    order: Order, skew: int, random: Random, steps: Sequence[Step]
) -> None:
    simulation = Simulation(Upstream(order, random, skew))
    simulation.run(steps)
    check_readers(simulation)
    assert not simulation.reference.lost | simulation.reference.doubtful


@property_settings
@given(order=orders, random=seeds, steps=step_lists(cycle(up_to_199, exactly_200)))
def test_200_messages_between_polls_arrive_once_and_may_be_marked_missed(
    order: Order, random: Random, steps: Sequence[Step]
) -> None:
    """A full page of new messages may hide older ones."""
    simulation = Simulation(Upstream(order, random))
    simulation.run(steps)
    check_readers(simulation)
    assert not simulation.reference.lost
    assert simulation.reference.returned == list(range(len(simulation.upstream.messages)))


@property_settings
@given(
    order=orders,
    skew=skews,
    random=seeds,
    steps=step_lists(cycle(up_to_199, exactly_200, more_than_200), cycle(up_to_199), removals),
)
def test_more_than_200_messages_between_polls_are_marked_missed_where_some_are_lost(
    order: Order, skew: int, random: Random, steps: Sequence[Step]
) -> None:
    """Other readers see no mark, and nothing repeats.

    A message that was forgotten would be new again if so many newer ones were removed that a page
    shows it.
    """
    assume(sum(sum(it[1:]) for it in steps if it[0] == "arrive") <= WINDOW)
    simulation = Simulation(Upstream(order, random, skew))
    simulation.run(steps)
    check_readers(simulation)


@property_settings
@given(
    order=sorted_orders,
    times=st.sampled_from(((0, 100), (0, 50), (None, 0), (None, 50))),
    random=seeds,
    steps=step_lists(cycle(up_to_199, exactly_200, more_than_200), cycle(up_to_199)),
)
def test_messages_without_distinct_times_keep_the_order_of_the_pages(
    order: Order, times: tuple[int | None, int], random: Random, steps: Sequence[Step]
) -> None:
    skew, undated = times
    simulation = Simulation(Upstream(order, random, skew, undated))
    simulation.run([("arrive", 1), ("poll",), ("arrive", 2), ("poll",), *steps])
    check_readers(simulation)


@property_settings
@given(
    order=orders,
    random=seeds,
    steps=step_lists(cycle(up_to_199, more_than_200), cycle(up_to_199), restart),
)
def test_readers_lose_no_message_of_the_page_after_a_restart(
    order: Order, random: Random, steps: Sequence[Step]
) -> None:
    """A cursor that is unknown returns all remembered messages, marked as missed."""
    simulation = Simulation(Upstream(order, random))
    simulation.run(steps)
    check_remembered_received(simulation)


@property_settings
@given(order=orders, random=seeds, steps=step_lists(cycle(up_to_12), removals, restart))
def test_readers_lose_no_message_of_the_page_if_others_are_removed_around_a_restart(
    order: Order, random: Random, steps: Sequence[Step]
) -> None:
    simulation = Simulation(Upstream(order, random))
    simulation.run(steps)
    check_remembered_received(simulation)
