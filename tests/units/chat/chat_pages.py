"""Short notation for pages of chat: `b2` is message `b` of second 2, `b` has no time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trax_mcp.chat.feed import Feed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trax_mcp.chat.identity import Message

Page = list[dict[str, Any]]


def page(words: str) -> Page:
    return [message(word[0], *([at(int(word[1:]))] if word[1:] else [])) for word in words.split()]


def message(name: str, *timestamp: object) -> dict[str, Any]:
    """One message, with or without a time stamp."""
    fields = {"id": name, "text": f"I am {name}", "authorDisplayName": "Vi", "platform": "twitch"}
    return fields | dict(zip(("timestamp",), timestamp, strict=False))


def at(second: int) -> str:
    """A time, as TRaX writes it."""
    return f"2026-01-01T00:{second // 60:02}:{second % 60:02}.000Z"


def numbered(*span: int) -> Page:
    """One message per second, oldest first."""
    return [message(f"m{number}", at(number)) for number in range(*span)]


def ids(messages: Iterable[Message]) -> str:
    return "".join(it["id"] for it in messages)


def fed(*pages: Sequence[object]) -> Feed:
    feed = Feed()
    for each in pages:
        feed.add_page(each)
    return feed


def having_read(count: int, *, of: Feed) -> str:
    """The cursor of a reader who has read the first `count` messages."""
    return of.since("unknown", count).cursor
