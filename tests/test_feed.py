"""What a feed makes of pages: order, no repeats, honest gaps, and cursors that last.

What becomes of cursors where a feed was made anew is in `test_feed_anew`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pytest

from tests.pages import at, fed, having_read, ids, message, numbered, page
from trax_mcp.chat.feed import FULL_PAGE, WINDOW, Feed, MessagePage

if TYPE_CHECKING:
    from tests.pages import Page

# Order

ORDERS: Final = {
    "oldest first": ("a1 b2 c3", "abc"),
    "newest first": ("c3 b2 a1", "abc"),
    "in no order": ("b2 c3 a1", "abc"),
    "equal times, oldest first": ("a1 b1 c1 d2", "abcd"),
    "equal times, newest first": ("d2 c1 b1 a1", "abcd"),
    "some without, oldest first": ("a1 b c d2", "abcd"),
    "some without, newest first": ("d2 c b a1", "abcd"),
    "the outermost without, oldest first": ("a b1 c2 d", "abcd"),
    "the outermost without, newest first": ("d c2 b1 a", "abcd"),
    "all without": ("a b c", "abc"),
    "all the same": ("a1 b1 c1", "abc"),
    "one": ("a", "a"),
    "none": ("", ""),
    "two clocks, oldest first": ("a10 b6 c11 d7 e12 g h f8", "bdfacegh"),
    "two clocks, newest first": ("f8 h g e12 d7 c11 b6 a10", "bdfacegh"),
}


@pytest.mark.parametrize(("words", "order"), ORDERS.values(), ids=ORDERS)
def test_a_page_comes_out_oldest_first(words: str, order: str) -> None:
    """By time; where that says nothing as the page has it, in the direction its times show."""
    feed = Feed()
    assert ids(feed.add_page(page(words))) == order
    assert ids(feed.latest().messages) == order


def test_times_are_compared_across_zones_and_without_one_they_are_utc() -> None:
    """Seconds 1, 2, 3 and 4, each written in its own way."""
    written = [
        message("d", "2025-12-31T23:00:04-01:00"),
        message("b", "2026-01-01T01:00:02+01:00"),
        message("c", "2026-01-01 00:00:03"),
        message("a", "20260101T000001Z"),
    ]
    assert ids(Feed().add_page(written)) == "abcd"


WAYS: Final = {
    "newest first": ("a, b a, d c b a, g f e d c", "a, b, cd, efg"),
    "oldest first": ("a, a b, a b c d, c d e f g", "a, b, cd, efg"),
    "newest first, from silence": (", a, c b a, c b a, e d c", ", a, bc, , de"),
    "a wrong guess is put right": ("c b a, e d c b a, h g f e d", "cba, de, fgh"),
    "remembered where all is new": ("a, c b a, z y x", "a, bc, xyz"),
    "against what times showed before": ("a2 b3, d c b3", "ab, cd"),
    "as times showed before": ("b3 a2, y x", "ab, xy"),
    "times say more than ends do": ("c3 b2, c3 b2 z y a1", "bc, ayz"),
}


@pytest.mark.parametrize("time", ["", "7"], ids=["no times", "all the same time"])
@pytest.mark.parametrize(("pages", "news"), WAYS.values(), ids=WAYS)
def test_without_times_the_new_end_of_a_page_shows_which_way_it_runs(
    pages: str, news: str, time: str
) -> None:
    """What is at one end and was not there before is newer than what is at the other."""
    feed = Feed()
    timed = re.sub(r"\b([a-z])\b", rf"\g<1>{time}", pages).split(",")
    assert [ids(feed.add_page(page(words))) for words in timed] == news.split(", ")


def test_messages_are_passed_on_untouched() -> None:
    """Whatever TRaX adds is the reader's to see."""
    said = message("a", at(1)) | {"added": {"later": [1]}}
    assert fed([said]).latest().messages == (said,)
    assert fed([said]).latest().messages[0] is said


# What pages do


def test_what_a_page_holds_twice_comes_once() -> None:
    """Twice in a page, and again in the next."""
    feed = Feed()
    assert ids(feed.add_page(page("a1 b2 a1 b2 b2"))) == "ab"
    assert ids(feed.add_page(page("b2 a1 b2 c3 c3"))) == "c"
    assert ids(feed.latest().messages) == "abc"


def test_an_edited_message_is_not_new() -> None:
    """A message is its id: another text or time does not make it another."""
    feed = fed(page("a1 b2"))
    assert feed.add_page([message("a", at(9)) | {"text": "edited"}]) == ()


def test_what_vanishes_stays_readable_and_takes_nothing_with_it() -> None:
    """A moderator removes what readers may have seen; cursors at it stay good."""
    feed = fed(page("a1 b2 c3"))
    cursor = feed.latest().cursor
    assert ids(feed.add_page(page("a1 d4"))) == "d"
    assert feed.add_page([]) == ()
    assert ids(feed.since(cursor).messages) == "d"
    assert ids(feed.add_page(page("c3 e5"))) == "e"
    assert ids(feed.latest().messages) == "abcde"


@pytest.mark.parametrize("late", ["a1 b2 c3", "c3 b2 a1", "a1 b c3", "b1 c3 a1"])
def test_what_arrives_late_comes_late_and_behind_no_cursor(late: str) -> None:
    """Its place by time is before what readers have already passed, so it comes after that."""
    feed = fed(page("a1 c3"))
    cursor = feed.latest().cursor
    assert ids(feed.add_page(page(late))) == "b"
    read = feed.since(cursor)
    assert (ids(read.messages), read.missed) == ("b", False)
    assert ids(feed.latest().messages) == "acb"


def test_a_clock_that_is_wrong_hides_nothing() -> None:
    """A message from the future passes, and those that come after it still come."""
    feed = fed(page("a1 b59"))
    cursor = feed.latest().cursor
    assert ids(feed.add_page(page("a1 b59 d3 c2"))) == "cd"
    assert ids(feed.since(cursor).messages) == "cd"


# The window


def test_a_thousand_messages_are_remembered_and_older_ones_forgotten() -> None:
    """A cursor stays good as long as its message is remembered."""
    feed = fed(*(numbered(start, start + 150) for start in range(0, 1_200, 150)))
    assert WINDOW == 1_000
    assert feed.latest().messages == tuple(numbered(200, 1_200))
    fresh = fed(*(numbered(start, start + 150) for start in range(0, 900, 150)))
    forgotten, known = having_read(200, of=fresh), having_read(201, of=fresh)
    assert feed.since(known) == MessagePage(
        tuple(numbered(201, 1_200)), feed.latest().cursor, missed=False
    )
    assert feed.since(forgotten) == MessagePage(
        tuple(numbered(200, 1_200)), feed.latest().cursor, missed=True
    )


def test_memory_does_not_grow_with_what_is_said() -> None:
    """Looked at behind the door: neither messages nor places nor marks nor gaps pile up."""
    feed = fed(*(numbered(start, start + 200) for start in range(0, 30_000, 300)))
    assert {len(feed._window), len(feed._places), len(feed._marked)} == {1_000}
    assert len(feed._gaps) == 5


# Gaps


def gap() -> Feed:
    """50 messages, then 200 of which none was seen before: 50 are lost in between, or none."""
    return fed(numbered(50), numbered(100, 300))


def test_a_reader_is_told_of_a_gap_exactly_once() -> None:
    """By the slice that crosses it, and not by the next."""
    feed = gap()
    across = feed.since(having_read(50, of=feed))
    assert (across.messages, across.missed) == (tuple(numbered(100, 300)), True)
    assert feed.since(across.cursor) == MessagePage((), across.cursor, missed=False)
    feed.add_page(numbered(150, 350))
    after = feed.since(across.cursor)
    assert (after.messages, after.missed) == (tuple(numbered(300, 350)), False)


def test_of_many_slices_only_the_one_with_the_gap_says_so() -> None:
    """Up to the gap all is complete, and after it again."""
    feed = gap()
    cursor, told = having_read(10, of=feed), []
    for _ in range(4):
        read = feed.since(cursor, 20)
        cursor = read.cursor
        told.append((read.messages[0]["id"], read.missed))
    assert told == [("m10", False), ("m30", False), ("m100", True), ("m120", False)]


def test_a_reader_behind_a_gap_is_told_of_none() -> None:
    """What they have read was after it."""
    feed = gap()
    read = feed.since(having_read(51, of=feed))
    assert (read.messages, read.missed) == (tuple(numbered(101, 300)), False)


FULL: Final = {
    "with one known": (numbered(49, 249), False),
    "but for one": (numbered(50, 249), False),
    "exactly": (numbered(50, 250), True),
    "newest first": (numbered(250, 49, -1), True),
    "and more": (numbered(900, 1_500), True),
}


@pytest.mark.parametrize(("after", "missed"), FULL.values(), ids=FULL)
def test_a_full_page_of_strangers_is_a_gap_and_nothing_less(after: Page, *, missed: bool) -> None:
    """Up to 199 new messages can be shown to be all."""
    feed = fed(numbered(50))
    cursor = feed.latest().cursor
    feed.add_page(after)
    assert feed.since(cursor).missed is missed


def test_the_last_messages_are_marked_only_if_the_gap_is_among_them() -> None:
    """Whoever asks for the last 200 does not expect those before."""
    feed = gap()
    assert not feed.latest(200).missed
    assert feed.latest(201).missed
    assert feed.latest().missed
    feed.add_page(numbered(200, 400))
    feed.add_page(numbered(300, 500))
    assert feed.latest().missed
    assert not feed.latest(200).missed
    assert not fed(numbered(200)).latest().missed


# Reading


def test_the_last_messages_are_as_many_as_asked_for() -> None:
    """All, some, more than there are; the cursor is behind the last in each."""
    feed = fed(numbered(100))
    cursor = feed.latest().cursor
    assert feed.latest() == MessagePage(tuple(numbered(100)), cursor, missed=False)
    assert feed.latest(3) == MessagePage(tuple(numbered(97, 100)), cursor, missed=False)
    assert feed.latest(500) == feed.latest()
    assert feed.since(cursor) == MessagePage((), cursor, missed=False)


@pytest.mark.parametrize("limit", [1, 7, 99, 100, 101])
def test_small_steps_lead_through_everything(limit: int) -> None:
    """Each slice goes on where the last one ended, also while more arrives."""
    feed = fed(numbered(5))
    cursor, read = feed.latest().cursor, numbered(5)
    for start in range(5, 605, 100):
        feed.add_page(numbered(start, start + 100))
        for _ in range(100 // limit + 1):
            step = feed.since(cursor, limit)
            assert not step.missed
            assert len(step.messages) <= limit
            cursor, read = step.cursor, [*read, *map(dict, step.messages)]
    assert read == numbered(605)


# Cursors

ELSEWHERE: Final = fed(page("a1 b2")).latest().cursor
STRANGE: Final = [
    *("", "garbage", "START", "m5", "-1", "x" * 10_000, "💬\0\u202e"),
    *("A" * letters for letters in (7, 8, 9, 20, 64, 72)),
    ELSEWHERE,
]


@pytest.mark.parametrize("cursor", STRANGE, ids=range(len(STRANGE)))
def test_an_unknown_cursor_gives_the_window_and_says_so(cursor: str) -> None:
    """Made up, of another studio, or too old: never an error."""
    feed = fed(numbered(100))
    assert feed.since(cursor) == MessagePage(
        tuple(numbered(100)), feed.latest().cursor, missed=True
    )
    first = feed.since(cursor, 10)
    assert (first.messages, first.missed) == (tuple(numbered(10)), True)
    rest = feed.since(first.cursor)
    assert (rest.messages, rest.missed) == (tuple(numbered(10, 100)), False)
    assert (Feed().since(cursor).messages, Feed().since(cursor).missed) == ((), True)


def test_a_reader_of_silence_gets_all_that_follows() -> None:
    """Also from a server that was started again, unless a full page may hide the beginning."""
    silence = Feed()
    start = silence.latest().cursor
    assert silence.since(start) == MessagePage((), start, missed=False)
    silence.add_page(numbered(199))
    restarted, full = fed(numbered(199)), fed(numbered(200))
    for feed in (silence, restarted):
        assert feed.since(start) == MessagePage(
            tuple(numbered(199)), feed.latest().cursor, missed=False
        )
    assert full.since(start) == MessagePage(tuple(numbered(200)), full.latest().cursor, missed=True)
    old = fed(*(numbered(start, start + 199) for start in range(0, 1_194, 199)))
    assert old.since(start) == MessagePage(
        tuple(numbered(194, 1_194)), old.latest().cursor, missed=True
    )


@pytest.mark.parametrize("again", [numbered(60), numbered(59, -1, -1), numbered(20, 60)])
def test_cursors_survive_a_restart(again: Page) -> None:
    """As long as the page still shows their messages, however it is turned."""
    before, after = fed(numbered(40)), fed(again)
    read = after.since(before.latest().cursor)
    assert (read.messages, read.missed) == (tuple(numbered(40, 60)), False)
    assert after.latest().cursor == fed(numbered(60)).latest().cursor


# Ids and times of hostile viewers

HOSTILE_IDS: Final = ["start", "x" * 100_000, "../../etc", "a\0b", "\u202eevil", "😀" * 50]


@pytest.mark.parametrize("name", HOSTILE_IDS, ids=range(len(HOSTILE_IDS)))
def test_a_cursor_is_short_and_says_nothing(name: str) -> None:
    """It stands in addresses and in a model's context, so no viewer may write in it."""
    feed = fed([message(name, at(1))])
    cursor = feed.latest().cursor
    assert re.fullmatch(r"[A-Za-z0-9_-]{8}", cursor)
    assert name not in cursor
    assert feed.since(cursor) == MessagePage((), cursor, missed=False)
    assert feed.since(Feed().latest().cursor).messages == (message(name, at(1)),)


def test_a_cursor_names_the_last_eight_messages_at_most() -> None:
    """Eight letters for each, one more message each time until there are eight."""
    feed, lengths = Feed(), []
    for number in range(12):
        feed.add_page(numbered(number, number + 1))
        assert re.fullmatch(r"[A-Za-z0-9_-]+", feed.latest().cursor)
        lengths.append(len(feed.latest().cursor))
    assert lengths == [8, 16, 24, 32, 40, 48, 56, 64, 64, 64, 64, 64]


def test_hostile_ids_are_kept_apart() -> None:
    """Even the empty one is a message."""
    said = [message(name, at(1)) for name in ["", " ", *HOSTILE_IDS]]
    feed = Feed()
    assert feed.add_page(said) == tuple(said)
    assert feed.add_page(said) == ()


UNREADABLE: Final = ["", 5, None, [], {}, "garbage", "2026-13-01T00:00:00Z", "\0", "9" * 99_999]
EXTREME: Final = {"9999-12-31T23:59:59-23:59": "acb", "0001-01-01T00:00:00+23:59": "bac"}


@pytest.mark.parametrize("stamp", UNREADABLE, ids=range(len(UNREADABLE)))
def test_a_time_that_cannot_be_read_is_none(stamp: object) -> None:
    """Its message stands where the page has it, whichever way the page runs."""
    said = [message("a", at(1)), message("b", stamp), message("c", at(3))]
    assert ids(Feed().add_page(said)) == "abc"
    assert ids(Feed().add_page(said[::-1])) == "abc"


@pytest.mark.parametrize(("stamp", "order"), EXTREME.items())
def test_the_ends_of_time_are_times(stamp: str, order: str) -> None:
    """They can be compared, and their messages come."""
    said = [message("a", at(1)), message("b", stamp), message("c", at(3))]
    assert ids(Feed().add_page(said)) == order


def test_a_page_of_nothing_but_nonsense_is_still_complete() -> None:
    """All strange times at once: each message comes once and a gap is still seen."""
    stamps = [*UNREADABLE, *EXTREME] * 20
    said = [message(f"m{place}", stamp) for place, stamp in enumerate(stamps[:FULL_PAGE])]
    feed = fed(page("a1"))
    cursor = feed.latest().cursor
    assert sorted(it["id"] for it in feed.add_page(said)) == sorted(it["id"] for it in said)
    assert feed.since(cursor).missed
