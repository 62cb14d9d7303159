"""Simulates a chat: an upstream that returns the most recent 200 messages, a feed, and readers.

A much simpler reference feed, which knows the true order, states what each reader must receive.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice, product
from typing import TYPE_CHECKING, Any, Final, Literal

from trax_mcp.chat.feed import Feed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from trax_mcp.chat.feed import Message, MessagePage

Order = Literal["oldest first", "newest first", "shuffled"]
PAGE_SIZE: Final = 200
WINDOW: Final = 1_000
CURSOR_LENGTH: Final = 8
"""The most messages that a cursor names. They are never repeated."""

BEGINNING: Final = Feed().latest().cursor
_START: Final = datetime(2026, 1, 1, tzinfo=UTC)


# The chat


@dataclass
class Upstream:
    """A chat that returns its most recent 200 messages. Messages are numbered as they arrive.

    `skew` is the largest clock error in seconds; with None, all times are equal. `undated` is the
    percentage of messages without a time.
    """

    order: Order
    random: Random
    skew: int | None = 0
    undated: int = 0
    messages: list[dict[str, Any]] = field(default_factory=list)
    removed: set[int] = field(default_factory=set)

    def add(self, count: int) -> None:
        """Add messages by viewers."""
        self.messages += [self._message(len(self.messages) + number) for number in range(count)]

    def remove(self, count: int) -> None:
        """Remove some of the most recent messages, as a moderator does."""
        shown = self.shown()
        self.removed |= set(self.random.sample(shown, min(count, len(shown))))

    def shown(self) -> list[int]:
        """The numbers of the messages in a page."""
        latest = (it for it in reversed(range(len(self.messages))) if it not in self.removed)
        return [*islice(latest, PAGE_SIZE)][::-1]

    def page(self) -> list[dict[str, Any]]:
        """A page, in the order of this upstream."""
        page = [self.messages[number] for number in self.shown()]
        if self.order == "shuffled":
            self.random.shuffle(page)
        return page[::-1] if self.order == "newest first" else page

    def _message(self, number: int) -> dict[str, Any]:
        message = {"id": f"message {number}", "text": "hi"}
        if self.random.randrange(100) < self.undated:
            return message
        if self.skew is None:
            return message | {"timestamp": _START.isoformat()}
        # The microseconds make every time unique, so that the true order is known.
        seconds = number + self.random.randint(-self.skew, self.skew)
        time = _START + timedelta(days=1, seconds=seconds, microseconds=number)
        return message | {"timestamp": time.isoformat()}


class Reference:
    """What a feed must return, from the true order. Each message is its number."""

    def __init__(self) -> None:
        self.returned: list[int] = []
        self.lost: set[int] = set()
        """The indexes in `returned` before which messages were lost."""
        self.doubtful: set[int] = set()
        """The indexes in `returned` before which messages may have been lost."""
        self._added: int = 0

    def add_page(self, upstream: Upstream) -> None:
        """Add a page in its true order: by time if all messages have one, else by arrival."""
        shown, known = upstream.shown(), set(self.returned)
        new = [number for number in shown if number not in known]
        unseen = set(range(self._added, len(upstream.messages))) - set(shown) - upstream.removed
        if unseen:
            self.lost.add(len(self.returned))
        if len(new) == PAGE_SIZE:
            self.doubtful.add(len(self.returned))
        if not upstream.undated and upstream.skew:
            new.sort(key=lambda number: upstream.messages[number]["timestamp"])
        self.returned += new
        self._added = len(upstream.messages)

    def next_index(self, reader: Reader) -> int | None:
        """The index after the last message of a reader, None if it is no longer remembered."""
        forgotten = len(self.returned) - WINDOW
        if reader.last is None:
            return None if forgotten > 0 else 0
        index = self.returned.index(reader.last) if reader.last in self.returned else -1
        return None if index < max(0, forgotten) else index + 1


@dataclass
class Reader:
    """A reader who follows cursors."""

    cursor: str | None = None
    last: int | None = None
    """The number of the last message that they read, None before the first."""
    received: list[int] = field(default_factory=list)
    joined: int = 0
    """How many messages existed when they joined."""
    saw_missed: bool = False
    """Whether a page was marked as `missed`."""

    def record(self, read: MessagePage) -> None:
        """Record a page."""
        self.cursor = read.cursor
        self.received += numbers(read.messages)
        self.last = None if read.cursor == BEGINNING else self.received[-1]
        self.saw_missed |= read.missed


def numbers(messages: Sequence[Message]) -> list[int]:
    """The numbers of the messages."""
    return [int(message["id"].split()[1]) for message in messages]


# The simulation


@dataclass(frozen=True)
class Arrive:
    """Messages arrive."""

    count: int


@dataclass(frozen=True)
class Remove:
    """Some of the most recent messages are removed."""

    count: int


@dataclass(frozen=True)
class Poll:
    """The watcher polls."""


@dataclass(frozen=True)
class Restart:
    """The server restarts and polls: the feed is empty, and readers keep their cursors."""


@dataclass(frozen=True)
class Read:
    """One of the readers reads."""

    reader: int
    limit: int


Step = Arrive | Remove | Poll | Restart | Read


class Simulation:
    """One feed, one upstream, the reference, and three readers."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self.feed = Feed()
        self.reference = Reference()
        self.readers = [Reader() for _ in range(3)]
        self.restarted = False

    def run(self, steps: Sequence[Step]) -> None:
        """Run the steps, and let every reader read to the end."""
        for step in steps:
            self._run_step(step)
        self._poll()
        for index, _ in product(range(len(self.readers)), range(8)):
            self._read(index, 170)

    def _run_step(self, step: Step) -> None:
        match step:
            case Arrive(count):
                self.upstream.add(count)
            case Remove(count):
                self.upstream.remove(count)
            case Poll():
                self._poll()
            case Restart():
                self.restarted = True
                self.feed, self.reference = Feed(), Reference()
                self._poll()
            case Read(index, limit):
                self._read(index, limit)

    def _poll(self) -> None:
        before = len(self.reference.returned)
        self.reference.add_page(self.upstream)
        new = self.feed.add_page(self.upstream.page())
        assert numbers(new) == self.reference.returned[before:]

    def _read(self, index: int, limit: int) -> None:
        """Read, and compare with the reference."""
        reader = self.readers[index]
        if reader.cursor is None:
            self._join(reader, limit)
            return
        read = self.feed.since(reader.cursor, limit)
        repeated = {*numbers(read.messages)} & {*reader.received}
        assert self.upstream.removed or not repeated & {*reader.received[-CURSOR_LENGTH:]}
        assert read.missed or not repeated
        # A new feed may order messages differently: only the last read message gives the position.
        in_order = not self.upstream.skew and reader.last not in self.upstream.removed
        if in_order or not self.restarted:
            self._compare(read, self.reference.next_index(reader), limit)
        reader.record(read)

    def _join(self, reader: Reader, limit: int) -> None:
        read = self.feed.latest(limit)
        assert numbers(read.messages) == self.reference.returned[-limit:]
        reader.record(read)
        reader.joined, reader.saw_missed = self.reference._added, False

    def _compare(self, read: MessagePage, start: int | None, limit: int) -> None:
        returned = self.reference.returned
        first = max(0, len(returned) - WINDOW) if start is None else start
        assert numbers(read.messages) == returned[first:][:limit]
        span = range(first, first + len(read.messages))
        if start is None or any(it in self.reference.lost for it in span):
            assert read.missed
        elif not any(it in self.reference.doubtful for it in span):
            assert not read.missed
