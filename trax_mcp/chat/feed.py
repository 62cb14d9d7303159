"""Pages of chat -> a stream: in order, without repeats, honest about gaps.

Upstream there is only "the most recent messages", at most 200, in no promised order and without a
cursor. A feed is fed such pages and knows what is new. The order is that of acceptance: within a
page oldest first; what arrives late comes late, never behind a cursor that was given out. Pure: it
polls nobody, waits for nothing and has no clock.
"""

import base64
import hashlib
import json
from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from trax_mcp.api.text_safety import escape_invisible

Message = Mapping[str, Any]
"""A chat message as TRaX sent it, untouched. It has an `id`; nothing else is relied on."""

FULL_PAGE: Final = 200
"""TRaX shows no more at once: a page as long as this may hide older messages."""

WINDOW: Final = 1_000
"""Messages that a feed remembers; older ones are forgotten."""

LARGEST_BYTES: Final = 500_000
"""Of messages as text in one slice: an answer may hold them twice, and some clients take no event
above 1 MiB."""

_BEGINNING: Final = "start"
_TRAIL = 8
_MARK_BYTES = 6  # eight letters of a cursor


@dataclass(frozen=True, slots=True)
class MessagePage:
    """Messages in order, the cursor behind the last of them, and whether some may be missing."""

    messages: tuple[Message, ...]
    cursor: str
    missed: bool


@dataclass(frozen=True, slots=True)
class _Seen:
    """A message that is remembered, its mark in cursors, and its size as text, in bytes."""

    message: Message
    mark: bytes
    size: int


@dataclass(frozen=True, slots=True)
class _Position:
    """Where a cursor stands: what comes next, the place behind all that was read, and what was.

    Usually the two are one place, and nothing from there on was read.
    """

    next: int
    behind: int
    read: frozenset[int] = frozenset()


class Feed:
    """What was seen of one studio's chat.

    A message's place is its number since the feed began; a gap is a place before which messages
    may be missing. A cursor holds the marks of the last few messages before it: a feed that was
    made anew may have put them, and others between them, into another order.
    """

    def __init__(self) -> None:
        self._window: list[_Seen] = []
        self._first = 0
        self._places: dict[str, int] = {}
        self._marked: dict[bytes, int] = {}
        self._gaps: set[int] = set()
        self._forward = True

    def add_page(
        self, page: Sequence[Message], *, shown: int = 0, full: int = FULL_PAGE
    ) -> tuple[Message, ...]:
        """Take in a page; return what is new in it, oldest first.

        `shown`: how many messages the page had, if some of them are left out here; `full`: how many
        were asked for.
        """
        seen = sum(message["id"] in self._places for message in page)
        if not seen and max(len(page), shown) >= full:
            self._gaps.add(self._next)
        new = tuple(it for it in self._in_order(page) if self._accept(it))
        self._forget(len(self._window) - WINDOW)
        return new

    def latest(self, limit: int = WINDOW) -> MessagePage:
        """The last messages, as many as `limit` and one answer allow."""
        last = self._fitting(reversed(range(self._first, self._next)), limit)
        start = last[-1] if last else self._next
        # Whoever asks for the last messages does not expect those before them.
        return self._slice(sorted(last), missed=any(it > start for it in self._gaps))

    def since(self, cursor: str, limit: int = WINDOW) -> MessagePage:
        """What came after a cursor, as many of the first as `limit` and one answer allow.

        A cursor that is unknown, or too old, gives all that is remembered, marked as `missed`: some
        may be missing and some may be a repeat.
        """
        known = self._find(cursor)
        position = known or _Position(self._first, self._first)
        rest = (it for it in range(position.next, self._next) if it not in position.read)
        places = self._fitting(rest, limit)
        end = places[-1] + 1 if places else self._next
        gap = any(position.next <= it < end for it in self._gaps)
        late = any(it < position.behind for it in places)
        missed = known is None or gap or late
        return self._slice(places, missed=missed, ahead=[it for it in position.read if it >= end])

    @property
    def _next(self) -> int:
        return self._first + len(self._window)

    def _at(self, place: int) -> _Seen:
        return self._window[place - self._first]

    def _fitting(self, places: Iterable[int], limit: int) -> list[int]:
        """As many of them as one answer can carry, one at least."""
        fitting: list[int] = []
        size = 0
        for place in places:
            size += self._at(place).size
            if fitting and (len(fitting) >= limit or size > LARGEST_BYTES):
                break
            fitting.append(place)
        return fitting

    def _slice(
        self, places: Sequence[int], *, missed: bool, ahead: Collection[int] = ()
    ) -> MessagePage:
        """These messages; the cursor names the last of them, and what was read ahead of them."""
        messages = tuple(self._at(place).message for place in places)
        end = places[-1] + 1 if places else self._next
        before = range(max(self._first, end - _TRAIL + len(ahead)), end)
        trail = [self._at(place).mark for place in (*before, *sorted(ahead))]
        return MessagePage(messages, _write_cursor(trail), missed)

    def _find(self, cursor: str) -> _Position | None:
        if cursor == _BEGINNING:
            return _Position(0, 0) if self._first == 0 else None
        trail = _read_cursor(cursor)
        read = frozenset(self._marked[mark] for mark in trail if mark in self._marked)
        # A few that are gone were removed, or are too old and stood before all that is remembered.
        if not read or (len(read) < len(trail) / 2 and self._first not in read):
            return None
        # One with room for more names all that there was: whatever else stands there came late.
        start = min(read) if len(trail) == _TRAIL else self._first
        while start in read:
            start += 1
        return _Position(start, max(read) + 1, read)

    def _accept(self, message: Message) -> bool:
        """Append a message, unless it is known; a page may hold one twice."""
        if message["id"] in self._places:
            return False
        seen = _Seen(message, _mark(message["id"]), _size(message))
        self._places[message["id"]] = self._marked[seen.mark] = self._next
        self._window.append(seen)
        return True

    def _forget(self, excess: int) -> None:
        if excess <= 0:
            return
        for seen in self._window[:excess]:
            del self._places[seen.message["id"]]
            self._marked.pop(seen.mark, None)
        del self._window[:excess]
        self._first += excess
        self._gaps = {gap for gap in self._gaps if gap >= self._first}

    def _in_order(self, page: Sequence[Message]) -> list[Message]:
        """Oldest first; where time stamps are missing or equal, as the page itself has them."""
        forward = page if self._runs_forward(page) else tuple(reversed(page))
        return [message for _, message in sorted(_dated(forward), key=lambda dated: dated[0])]

    def _runs_forward(self, page: Sequence[Message]) -> bool:
        """Which way a page runs: by its time stamps, else the end that is new; else as before."""
        dates = [date for date in map(_date, page) if date is not None]
        ends = [end["id"] not in self._places for end in (*page[:1], *page[-1:])]
        if way := _direction(dates) or _direction(ends):
            self._forward = way > 0
        return self._forward


def _direction(values: Sequence[Any]) -> int:
    """Above 0 if they rise on the whole, below if they fall: if rank goes with place.

    To compare neighbours alone would mislead where platforms' clocks differ.
    """
    ordered, last = sorted(values), len(values) - 1
    ranks = (bisect_left(ordered, value) for value in values)
    return sum((2 * place - last) * rank for place, rank in enumerate(ranks))


def _dated(messages: Iterable[Message]) -> Iterable[tuple[datetime, Message]]:
    """Each with its date; without one, that of the message before it."""
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


def _mark(message_id: str) -> bytes:
    """An id in few bytes: a cursor must be short and say nothing."""
    return hashlib.blake2b(message_id.encode(), digest_size=_MARK_BYTES).digest()


def _write_cursor(trail: Sequence[bytes]) -> str:
    return base64.urlsafe_b64encode(b"".join(trail)).decode() or _BEGINNING


def _read_cursor(cursor: str) -> list[bytes]:
    """The marks in a cursor, none if it is not one of ours."""
    try:
        marks = base64.b64decode(cursor, altchars=b"-_", validate=True)
    except ValueError:
        return []
    if len(marks) % _MARK_BYTES or len(marks) > _TRAIL * _MARK_BYTES:
        return []
    return [marks[at : at + _MARK_BYTES] for at in range(0, len(marks), _MARK_BYTES)]


def _size(message: Message) -> int:
    """As it is sent: JSON, as a text in JSON. A quotation mark is four bytes there."""
    text = escape_invisible(json.dumps(message, ensure_ascii=False))
    return len(json.dumps(text, ensure_ascii=False).encode())
