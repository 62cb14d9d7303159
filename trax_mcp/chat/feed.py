"""Turns pages of chat into a stream: ordered, without repeats, with gaps marked.

TRaX only returns the most recent messages: at most 200, in no documented order and without a
cursor. A feed finds the new messages in each page and appends them by their times, or else as the
page has them. A message that arrives late is appended late, never before a cursor that a client
already has. An item that can't be shown as a message has a place in that order too, so that those
who read past it are told.
"""

import base64
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final, NamedTuple

from trax_mcp.api.arguments import LARGEST_PAGE
from trax_mcp.chat import shown
from trax_mcp.chat.identity import Item, Message, identify

WINDOW: Final = 1_000
"""The most messages that a feed remembers."""

LARGEST_WINDOW_BYTES: Final = 2_000_000
"""The most bytes of messages that a feed remembers. Only the new ones of one page may be larger."""

_MOST_KNOWN: Final = 2 * WINDOW
"""Of each message two digests may be known."""

LARGEST_BYTES: Final = 500_000
"""The most text in a page of the resource: some clients limit events to 1 MiB."""

_BEGINNING: Final = "start"
_CURSOR_DIGESTS: Final = 4
_DIGEST_LENGTH: Final = 4  # characters, so that a cursor has at most 16
_CURSOR: Final = re.compile(rf"([\w-]{{{_DIGEST_LENGTH}}}){{1,{_CURSOR_DIGESTS}}}", re.ASCII)


class MessagePage(NamedTuple):
    """Messages in order, the cursor after the last one, and whether some may be missing.

    `more`: further ones are known that did not fit: later ones after a cursor, else earlier ones.
    """

    messages: tuple[Message, ...]
    cursor: str
    missed: bool
    more: bool = False


class _Entry(NamedTuple):
    """A message as JSON, its digest in cursors, and its size in an answer, in bytes.

    JSON takes less memory than the message: Python may use four bytes for each character. It is
    empty for an item that is left out.
    """

    content: bytes
    digest: str
    size: int


class Feed:
    """The messages of one studio's chat that were seen so far.

    A message's index is its number since the feed began; a gap is an index before which messages
    may be missing. A cursor holds the digests of the last four messages before it, because after a
    restart a new feed may order messages differently.
    """

    def __init__(self) -> None:
        self._window: list[_Entry] = []
        self._window_bytes = 0
        self._first = 0
        self._known: dict[bytes, None] = {}
        """What messages are known by, oldest first. Also those that were forgotten for their size:
        TRaX may show them."""
        self._gaps: set[int] = set()

    def add_page(self, page: Sequence[object], *, limit: int = LARGEST_PAGE) -> tuple[Message, ...]:
        """Add a page and return its new messages, oldest first.

        `limit` is the length that was requested.
        """
        items = identify(page)
        is_gap, start = self._may_omit(items, limit), self.end
        new = [item for item in _by_time(items) if self._append(item)]
        if is_gap and new:
            self._gaps.add(start)
        self._forget(but=len(new))
        return tuple(item.message for item in new if item.message is not None)

    def _may_omit(self, items: Sequence[Item], limit: int) -> bool:
        """Whether TRaX may have left out messages between those that are known and this page.

        It may if nothing on the page is known. The first page has nothing to compare with: that one
        may omit older messages if it is as long as requested.
        """
        if any(item.message and item.key in self._known for item in items):
            return False
        return bool(self._known) or len(items) >= limit

    def __len__(self) -> int:
        return len(self._window)

    def latest(self, limit: int = WINDOW, *, most_bytes: int = LARGEST_BYTES) -> MessagePage:
        """The last messages, as many as the limits allow."""
        last = self._fit(reversed(range(self._first, self.end)), limit, most_bytes)
        start = last[-1] if last else self.end
        # A gap before the first of them is not reported: older messages were not requested.
        missed = any(it > start for it in self._gaps)
        return self._page(sorted(last), missed=missed, more=start > self._first)

    def since(
        self, cursor: str, limit: int = WINDOW, *, most_bytes: int = LARGEST_BYTES
    ) -> MessagePage:
        """The first messages after a cursor, as many as the limits allow.

        `missed` says that some may be missing or repeated, as where the messages of the cursor no
        longer stand in a row. After an unknown or too old cursor, these are all that are known.
        """
        start, is_exact = self._locate(cursor)
        indexes = self._fit(range(start, self.end), limit, most_bytes)
        is_gap = any(start <= it <= indexes[-1] for it in self._gaps) if indexes else False
        more = bool(indexes) and indexes[-1] + 1 < self.end
        return self._page(indexes, missed=is_gap or not is_exact, more=more)

    @property
    def end(self) -> int:
        """The index of the next new message, or item that is left out."""
        return self._first + len(self._window)

    def _entry(self, index: int) -> _Entry:
        return self._window[index - self._first]

    def _fit(self, indexes: Iterable[int], limit: int, most_bytes: int) -> list[int]:
        """As many indexes as fit into one answer, at least one."""
        fitting: list[int] = []
        size = 0
        for index in indexes:
            size += self._entry(index).size
            if fitting and (len(fitting) >= limit or size > most_bytes):
                break
            fitting.append(index)
        return fitting

    def _page(self, indexes: Sequence[int], *, missed: bool, more: bool) -> MessagePage:
        """These messages. The cursor names the last of them, and those before."""
        contents = [self._entry(index).content for index in indexes]
        messages = tuple(json.loads(content) for content in contents if content)
        end = indexes[-1] + 1 if indexes else self.end
        before = range(max(self._first, end - _CURSOR_DIGESTS), end)
        cursor = "".join(self._entry(index).digest for index in before)
        is_whole = len(messages) == len(contents)
        return MessagePage(messages, cursor or _BEGINNING, missed or not is_whole, more)

    def _locate(self, cursor: str) -> tuple[int, bool]:
        """The first index after a cursor, and whether nothing before it is missing or repeated."""
        if cursor == _BEGINNING:
            return self._first, self._first == 0
        digests = _read_cursor(cursor)
        window = [entry.digest for entry in self._window]
        if end := _end_of_row(digests, window):
            return self._first + end, True
        positions = {digest: index for index, digest in enumerate(window, self._first)}
        known = (positions[digest] + 1 for digest in reversed(digests) if digest in positions)
        return next(known, self._first), False

    def _append(self, item: Item) -> bool:
        """Append an item unless it is known. One page may hold a message twice."""
        if item.key in self._known:
            return False
        self._known.update(dict.fromkeys(item.keys))
        content, size = b"", 0
        if item.message is not None:
            content = json.dumps(item.message, ensure_ascii=False).encode(errors="surrogatepass")
            size = shown.size_of(item.message)
        self._window.append(_Entry(content, _digest(item.key), size))
        self._window_bytes += len(content)
        return True

    def _forget(self, *, but: int) -> None:
        """Forget the oldest messages over a limit, and what the oldest are known by.

        `but` is the number of new messages, which are kept until the next new ones.
        """
        while len(self._window) > WINDOW or (
            self._window_bytes > LARGEST_WINDOW_BYTES and len(self._window) > but > 0
        ):
            entry = self._window.pop(0)
            self._window_bytes -= len(entry.content)
            self._first += 1
        self._gaps = {gap for gap in self._gaps if gap >= self._first}
        for key in tuple(islice(self._known, max(0, len(self._known) - _MOST_KNOWN))):
            del self._known[key]


def _by_time(items: Sequence[Item]) -> list[Item]:
    """Oldest first. Equal times keep the order of the page, and an item without one its place."""
    ordered = items if _is_oldest_first(it.message for it in items) else items[::-1]
    dates = [_date(it.message) for it in ordered]
    dated = sorted((date, place) for place, date in enumerate(dates) if date is not None)
    places = (place for _, place in dated)
    return [ordered[next(places)] if dates[at] else it for at, it in enumerate(ordered)]


def _is_oldest_first(page: Iterable[object]) -> bool:
    """The order of a page, by its first and last time stamp. Without any, it counts as such."""
    dates = [date for it in page if (date := _date(it)) is not None]
    return not dates or dates[0] <= dates[-1]


def _date(message: object) -> datetime | None:
    try:
        date = datetime.fromisoformat(message["timestamp"] if isinstance(message, Mapping) else "")
    except (KeyError, TypeError, ValueError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _end_of_row(digests: Sequence[str], window: Sequence[str]) -> int:
    """Where the messages of a cursor end in the window, 0 if they do not stand there in a row.

    A cursor of fewer than four names all messages that were read, so its row begins the window.
    """
    count = len(digests)
    is_full = count == _CURSOR_DIGESTS
    ends = range(len(window), count - 1, -1) if is_full else (count,)
    return next((end for end in ends if end and window[end - count : end] == digests), 0)


def _digest(key: bytes) -> str:
    """Shorten a key, so that cursors are short and opaque."""
    return base64.urlsafe_b64encode(key[: _DIGEST_LENGTH * 6 // 8]).decode()


def _read_cursor(cursor: str) -> list[str]:
    """The digests in a cursor. Empty if it is not a cursor of a feed."""
    if not _CURSOR.fullmatch(cursor):
        return []
    return [cursor[at : at + _DIGEST_LENGTH] for at in range(0, len(cursor), _DIGEST_LENGTH)]


def newest_in(page: Sequence[Any]) -> Sequence[Any]:
    """The newest messages of a page that fit into one answer, in the order of the page."""
    return shown.newest(page, is_oldest_first=_is_oldest_first(page))
