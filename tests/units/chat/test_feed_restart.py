"""Cursors in a new feed, which may order messages differently, and the size of pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.units.chat.chat_pages import at, fed, having_read, ids, message, page
from trax_mcp.chat.feed import Feed, MessagePage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.units.chat.chat_pages import Page

# Cursors in a new feed

LONG: Final = "a1 b2 c3 d4 e5 f6 g7 h8 i9 j10"
RESTARTS: Final = {
    "unchanged": ("a1 b10", "a1 b10", "", False),
    "one later": ("a1 b10", "a1 b10 c11", "c", False),
    "more read than a cursor names": (LONG, f"{LONG} k11", "k", False),
    "messages that were read left the page": (LONG, "g7 h8 i9 j10 k11", "k", False),
    "late, before those that the cursor names": (LONG, f"{LONG} x4 y5 k11", "k", False),
    "one late, before the last": ("a1 b10", "a1 x9 b10 c11", "c", True),
    "one late, before all": ("b10", "x9 b10 c11", "c", True),
    "several late": ("b10 d20 f30", "x9 b10 y15 d20 f30 g31", "g", True),
    "the last removed": ("a1 b2 c3", "a1 b2 d4", "d", True),
    "one in the middle removed": ("a1 b2 c3", "a1 c3 d4", "d", True),
    "the last removed, one late": ("a1 b5 c9", "a1 x3 b5 d10", "d", True),
    "some of many removed": (LONG, "a1 b2 d4 e5 g7 h8 i9 k11", "k", True),
    "one that the cursor names left the page": (LONG, "h8 i9 j10 k11", "k", True),
    "all that the cursor names removed": (LONG, "a1 b2 k11", "abk", True),
    "all left the page": ("a1 b2", "k11 l12", "kl", True),
}
"""The page that was read, the page after the restart, and what is read there."""


@pytest.mark.parametrize("limit", [1, 1_000], ids=["one by one", "at once"])
def test_after_a_restart_what_follows_the_last_known_message_of_a_cursor_is_new(limit: int) -> None:
    """If its messages no longer stand in a row, some may be lost or repeated: that is said."""
    for kind, (before, now, unread, is_broken) in RESTARTS.items():
        feed, cursor = fed(page(now)), fed(page(before)).latest().cursor
        steps: list[MessagePage] = []
        for _ in range(20):
            steps.append(feed.since(cursor, limit))
            cursor = steps[-1].cursor
        received = "".join(ids(it.messages) for it in steps)
        assert (received, any(it.missed for it in steps)) == (unread, is_broken), kind
        assert steps[-1] == MessagePage((), cursor, missed=False), kind


def test_late_messages_that_were_read_before_a_restart_may_be_repeated() -> None:
    """The old feed has them at the end, the new one in the middle: that is said."""
    feed = fed(page("a1 d10"), page("a1 b5 c7 d10"))
    assert ids(feed.latest().messages) == "adbc"
    new_feed = fed(page("a1 b5 c7 d10 e11"))
    for read, (unread, missed) in {1: ("bcde", False), 2: ("e", True), 4: ("de", True)}.items():
        found = new_feed.since(having_read(read, of=feed))
        assert (ids(found.messages), found.missed) == (unread, missed)


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
    """Messages with a text of so many letters, one per second: `a300` has 300."""
    return [
        message(it[0], at(second)) | {"text": "x" * int(it[1:])} for second, it in enumerate(specs)
    ]


LARGE_PAGES: Final = {
    "as many as fit": (("a300", "b300", "c300"), "ab", "bc"),
    "an oversized one alone": (("a999", "b1", "c999"), "a", "c"),
    "only whole messages": (("a100", "b999", "c100"), "a", "c"),
    "all": (("a1", "b1", "c1"), "abc", "abc"),
}


@pytest.mark.parametrize(("specs", "first", "last"), LARGE_PAGES.values(), ids=LARGE_PAGES)
def test_a_page_is_no_larger_than_an_answer_may_be(
    specs: Sequence[str], first: str, last: str
) -> None:
    """It has at least one message. The others follow its cursor."""
    feed = fed(large(*specs))
    start = Feed().latest().cursor
    read = feed.since(start, most_bytes=1_000)
    assert (ids(read.messages), read.missed) == (first, False)
    assert ids(feed.latest(most_bytes=1_000).messages) == last
    unread = ids(read.messages)
    for _ in range(3):
        assert read.more is (len(unread) < len("abc"))
        read = feed.since(read.cursor, most_bytes=1_000)
        assert not read.missed
        unread += ids(read.messages)
    assert unread == "abc"
