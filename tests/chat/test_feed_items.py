"""Messages that one feed gives to another, as replicas do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.chat_pages import fed, having_read, ids, numbered, page
from trax_mcp.api.argument_types import LARGEST_PAGE
from trax_mcp.chat.feed import WINDOW, Feed

if TYPE_CHECKING:
    from collections.abc import Sequence


def given(*pages: Sequence[dict[str, object]], is_complete: bool = True) -> Feed:
    """A new feed that has got all items of a feed with these pages."""
    feed = Feed()
    feed.add_items(fed(*pages).items(), is_complete=is_complete)
    return feed


def test_a_feed_gives_another_all_its_messages_in_order() -> None:
    """A cursor of one is good in the other."""
    first, second = fed(page("a1 b2"), page("b2 c3")), given(page("a1 b2"), page("b2 c3"))
    assert second.latest() == first.latest()
    assert second.since(having_read(2, of=first)) == first.since(having_read(2, of=first))


def test_items_that_are_known_are_added_once() -> None:
    """The others are returned as new."""
    feed = fed(page("a1 b2"))
    items = fed(page("a1 b2 c3")).items()
    assert ids(feed.add_items(items, is_complete=True)) == "c"
    assert feed.add_items(items, is_complete=True) == ()
    assert ids(feed.latest().messages) == "abc"


def test_a_gap_between_messages_is_given_with_them() -> None:
    """A full page of new messages may omit older ones."""
    pages = page("a1"), numbered(100, 100 + LARGEST_PAGE)
    assert given(*pages).since(having_read(1, of=fed(*pages))).missed
    assert not given(page("a1"), page("b2")).since(having_read(1, of=fed(page("a1")))).missed


def test_messages_that_were_forgotten_are_a_gap_for_a_new_feed() -> None:
    """The cursor of a reader of the empty feed would otherwise skip them silently."""
    pages = [numbered(start, start + 100) for start in range(0, WINDOW, 100)]
    assert not given(*pages).since("start").missed
    assert given(*pages, numbered(WINDOW, WINDOW + 1)).since("start").missed


def test_the_last_items_can_be_given_alone() -> None:
    feed = fed(page("a1 b2 c3"))
    assert feed.items(2) == feed.items()[1:]
    assert feed.items(0) == []


@pytest.mark.parametrize(
    ("items", "is_complete", "missed"),
    [("c3 d4", True, False), ("c3 d4", False, True), ("b2 c3", False, False), ("", False, False)],
    ids=["complete", "incomplete", "incomplete, with a known message", "none"],
)
def test_incomplete_items_without_a_known_message_are_a_gap(
    items: str, *, is_complete: bool, missed: bool
) -> None:
    feed = fed(page("a1 b2"))
    cursor = feed.latest().cursor
    feed.add_items(fed(page(items)).items(), is_complete=is_complete)
    assert feed.since(cursor).missed is missed
