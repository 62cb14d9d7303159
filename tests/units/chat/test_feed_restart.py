"""Cursors in a new feed, which may order messages differently, and the size of pages."""

from __future__ import annotations

import json
import re
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.chat_pages import at, fed, having_read, ids, message, numbered, page
from trax_mcp.chat.feed import Feed, MessagePage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.chat_pages import Page
    from trax_mcp.chat.feed import Message

# Cursors in a new feed

LONG: Final = "a1 b2 c3 d4 e5 f6 g7 h8 i9 j10"
CASES: Final = {
    "unchanged": ("a1 b10", "a1 b10", "", False),
    "one later": ("a1 b10", "a1 b10 c11", "c", False),
    "one late, before the last": ("a1 b10", "a1 x9 b10", "x", True),
    "one late, before all": ("b10", "x9 b10", "x", True),
    "one late and one later": ("a1 b10", "a1 x9 b10 c11", "xc", True),
    "several late, in different places": ("b10 d20 f30", "x9 b10 y15 d20 f30 g31", "xyg", True),
    "one late, more read than a cursor names": (LONG, f"{LONG} x9 k11", "xk", True),
    "late after the oldest that the cursor names": (LONG, f"{LONG} x4 y5 z6", "xyz", True),
    "the last removed": ("a1 b2 c3", "a1 b2 d4", "d", False),
    "one in the middle removed": ("a1 b2 c3", "a1 c3 d4", "d", False),
    "the first removed": ("a1 b2 c3", "b2 c3 d4", "d", False),
    "the last removed, one late": ("a1 b5 c9", "a1 x3 b5 d10", "xd", True),
    "some of many removed": (LONG, "a1 b2 d4 e5 g7 h8 i9 k11", "k", False),
    "all that the cursor names removed": (LONG, "a1 b2 k11", "abk", True),
}
"""The page that was read, the page after the restart, the unread messages, and `missed`."""


@pytest.mark.parametrize(("before", "now", "unread", "missed"), CASES.values(), ids=CASES)
def test_a_new_feed_returns_the_unread_messages_at_once_or_one_by_one(
    before: str, now: str, unread: str, *, missed: bool
) -> None:
    """Also late ones with an earlier time, and none that the cursor names.

    A cursor between late messages also names those that were read after them.
    """
    feed, cursor, steps = fed(page(now)), fed(page(before)).latest().cursor, []
    read = feed.since(cursor)
    assert (ids(read.messages), read.missed) == (unread, missed)
    assert feed.since(read.cursor) == MessagePage((), feed.latest().cursor, missed=False)
    while (step := feed.since(cursor, 1)).messages:
        steps.append(step)
        cursor = step.cursor
    assert "".join(ids(step.messages) for step in steps) == unread
    assert any(step.missed for step in steps) is missed
    assert not step.missed


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


@pytest.mark.parametrize("oldest", [192, 195, 199])
def test_read_messages_that_left_a_full_page_are_not_missed(oldest: int) -> None:
    """The oldest message of the page was read."""
    new_feed = fed(numbered(oldest, oldest + 200))
    read = new_feed.since(fed(numbered(200)).latest().cursor)
    assert (read.messages, read.missed) == (tuple(numbered(200, oldest + 200)), False)


# Messages with the same digest


@pytest.fixture
def short_digests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let one of 64 messages have the digest of another."""

    def digest(message_id: str) -> str:
        return f"AA{chr(ord('0') + blake2b(message_id.encode()).digest()[0] % 64)}"

    monkeypatch.setattr("trax_mcp.chat.feed._digest", digest)
    monkeypatch.setattr("trax_mcp.chat.feed._CURSOR", re.compile("(AA.){1,8}", re.DOTALL))


@pytest.mark.usefixtures("short_digests")
def test_a_cursor_is_exact_among_messages_with_the_same_digest() -> None:
    """Also after a restart. All of its messages stand in a row."""
    feed = fed(numbered(150))
    for read in range(1, 150):
        cursor = having_read(read, of=feed)
        for each in (feed, fed(numbered(150))):
            page = each.since(cursor, 1_000)
            assert (page.messages, page.missed) == (tuple(numbered(read, 150)), False)


@pytest.mark.usefixtures("short_digests")
def test_a_message_taken_for_one_that_was_read_is_marked_as_missed() -> None:
    """It has the digest of one that was read, and that TRaX removed around a restart."""
    before, unread = fed(numbered(40)).latest().cursor, numbered(40, 100)
    losses = []
    for removed in range(32, 40):
        left = [it for it in numbered(100) if it["id"] != f"m{removed}"]
        read = fed(left).since(before)
        if any(it not in read.messages for it in unread):
            losses.append(read.missed)
    assert set(losses) == {True}


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
    while (read := feed.since(read.cursor)).messages:
        assert not read.missed
        unread += ids(read.messages)
    assert unread == "abc"


def test_the_size_of_a_message_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it is received and read."""
    sized: list[Message] = []

    def size(text: str) -> int:
        sized.append(json.loads(text))
        return 100

    monkeypatch.setattr("trax_mcp.chat.feed._size_in_answer", size)
    feed = fed(numbered(150), numbered(50, 200), numbered(200))
    for limit in (1, 50, 1_000):
        assert feed.latest(limit).messages
        assert feed.since("start", limit).messages
    assert sized == numbered(200)
