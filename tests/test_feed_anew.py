"""Feeds that were made anew, and slices that an answer can carry: what a reader gets all the same.

A server forgets when it is started again, and pages may since have got another order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.pages import at, fed, having_read, ids, message, numbered, page
from trax_mcp.chat.feed import Feed, MessagePage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.pages import Page
    from trax_mcp.chat.feed import Message

# Cursors in a feed that was made anew

LONG: Final = "a1 b2 c3 d4 e5 f6 g7 h8 i9 j10"
ANEW: Final = {
    "as before": ("a1 b10", "a1 b10", "", False),
    "more since then": ("a1 b10", "a1 b10 c11", "c", False),
    "one late, before the last": ("a1 b10", "a1 x9 b10", "x", True),
    "one late, before all": ("b10", "x9 b10", "x", True),
    "one late and one in time": ("a1 b10", "a1 x9 b10 c11", "xc", True),
    "several late, here and there": ("b10 d20 f30", "x9 b10 y15 d20 f30 g31", "xyg", True),
    "behind more than a cursor names": (LONG, f"{LONG} x9 k11", "xk", True),
    "at the far end of what it names": (LONG, f"{LONG} x4 y5 z6", "xyz", True),
    "the last has vanished": ("a1 b2 c3", "a1 b2 d4", "d", False),
    "one between has vanished": ("a1 b2 c3", "a1 c3 d4", "d", False),
    "the first has vanished": ("a1 b2 c3", "b2 c3 d4", "d", False),
    "the last has vanished, one late": ("a1 b5 c9", "a1 x3 b5 d10", "xd", True),
    "some of many have vanished": (LONG, "a1 b2 d4 e5 g7 h8 i9 k11", "k", False),
    "all it names have vanished": (LONG, "a1 b2 k11", "abk", True),
}
"""What was there when all was read, what is there now, and what must be told of that."""

each_feed_anew = pytest.mark.parametrize(
    ("before", "now", "told", "missed"), ANEW.values(), ids=ANEW
)


@each_feed_anew
def test_a_feed_made_anew_tells_what_was_not_read(
    before: str, now: str, told: str, *, missed: bool
) -> None:
    """Late arrivals too, though their place is before it; and nothing that the cursor names."""
    feed = fed(page(now))
    read = feed.since(fed(page(before)).latest().cursor)
    assert (ids(read.messages), read.missed) == (told, missed)
    assert feed.since(read.cursor) == MessagePage((), feed.latest().cursor, missed=False)


@each_feed_anew
def test_by_small_steps_it_tells_the_same_and_nothing_twice(
    before: str, now: str, told: str, *, missed: bool
) -> None:
    """A cursor given among late arrivals still names what was read after them."""
    feed, cursor, steps = fed(page(now)), fed(page(before)).latest().cursor, []
    while (step := feed.since(cursor, 1)).messages:
        steps.append(step)
        cursor = step.cursor
    assert "".join(ids(step.messages) for step in steps) == told
    assert any(step.missed for step in steps) is missed
    assert not step.missed


def test_late_arrivals_read_before_the_restart_are_not_told_again() -> None:
    """They stood behind the others, and now stand before them."""
    feed = fed(page("a1 d10"), page("a1 b5 c7 d10"))
    assert ids(feed.latest().messages) == "adbc"
    anew = fed(page("a1 b5 c7 d10 e11"))
    for read, rest in {1: "bcde", 2: "bce", 3: "ce", 4: "e"}.items():
        assert ids(anew.since(having_read(read, of=feed)).messages) == rest


@pytest.mark.parametrize("after", [0, 2], ids=["the last of all", "before others"])
def test_what_a_full_page_may_have_pushed_out_is_not_passed_over_in_silence(after: int) -> None:
    """A message from the future stays while all others go: nobody knows what went besides."""
    future = message("future", "2030-01-01T00:00:00Z")
    feed = fed(numbered(10), [future], numbered(10, 10 + after))
    anew = fed([*numbered(1_000, 1_199), future])
    read = anew.since(feed.latest().cursor)
    assert (read.messages, read.missed) == (anew.latest().messages, True)
    assert anew.since(read.cursor) == MessagePage((), read.cursor, missed=False)


@pytest.mark.parametrize("oldest", [192, 195, 199])
def test_what_a_full_page_has_pushed_out_for_good_is_no_loss(oldest: int) -> None:
    """It was read; what the cursor names besides is the oldest that the page shows."""
    anew = fed(numbered(oldest, oldest + 200))
    read = anew.since(fed(numbered(200)).latest().cursor)
    assert (read.messages, read.missed) == (tuple(numbered(200, oldest + 200)), False)


# How much at once


def large(*spoken: str) -> Page:
    """Messages of so many kilobytes, one a second: `a300` has 300."""
    return [
        message(it[0], at(second)) | {"text": "x" * 1_000 * int(it[1:])}
        for second, it in enumerate(spoken)
    ]


LARGE: Final = {
    "as many as fit": (("a200", "b200", "c200"), "ab", "bc"),
    "one alone, however long": (("a9000", "b1", "c9000"), "a", "c"),
    "none that is cut": (("a100", "b9000", "c100"), "a", "c"),
    "as many as were asked for": (("a1", "b1", "c1"), "abc", "abc"),
}


@pytest.mark.parametrize(("spoken", "first", "last"), LARGE.values(), ids=LARGE)
def test_a_slice_holds_what_an_answer_may_carry(
    spoken: Sequence[str], first: str, last: str
) -> None:
    """From the one end or the other, one message at least; the rest comes by reading on."""
    feed = fed(large(*spoken))
    start = Feed().latest().cursor
    read = feed.since(start)
    assert (ids(read.messages), read.missed) == (first, False)
    assert ids(feed.latest().messages) == last
    told = ids(read.messages)
    while (read := feed.since(read.cursor)).messages:
        assert not read.missed
        told += ids(read.messages)
    assert told == "abc"


def test_how_long_a_message_is_is_found_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it is read and seen again: thousands may read what one viewer said."""
    measured: list[Message] = []

    def measure(it: Message) -> int:
        measured.append(it)
        return 100

    monkeypatch.setattr("trax_mcp.chat.feed._size", measure)
    feed = fed(numbered(150), numbered(50, 200), numbered(200))
    for limit in (1, 50, 1_000):
        assert feed.latest(limit).messages
        assert feed.since("start", limit).messages
    assert measured == numbered(200)
