"""Cursors in a new feed, which may order messages differently, and the size of pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.units.chat.chat_pages import at, fed, having_read, ids, message, numbered, page
from trax_mcp.chat.feed import Feed, MessagePage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.units.chat.chat_pages import Page

# Cursors in a new feed

LONG: Final = "a1 b2 c3 d4 e5 f6 g7 h8 i9 j10"
RESTARTS: Final = {
    "unchanged": ("a1 b10", "a1 b10"),
    "one later": ("a1 b10", "a1 b10 c11"),
    "one late, before the last": ("a1 b10", "a1 x9 b10"),
    "one late, before all": ("b10", "x9 b10"),
    "one late and one later": ("a1 b10", "a1 x9 b10 c11"),
    "several late, in different places": ("b10 d20 f30", "x9 b10 y15 d20 f30 g31"),
    "one late, more read than a cursor names": (LONG, f"{LONG} x9 k11"),
    "late after the oldest that the cursor names": (LONG, f"{LONG} x4 y5 z6"),
    "the last removed": ("a1 b2 c3", "a1 b2 d4"),
    "one in the middle removed": ("a1 b2 c3", "a1 c3 d4"),
    "the last removed, one late": ("a1 b5 c9", "a1 x3 b5 d10"),
    "some of many removed": (LONG, "a1 b2 d4 e5 g7 h8 i9 k11"),
    "all that the cursor names removed": (LONG, "a1 b2 k11"),
}
"""The page that was read, and the page after the restart."""


@pytest.mark.parametrize("limit", [1, 1_000], ids=["one by one", "at once"])
def test_after_a_restart_nothing_is_lost_and_repeats_are_marked(limit: int) -> None:
    """Also late messages, with an earlier time than what was read."""
    for kind, (before, now) in RESTARTS.items():
        feed, cursor = fed(page(now)), fed(page(before)).latest().cursor
        steps: list[MessagePage] = []
        for _ in range(20):
            steps.append(feed.since(cursor, limit))
            cursor = steps[-1].cursor
        received = "".join(ids(it.messages) for it in steps)
        missed = any(it.missed for it in steps)
        read = set(ids(page(before)))
        assert set(ids(page(now))) - read <= set(received), kind
        assert missed or not read & set(received), kind
        assert steps[-1] == MessagePage((), cursor, missed=False), kind


@pytest.mark.parametrize(("now", "unread"), [("a1 b10", ""), ("a1 b10 c11", "c")])
def test_a_restart_without_changes_loses_and_marks_nothing(now: str, unread: str) -> None:
    """The cursor is exact."""
    read = fed(page(now)).since(fed(page("a1 b10")).latest().cursor)
    assert (ids(read.messages), read.missed) == (unread, False)


def test_late_messages_read_before_a_restart_are_not_repeated() -> None:
    """The old feed has them at the end, the new one in the middle."""
    feed = fed(page("a1 d10"), page("a1 b5 c7 d10"))
    assert ids(feed.latest().messages) == "adbc"
    new_feed = fed(page("a1 b5 c7 d10 e11"))
    for read, unread in {1: "bcde", 2: "bce", 3: "ce", 4: "e"}.items():
        assert ids(new_feed.since(having_read(read, of=feed)).messages) == unread


@pytest.mark.parametrize("after", [0, 2], ids=["last", "before others"])
def test_a_known_message_from_the_future_does_not_hide_a_possible_loss(after: int) -> None:
    """It stays in the page when all others leave, so others may be missing."""
    future = message("future", "2030-01-01T00:00:00Z")
    feed = fed(numbered(10), [future], numbered(10, 10 + after))
    new_feed = fed([*numbered(1_000, 1_199), future])
    read = new_feed.since(feed.latest().cursor)
    assert (read.messages, read.missed) == (new_feed.latest().messages, True)
    assert new_feed.since(read.cursor) == MessagePage((), read.cursor, missed=False)


def test_read_messages_that_left_a_full_page_are_not_missed() -> None:
    """The oldest message of the page was read."""
    new_feed = fed(numbered(199, 399))
    read = new_feed.since(fed(numbered(200)).latest().cursor)
    assert (read.messages, read.missed) == (tuple(numbered(200, 399)), False)


def test_a_cursor_is_exact_among_messages_that_it_shortens_alike() -> None:
    """Also after a restart. Here, of thousands of messages, two that have the same cursor alone."""
    alike: dict[str, str] = {}
    for number in range(20_000):
        cursor = fed([message(f"m{number}", at(0))]).latest().cursor
        if cursor in alike:
            break
        alike[cursor] = f"m{number}"
    names = [alike[cursor], *(f"other {it}" for it in range(20)), f"m{number}", "last"]
    messages = [message(name, at(second)) for second, name in enumerate(names)]
    assert fed(messages[:1]).latest().cursor == cursor
    for read in range(1, len(names)):
        cursor = having_read(read, of=fed(messages))
        page = fed(messages).since(cursor)
        assert (page.messages, page.missed) == (tuple(messages[read:]), False)


# The size of a page


def large(*specs: str) -> Page:
    """Messages with so many kilobytes, one per second: `a300` has 300."""
    return [
        message(it[0], at(second)) | {"text": "x" * 1_000 * int(it[1:])}
        for second, it in enumerate(specs)
    ]


LARGE_PAGES: Final = {
    "as many as fit": (("a200", "b200", "c200"), "ab", "bc"),
    "an oversized one alone": (("a9000", "b1", "c9000"), "a", "c"),
    "only whole messages": (("a100", "b9000", "c100"), "a", "c"),
    "all": (("a1", "b1", "c1"), "abc", "abc"),
}


@pytest.mark.parametrize(("specs", "first", "last"), LARGE_PAGES.values(), ids=LARGE_PAGES)
def test_a_page_is_no_larger_than_an_answer_may_be(
    specs: Sequence[str], first: str, last: str
) -> None:
    """It has at least one message. The others follow its cursor."""
    feed = fed(large(*specs))
    start = Feed().latest().cursor
    read = feed.since(start)
    assert (ids(read.messages), read.missed) == (first, False)
    assert ids(feed.latest().messages) == last
    unread = ids(read.messages)
    for _ in range(3):
        read = feed.since(read.cursor)
        assert not read.missed
        unread += ids(read.messages)
    assert unread == "abc"
