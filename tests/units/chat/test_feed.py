"""A feed: the order of messages, repeats, gaps and cursors, each by an example.

`test_feed_restart` has cursors in a new feed, and `test_feed_properties` any order of events.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pytest

from tests.units.chat.chat_pages import at, fed, having_read, ids, message, numbered, page
from trax_mcp.chat.feed import Feed, MessagePage

if TYPE_CHECKING:
    from tests.units.chat.chat_pages import Page


def after(cursor: str, feed: Feed) -> tuple[Page, bool]:
    """What is read after a cursor up to the newest message, and whether any was missed."""
    read = feed.since(cursor)
    assert read.cursor == feed.latest().cursor
    return [*map(dict, read.messages)], read.missed


# Order

ORDERS: Final = {
    "oldest first": ("a1 b2 c3", "abc"),
    "newest first": ("c3 b2 a1", "abc"),
    "unordered": ("b2 c3 a1", "abc"),
    "equal times, oldest first": ("a1 b1 c1 d2", "abcd"),
    "equal times, newest first": ("d2 c1 b1 a1", "abcd"),
    "some times missing, oldest first": ("a1 b c d2", "abcd"),
    "some times missing, newest first": ("d2 c b a1", "abcd"),
    "first and last time missing, oldest first": ("a b1 c2 d", "abcd"),
    "first and last time missing, newest first": ("d c2 b1 a", "abcd"),
    "no times": ("c a b", "cab"),
    "equal times": ("c1 a1 b1", "cab"),
    "one message": ("a", "a"),
    "no messages": ("", ""),
    "different clocks, oldest first": ("a8 b6 c10 d7 e12 g h f11", "bdacfghe"),
    "different clocks, newest first": ("f11 h g e12 d7 c10 b6 a8", "bdacfghe"),
}


def test_messages_are_ordered_oldest_first() -> None:
    """By time. A page whose first time is after its last is read from its end."""
    for kind, (words, order) in ORDERS.items():
        feed = Feed()
        assert ids(feed.add_page(page(words))) == order, kind
        assert ids(feed.latest().messages) == order, kind


def test_times_of_different_zones_are_compared_and_default_to_utc() -> None:
    messages = [
        message("d", "2025-12-31T23:00:04-01:00"),
        message("b", "2026-01-01T01:00:02+01:00"),
        message("c", "2026-01-01 00:00:03"),
        message("a", "20260101T000001Z"),
    ]
    assert ids(Feed().add_page(messages)) == "abcd"


PAGE_SEQUENCES: Final = {
    "oldest first": ("a, a b, a b c d, c d e f g", "a, b, cd, efg"),
    "newest first": ("a, b a, d c b a, g f e d c", "a, b, dc, gfe"),
    "times of earlier pages change nothing": ("b8 a7, y x", "ab, yx"),
}


@pytest.mark.parametrize("time", ["", "7"], ids=["no times", "equal times"])
def test_pages_without_distinct_times_are_read_as_they_come(time: str) -> None:
    """Nothing tells which end is the newer one. No message is lost or told twice."""
    for kind, (pages, new) in PAGE_SEQUENCES.items():
        feed = Feed()
        parts = re.sub(r"\b([a-z])\b", rf"\g<1>{time}", pages).split(",")
        assert [ids(feed.add_page(page(words))) for words in parts] == new.split(", "), kind


# Pages


def test_a_repeated_message_is_returned_once_even_if_it_was_edited() -> None:
    feed = Feed()
    assert ids(feed.add_page(page("a1 b2 a1 b2 b2"))) == "ab"
    assert ids(feed.add_page(page("b2 a1 b2 c3 c3"))) == "c"
    assert feed.add_page([message("a", at(9)) | {"text": "edited"}]) == ()
    assert ids(feed.latest().messages) == "abc"


def test_an_id_that_another_platform_used_long_ago_is_new() -> None:
    """The page no longer shows the message that had it."""
    feed = fed(page("a1 b2"))
    there = {**message("a", at(3)), "platform": "youtube"}
    assert feed.add_page([*page("b2"), there]) == (there,)
    assert feed.add_page([*page("b2"), there]) == ()


@pytest.mark.parametrize(
    ("before", "now", "new"),
    [
        *(("a1 c3", it, "b") for it in ("a1 b2 c3", "c3 b2 a1", "a1 b c3", "b1 c3 a1")),
        ("a1 x59", "a1 x59 d3 c2", "cd"),
    ],
)
def test_a_late_message_is_appended_after_all_cursors(before: str, now: str, new: str) -> None:
    """Although its time is before theirs. So one from the future hides no later message."""
    feed = fed(page(before))
    cursor, earlier = feed.latest().cursor, ids(feed.latest().messages)
    assert ids(feed.add_page(page(now))) == new
    read = feed.since(cursor)
    assert (ids(read.messages), read.missed) == (new, False)
    assert ids(feed.latest().messages) == earlier + new


# Memory


def test_the_last_thousand_messages_are_remembered() -> None:
    """A cursor is valid as long as the four messages before it are remembered."""
    feed = fed(*(numbered(max(0, start - 1), start + 150) for start in range(0, 1_200, 150)))
    assert feed.latest().messages == tuple(numbered(200, 1_200))
    fresh = fed(*(numbered(start, start + 150) for start in range(0, 900, 150)))
    forgotten, known = having_read(200, of=fresh), having_read(204, of=fresh)
    assert after(known, feed) == (numbered(204, 1_200), False)
    assert after(forgotten, feed) == (numbered(200, 1_200), True)


def long_messages(*span: int) -> Page:
    """One message of 20 kB per second, oldest first."""
    return [{**it, "text": "\U0001f525" * 5_000} for it in numbered(*span)]


def test_long_messages_are_forgotten_earlier() -> None:
    """At most 2 MB of them are kept, and the gap is reported to a reader who has not read them."""
    feed = fed(numbered(50), long_messages(50, 100), long_messages(100, 150))
    forgotten = 150 - len(feed)
    assert 50 < forgotten < 60
    read = feed.since(fed(numbered(50)).latest().cursor)
    assert (read.messages[0]["id"], read.missed) == (f"m{forgotten}", True)


def test_messages_that_were_forgotten_for_their_size_are_not_new_again() -> None:
    feed = fed(long_messages(100), long_messages(100, 150))
    last = feed.latest().cursor
    assert feed.add_page(long_messages(200)) == tuple(long_messages(150, 200))
    assert feed.add_page(long_messages(50, 200)) == ()
    read = feed.since(last, 20)
    assert (read.messages, read.missed) == (tuple(long_messages(150, 170)), False)


def test_the_new_messages_of_one_page_are_kept_whatever_their_size() -> None:
    """Until there are newer ones: a poll without news forgets nothing."""
    feed = fed(long_messages(180), long_messages(180))
    assert feed.latest(1).messages == tuple(long_messages(179, 180))
    first = feed.since("start")  # as much as fits into an answer
    assert (first.messages, first.missed) == (tuple(long_messages(len(first.messages))), False)
    assert (100 < len(first.messages) < 130, first.more) == (True, True)
    feed.add_page(numbered(180, 181))
    assert len(feed) <= 100


# Reading


def test_latest_returns_at_most_as_many_messages_as_the_limit() -> None:
    feed = fed(numbered(100))
    for limit, count in ((3, 3), (100, 100), (500, 100)):
        assert feed.latest(limit) == MessagePage(
            tuple(numbered(100 - count, 100)),
            feed.latest().cursor,
            missed=False,
            more=count < 100,
        )


# Cursors

UNKNOWN_CURSORS: Final = (
    *("", "garbage", "START", "-1", "x" * 10_000, "💬\0\u202e", "A" * 16),
    fed(page("a1 b2")).latest().cursor,
)


@pytest.mark.parametrize("cursor", UNKNOWN_CURSORS, ids=range(len(UNKNOWN_CURSORS)))
def test_an_unknown_cursor_returns_all_remembered_messages_as_missed(cursor: str) -> None:
    """Whether invented, of another studio, or too old."""
    feed = fed(numbered(100))
    assert after(cursor, feed) == (numbered(100), True)
    first = feed.since(cursor, 10)
    assert (first.messages, first.missed) == (tuple(numbered(10)), True)
    assert after(first.cursor, feed) == (numbered(10, 100), False)
    assert after(cursor, Feed()) == ([], True)


def test_the_cursor_of_an_empty_chat_returns_all_later_messages() -> None:
    """Also after a restart. A full page or a full feed may hide the first ones."""
    empty = Feed()
    start = empty.latest().cursor
    assert after(start, empty) == ([], False)
    empty.add_page(numbered(199))
    assert after(start, empty) == after(start, fed(numbered(199))) == (numbered(199), False)
    assert after(start, fed(numbered(200))) == (numbered(200), True)
    long_chat = fed(*(numbered(it, it + 199) for it in range(0, 1_194, 199)))
    assert after(start, long_chat) == (numbered(194, 1_194), True)


@pytest.mark.parametrize("new_page", [numbered(60), numbered(59, -1, -1), numbered(20, 60)])
def test_a_new_feed_reads_the_cursor_of_an_earlier_one(new_page: Page) -> None:
    cursor, feed = fed(numbered(40)).latest().cursor, fed(new_page)
    assert after(cursor, feed) == (numbered(40, 60), False)
    assert feed.latest().cursor == fed(numbered(60)).latest().cursor


# Ids and times of hostile viewers

HOSTILE_IDS: Final = ["start", "x" * 100_000, "../../etc", "a\0b", "\u202eevil", "😀" * 50]


def test_a_cursor_is_short_and_opaque_however_long_the_chat() -> None:
    """It is part of URIs and of a model's context, so a viewer must not be able to write in it."""
    feeds = [fed(*(numbered(it, it + 1) for it in range(count))) for count in range(1, 13)]
    for feed in (*feeds, *(fed([message(name, at(1))]) for name in HOSTILE_IDS)):
        cursor = feed.latest().cursor
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,16}", cursor)
        assert feed.since(cursor) == MessagePage((), cursor, missed=False)
        assert feed.since(Feed().latest().cursor).messages == feed.latest().messages


TIMES: Final = {
    **dict.fromkeys(["", "garbage", "2026-13-01T00:00:00Z", "\0", "9" * 99_999], "abc"),
    "9999-12-31T23:59:59-23:59": "acb",
    "0001-01-01T00:00:00+23:59": "bac",
}


def test_an_unreadable_time_counts_as_missing_and_extreme_ones_are_ordered() -> None:
    """A message without a time keeps its position in the page."""
    for time, order in (*TIMES.items(), (5, "abc"), (None, "abc"), ([], "abc"), ({}, "abc")):
        messages = [message("a", at(1)), message("b", time), message("c", at(3))]
        assert ids(Feed().add_page(messages)) == order
        assert ids(Feed().add_page(messages[::-1])) == order
