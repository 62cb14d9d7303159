"""For any order of messages, polls and reads, readers lose nothing silently and get no repeats.

Hypothesis generates the steps of a simulation; a reference feed states what readers must receive.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from random import Random
from typing import Any, Final, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.hypothesis_profiles import unshrunk
from tests.units.chat.simulated_chat import (
    WINDOW,
    Ids,
    Order,
    Simulation,
    Step,
    Upstream,
)


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
up_to_60 = arrivals(st.integers(0, 60))
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


def after_one_message(steps: list[Step]) -> list[Step]:
    """From a page that was not empty on, the next pages are judged by what is known."""
    return [("arrive", 1), ("poll",), *steps]


orders = st.sampled_from(get_args(Order))
sorted_orders: st.SearchStrategy[Order] = st.sampled_from(("oldest first", "newest first"))
wrong_clocks = st.sampled_from(((0, 0), (40, 0)))
without_distinct_times = st.sampled_from(((0, 100), (None, 0), (None, 50)))


def chats(
    order: st.SearchStrategy[Order] = orders,
    times: st.SearchStrategy[tuple[int | None, int]] = st.just((0, 0)),  # noqa: B008  immutable
    **more: st.SearchStrategy[Any],
) -> st.SearchStrategy[Simulation]:
    """A chat in an order, with a skew of its clock and a percentage of messages without a time."""
    seeds = st.integers(0, 2**32).map(Random)
    upstreams = st.builds(
        lambda order, seed, times, **more: Upstream(order, seed, *times, **more),
        order,
        seeds,
        times,
        **more,
    )
    return upstreams.map(Simulation)


def none_is_marked(simulation: Simulation) -> None:
    check_readers(simulation)
    assert not simulation.reference.lost | simulation.reference.doubtful


def none_is_lost(simulation: Simulation) -> None:
    check_readers(simulation)
    assert not simulation.reference.lost


def all_arrive(simulation: Simulation) -> None:
    none_is_lost(simulation)
    assert simulation.reference.returned == list(range(len(simulation.upstream.messages)))


Scenario = tuple[
    st.SearchStrategy[Simulation],
    st.SearchStrategy[list[Step]],
    Callable[[Simulation], None],
]
SCENARIOS: Final[dict[str, Scenario]] = {
    "up to 199 messages between polls arrive once and none is marked missed": (
        chats(times=wrong_clocks),
        step_lists(cycle(up_to_199)),
        none_is_marked,
    ),
    "nor if others are removed, unless those are all that were known": (
        chats(times=wrong_clocks),
        step_lists(cycle(up_to_199), cycle(up_to_199), removals),
        none_is_lost,
    ),
    "200 messages between polls arrive once and may be marked missed": (
        chats(),
        step_lists(cycle(up_to_199, exactly_200)),
        all_arrive,
    ),
    "more than 200 are marked missed where some are lost": (
        chats(times=wrong_clocks),
        # Were a message forgotten, it would be new again if a page showed it once newer ones are
        # removed.
        step_lists(cycle(up_to_199, exactly_200, more_than_200), cycle(up_to_199), removals).filter(
            lambda steps: sum(sum(it[1:]) for it in steps if it[0] == "arrive") <= WINDOW
        ),
        check_readers,
    ),
    "with any ids and shorter pages than asked for, lost ones are marked missed": (
        chats(ids=st.sampled_from(get_args(Ids)), page_size=st.sampled_from((25, 200))),
        step_lists(cycle(up_to_12, up_to_60)).map(after_one_message),
        check_readers,
    ),
    "and if some are removed from the shorter pages": (
        chats(page_size=st.just(25)),
        step_lists(cycle(up_to_12, up_to_60), removals).map(after_one_message),
        check_readers,
    ),
    "without distinct times, messages are told in the order of the page": (
        chats(sorted_orders, without_distinct_times),
        step_lists(cycle(up_to_199, exactly_200, more_than_200), cycle(up_to_199)),
        check_readers,
    ),
    "no message of the page after a restart is lost": (
        chats(),
        step_lists(cycle(up_to_199, more_than_200), cycle(up_to_199), restart),
        check_remembered_received,
    ),
    "nor if others are removed, even the last that a reader read": (
        chats(),
        step_lists(cycle(up_to_12), removals, restart),
        check_remembered_received,
    ),
}


@pytest.mark.fuzz
@pytest.mark.parametrize(("chat", "steps", "check"), SCENARIOS.values(), ids=SCENARIOS)
@unshrunk(200)
@given(data=st.data())
def test_readers_lose_nothing_silently_and_get_no_repeats(
    chat: st.SearchStrategy[Simulation],
    steps: st.SearchStrategy[list[Step]],
    check: Callable[[Simulation], None],
    data: st.DataObject,
) -> None:
    simulation = data.draw(chat)
    simulation.run(data.draw(steps))
    check(simulation)
