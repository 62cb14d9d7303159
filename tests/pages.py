"""Pages of chat, written as words: `b2` is the message `b` of second 2, `b` one without a time.

It knows what a message looks like and how a feed is fed, and nothing of what a feed makes of that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trax_mcp.chat.feed import Feed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trax_mcp.chat.feed import Message

Page = list[dict[str, Any]]


def page(words: str) -> Page:
    """A page of chat."""
    return [message(word[0], *([at(int(word[1:]))] if word[1:] else [])) for word in words.split()]


def message(name: str, *timestamp: object) -> dict[str, Any]:
    """One message, with a time stamp or without one."""
    said = {"id": name, "text": f"I am {name}", "authorDisplayName": "Vi", "platform": "twitch"}
    return said | dict(zip(("timestamp",), timestamp, strict=False))


def at(second: int) -> str:
    """A moment, as TRaX writes it."""
    return f"2026-01-01T00:{second // 60:02}:{second % 60:02}.000Z"


def numbered(*span: int) -> Page:
    """One message a second, oldest first."""
    return [message(f"m{number}", at(number)) for number in range(*span)]


def ids(messages: Iterable[Message]) -> str:
    """Who is there, in order."""
    return "".join(it["id"] for it in messages)


def fed(*pages: Sequence[Message]) -> Feed:
    """A feed that has seen these pages."""
    feed = Feed()
    for each in pages:
        feed.add_page(each)
    return feed


def having_read(count: int, *, of: Feed) -> str:
    """The cursor of a reader who has read the first so many."""
    return of.since("unknown", count).cursor
