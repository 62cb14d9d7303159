"""Where messages may be missing: those who read across such a place are told, and nobody else.

`test_feed_properties` has any order of events.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.units.chat.chat_pages import fed, having_read, numbered
from trax_mcp.chat.feed import Feed

if TYPE_CHECKING:
    from tests.units.chat.chat_pages import Page


def after(cursor: str, feed: Feed) -> tuple[Page, bool]:
    """What is read after a cursor, and whether any was missed."""
    read = feed.since(cursor)
    return [*map(dict, read.messages)], read.missed


def feed_with_gap() -> Feed:
    """50 messages, then 200 new ones: some may be missing between them."""
    return fed(numbered(50), numbered(100, 300))


def test_a_gap_is_reported_exactly_once_to_who_crosses_it() -> None:
    feed = feed_with_gap()
    before, behind = having_read(50, of=feed), having_read(51, of=feed)
    assert after(before, feed) == (numbered(100, 300), True)
    assert after(behind, feed) == (numbered(101, 300), False)
    last = feed.latest().cursor
    assert after(last, feed) == ([], False)
    feed.add_page(numbered(150, 350))
    assert after(last, feed) == (numbered(300, 350), False)


def test_only_the_page_that_crosses_a_gap_is_marked_as_missed() -> None:
    feed = feed_with_gap()
    cursor, results = having_read(10, of=feed), []
    for _ in range(4):
        read = feed.since(cursor, 20)
        cursor = read.cursor
        results.append((read.messages[0]["id"], read.missed))
    assert results == [("m10", False), ("m30", False), ("m100", True), ("m120", False)]


PAGES_AFTER_50: Final = {
    "one of 200 known": (numbered(49, 249), False),
    "all known": (numbered(20, 50), False),
    "empty": ([], False),
    "one new": (numbered(50, 51), True),
    "199 new": (numbered(50, 249), True),
    "201 new, newest first": (numbered(250, 49, -1), True),
    "600 new": (numbered(900, 1_500), True),
}


@pytest.mark.parametrize(("new", "missed"), PAGES_AFTER_50.values(), ids=PAGES_AFTER_50)
def test_a_page_on_which_nothing_is_known_is_a_gap(new: Page, *, missed: bool) -> None:
    feed = fed(numbered(50))
    cursor = feed.latest().cursor
    feed.add_page(new)
    assert feed.since(cursor).missed is missed


def test_the_first_page_is_a_gap_if_it_is_as_full_as_asked_for() -> None:
    """Empty pages before it tell of no message."""
    for count, missed in ((49, False), (50, True), (51, True)):
        feed = fed([], [])
        feed.add_page(numbered(count), limit=50)
        assert feed.since(Feed().latest().cursor).missed is missed


def test_the_latest_messages_are_marked_only_if_the_gap_is_among_them() -> None:
    feed = feed_with_gap()
    assert not feed.latest(200).missed
    assert feed.latest(201).missed
    assert feed.latest().missed
    feed.add_page(numbered(200, 400))
    feed.add_page(numbered(300, 500))
    assert feed.latest().missed
    assert not feed.latest(200).missed
    assert not fed(numbered(200)).latest().missed


def test_what_cannot_be_a_message_is_missed_where_it_stands() -> None:
    """Once, and with its place in every answer that would hold it."""
    feed = fed(numbered(50))
    cursor = feed.latest().cursor
    page = [*numbered(40, 52), None, *numbered(52, 60)]
    assert [*feed.add_page(page)] == numbered(50, 60)
    assert after(cursor, feed) == (numbered(50, 60), True)
    first, rest = feed.since(cursor, 2), feed.latest(8)
    assert (first.messages, first.missed) == (tuple(numbered(50, 52)), False)
    assert after(first.cursor, feed) == (numbered(52, 60), True)
    assert (rest.messages, rest.missed) == (tuple(numbered(52, 60)), False)
    assert feed.latest(9).missed
    last = feed.latest().cursor
    for again in (page, [None, *numbered(55, 61)]):
        feed.add_page(again)
    assert after(last, feed) == (numbered(60, 61), False)


def test_what_cannot_be_a_message_is_no_overlap_of_two_pages() -> None:
    """It may stand there all the time."""
    feed = fed([None, *numbered(50)])
    cursor = feed.latest().cursor
    feed.add_page([None, *numbered(60, 70)])
    assert after(cursor, feed) == (numbered(60, 70), True)
