"""Turns pages of chat into a stream: ordered, without repeats, with gaps marked.

TRaX only returns the most recent messages: at most 200, in no documented order and without a
cursor. A feed finds the new messages in each page and appends them, oldest first. A message that
arrives late is appended late, never before a cursor that a client already has.
"""

import base64
import hashlib
import json
import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

from trax_mcp.api.argument_types import LARGEST_PAGE
from trax_mcp.api.text_safety import escape_invisible
from trax_mcp.chat.shared_feed import FeedItem

Message = Mapping[str, Any]
"""A chat message as TRaX sent it. Only its `id` is certain to exist."""

WINDOW: Final = 1_000
"""The most messages that a feed remembers."""

LARGEST_WINDOW_BYTES: Final = 2_000_000
"""The most bytes of messages that a feed remembers. Only the new ones of one page may be larger."""

LARGEST_BYTES: Final = 500_000
"""The most text in a page: an answer may hold it twice, and some clients limit events to 1 MiB."""

_BEGINNING: Final = "start"
_CURSOR_DIGESTS = 8
_DIGEST_LENGTH = 3  # characters, so that a cursor has at most 24
_CURSOR = re.compile(rf"([\w-]{{{_DIGEST_LENGTH}}}){{1,{_CURSOR_DIGESTS}}}", re.ASCII)


@dataclass(frozen=True, slots=True)
class MessagePage:
    """Messages in order, the cursor after the last one, and whether some may be missing."""

    messages: tuple[Message, ...]
    cursor: str
    missed: bool


@dataclass(frozen=True, slots=True)
class _Entry:
    """A message as JSON, its digest in cursors, and its size in an answer, in bytes.

    JSON takes less memory than the message: Python may use four bytes for each character.
    """

    content: bytes
    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class _Position:
    """The position of a cursor.

    `next` is the first index that was not read, `end` follows the last one that was read, and
    `read` are the indexes that the cursor names. Usually `next` and `end` are equal.
    """

    next: int
    end: int
    read: frozenset[int] = frozenset()


class Feed:
    """The messages of one studio's chat that were seen so far.

    A message's index is its number since the feed began; a gap is an index before which messages
    may be missing. A cursor holds the digests of the last few messages before it, because after a
    restart a new feed may order messages differently.

    A digest has 18 bits, so that one message may have the digest of another. Where all messages of
    a cursor stand in a row, as nearly always, that does not matter. After a restart that reordered
    them, or around which some were removed, fewer than 1 of 30,000 unread messages are taken for
    messages that were read. That is marked as missed, unless it is the very next message.
    """

    def __init__(self) -> None:
        self._window: list[_Entry] = []
        self._window_bytes = 0
        self._first = 0
        self._known_ids: dict[str, None] = {}
        """Oldest first. Also of messages that were forgotten for their size: TRaX may show them."""
        self._gaps: set[int] = set()
        self._oldest_first = True

    def add_page(
        self, page: Sequence[Message], *, received: int = 0, limit: int = LARGEST_PAGE
    ) -> tuple[Message, ...]:
        """Add a page and return its new messages, oldest first.

        `received` is the length of TRaX's page if some of its items were left out; `limit` is the
        length that was requested.
        """
        is_known = any(message["id"] in self._known_ids for message in page)
        if not is_known and max(len(page), received) >= limit:
            self._gaps.add(self._next)  # a full page may omit older messages
        return self._add((message, False) for message in self._sort(page))

    def items(self, count: int = WINDOW) -> list[FeedItem]:
        """The last messages as items for other feeds, oldest first."""
        first = max(self._first, self._next - count)
        forgotten = {self._first} if self._first else set[int]()
        gaps = self._gaps | forgotten
        return [
            FeedItem(self._entry(it).content, gap=it in gaps) for it in range(first, self._next)
        ]

    def add_items(self, items: Sequence[FeedItem], *, is_complete: bool) -> tuple[Message, ...]:
        """Add items of another feed, and return the messages that are new here.

        `is_complete`: none is missing between the items that were added before and these.
        """
        messages = [(json.loads(it.content), it.gap) for it in items]
        is_known = any(message["id"] in self._known_ids for message, _ in messages)
        if messages and not is_known and not is_complete:
            self._gaps.add(self._next)
        return self._add(messages)

    def __len__(self) -> int:
        return len(self._window)

    def latest(self, limit: int = WINDOW) -> MessagePage:
        """The last messages, as many as `limit` and one answer allow."""
        last = self._fit(reversed(range(self._first, self._next)), limit)
        start = last[-1] if last else self._next
        # A gap before the first of them is not reported: older messages were not requested.
        return self._page(sorted(last), missed=any(it > start for it in self._gaps))

    def since(self, cursor: str, limit: int = WINDOW) -> MessagePage:
        """The first messages after a cursor, as many as `limit` and one answer allow.

        After an unknown or too old cursor, all remembered messages, marked as `missed`: some may
        be missing and some may be repeated.
        """
        known = self._locate(cursor)
        position = known or _Position(self._first, self._first)
        unread = (it for it in range(position.next, self._next) if it not in position.read)
        indexes = self._fit(unread, limit)
        end = indexes[-1] + 1 if indexes else self._next
        gap = any(position.next <= it < end for it in self._gaps)
        late = any(it < position.end for it in indexes)
        missed = known is None or gap or late
        return self._page(indexes, missed=missed, ahead=[it for it in position.read if it >= end])

    @property
    def _next(self) -> int:
        return self._first + len(self._window)

    def _entry(self, index: int) -> _Entry:
        return self._window[index - self._first]

    def _fit(self, indexes: Iterable[int], limit: int) -> list[int]:
        """As many indexes as fit into one answer, at least one."""
        fitting: list[int] = []
        size = 0
        for index in indexes:
            size += self._entry(index).size
            if fitting and (len(fitting) >= limit or size > LARGEST_BYTES):
                break
            fitting.append(index)
        return fitting

    def _page(
        self, indexes: Sequence[int], *, missed: bool, ahead: Collection[int] = ()
    ) -> MessagePage:
        """These messages. The cursor names the last of them, and those read ahead of them."""
        messages = tuple(json.loads(self._entry(index).content) for index in indexes)
        end = indexes[-1] + 1 if indexes else self._next
        before = range(max(self._first, end - _CURSOR_DIGESTS + len(ahead)), end)
        digests = [self._entry(index).digest for index in (*before, *sorted(ahead))]
        return MessagePage(messages, _write_cursor(digests), missed)

    def _locate(self, cursor: str) -> _Position | None:
        if cursor == _BEGINNING:
            return _Position(0, 0) if self._first == 0 else None
        digests = _read_cursor(cursor)
        window = [entry.digest for entry in self._window]
        row_end = _end_of_row(digests, window)
        if row_end is not None:
            return _Position(self._first + row_end, self._first + row_end)
        indexes = reversed(range(self._first, self._next))
        known = dict(zip(reversed(window), indexes, strict=True))
        read = frozenset(known[digest] for digest in digests if digest in known)
        # Unknown digests are of messages that TRaX removed, or that are older than the window.
        if not read or (len(read) < len(digests) / 2 and self._first not in read):
            return None
        # A cursor that is not full names every message that was read, so the others arrived late.
        start = min(read) if len(digests) == _CURSOR_DIGESTS else self._first
        while start in read:
            start += 1
        return _Position(start, max(read) + 1, read)

    def _add(self, messages: Iterable[tuple[Message, bool]]) -> tuple[Message, ...]:
        """Add messages, each with whether some may be missing before it. Return the new ones."""
        new = tuple(message for message, gap in messages if self._append(message, gap=gap))
        self._forget(but=len(new))
        return new

    def _append(self, message: Message, *, gap: bool) -> bool:
        """Append a message unless it is known. One page may hold a message twice."""
        if message["id"] in self._known_ids:
            return False
        if gap:
            self._gaps.add(self._next)
        text = json.dumps(message, ensure_ascii=False)
        entry = _Entry(
            text.encode(errors="surrogatepass"), _digest(message["id"]), _size_in_answer(text)
        )
        self._known_ids[message["id"]] = None
        self._window.append(entry)
        self._window_bytes += len(entry.content)
        return True

    def _forget(self, *, but: int) -> None:
        """Forget the oldest messages over a limit, and the oldest ids.

        `but` is the number of new messages, which are kept until the next new ones.
        """
        while len(self._window) > WINDOW or (
            self._window_bytes > LARGEST_WINDOW_BYTES and len(self._window) > but > 0
        ):
            entry = self._window.pop(0)
            self._window_bytes -= len(entry.content)
            self._first += 1
        self._gaps = {gap for gap in self._gaps if gap >= self._first}
        for message_id in tuple(islice(self._known_ids, max(0, len(self._known_ids) - WINDOW))):
            del self._known_ids[message_id]

    def _sort(self, page: Sequence[Message]) -> list[Message]:
        """Oldest first. Messages with equal or missing time stamps keep the order of the page."""
        ordered = page if self._is_oldest_first(page) else tuple(reversed(page))
        return [message for _, message in sorted(_dated(ordered), key=lambda dated: dated[0])]

    def _is_oldest_first(self, page: Sequence[Message]) -> bool:
        """The order of a page: by its time stamps, else by its new end, else as the last page."""
        dates = [date for date in map(_date, page) if date is not None]
        ends = [end["id"] not in self._known_ids for end in (*page[:1], *page[-1:])]
        if trend := _trend(dates) or _trend(ends):
            self._oldest_first = trend > 0
        return self._oldest_first


def _trend(values: Sequence[Any]) -> int:
    """Positive if the values rise on the whole, negative if they fall.

    Compares all ranks, not only neighbours, because the clocks of platforms differ.
    """
    ordered, last = sorted(values), len(values) - 1
    ranks = (bisect_left(ordered, value) for value in values)
    return sum((2 * index - last) * rank for index, rank in enumerate(ranks))


def _dated(messages: Iterable[Message]) -> Iterable[tuple[datetime, Message]]:
    """Each message with its date, or else the date of the message before it."""
    date = datetime.min.replace(tzinfo=UTC)
    for message in messages:
        date = _date(message) or date
        yield date, message


def _date(message: Message) -> datetime | None:
    try:
        date = datetime.fromisoformat(message.get("timestamp") or "")
    except (TypeError, ValueError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _end_of_row(digests: Sequence[str], window: Sequence[str]) -> int | None:
    """Where the messages of a cursor end in the window, if they stand there in a row.

    A cursor that is not full names all messages that were read, so its row begins the window.
    """
    count = len(digests)
    is_full = count == _CURSOR_DIGESTS
    ends = range(len(window), count - 1, -1) if is_full else (count,)
    return next((end for end in ends if end and window[end - count : end] == digests), None)


def _digest(message_id: str) -> str:
    """Shorten an id, so that cursors are short and opaque."""
    digest = hashlib.blake2b(message_id.encode(), digest_size=_DIGEST_LENGTH).digest()
    return base64.urlsafe_b64encode(digest).decode()[:_DIGEST_LENGTH]


def _write_cursor(digests: Sequence[str]) -> str:
    return "".join(digests) or _BEGINNING


def _read_cursor(cursor: str) -> list[str]:
    """The digests in a cursor. Empty if it is not a cursor of a feed."""
    if not _CURSOR.fullmatch(cursor):
        return []
    return [cursor[at : at + _DIGEST_LENGTH] for at in range(0, len(cursor), _DIGEST_LENGTH)]


def _size_in_answer(text: str) -> int:
    """Bytes of a message: JSON inside a JSON string, where `"` takes four bytes."""
    return len(json.dumps(escape_invisible(text), ensure_ascii=False).encode())
