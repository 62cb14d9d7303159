"""A play about chat: an upstream that shows its most recent 200 messages, a watcher, and readers.

A much simpler feed, which is told the true order, says what each reader must get. What happens, and
in which order, is for others to think up.
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
PAGE: Final = 200
REMEMBERED: Final = 1_000
NAMED: Final = 8
"""Messages that a cursor names: they are told again to nobody."""

BEGINNING: Final = Feed().latest().cursor
_BEGAN: Final = datetime(2026, 1, 1, tzinfo=UTC)


# The world


@dataclass
class Upstream:
    """A chat of which the most recent 200 messages are shown. Messages are numbered as they arrive.

    `skew`: how many seconds clocks may be wrong, either way; None: no two times differ.
    `undated`: how many in a hundred have no time.
    """

    order: Order
    chance: Random
    skew: int | None = 0
    undated: int = 0
    said: list[dict[str, Any]] = field(default_factory=list)
    vanished: set[int] = field(default_factory=set)

    def arrive(self, count: int) -> None:
        """Viewers say something."""
        self.said += [self._message(len(self.said) + number) for number in range(count)]

    def vanish(self, count: int) -> None:
        """A moderator removes some of the most recent."""
        shown = self.shown()
        self.vanished |= set(self.chance.sample(shown, min(count, len(shown))))

    def shown(self) -> list[int]:
        """The numbers of what a page shows."""
        latest = (it for it in reversed(range(len(self.said))) if it not in self.vanished)
        return [*islice(latest, PAGE)][::-1]

    def page(self) -> list[dict[str, Any]]:
        """What TRaX answers."""
        page = [self.said[number] for number in self.shown()]
        if self.order == "shuffled":
            self.chance.shuffle(page)
        return page[::-1] if self.order == "newest first" else page

    def _message(self, number: int) -> dict[str, Any]:
        message = {"id": f"message {number}", "text": "hi"}
        if self.chance.randrange(100) < self.undated:
            return message
        if self.skew is None:
            return message | {"timestamp": _BEGAN.isoformat()}
        # The microseconds make every time unique, so that the true order is beyond doubt.
        seconds = number + self.chance.randint(-self.skew, self.skew)
        time = _BEGAN + timedelta(days=1, seconds=seconds, microseconds=number)
        return message | {"timestamp": time.isoformat()}


class Reference:
    """What a feed must tell, from what is truly so; each message is its number."""

    def __init__(self) -> None:
        self.told: list[int] = []
        self.lost: set[int] = set()
        """Behind how many told messages some were never shown."""
        self.doubtful: set[int] = set()
        """Behind how many it cannot be known whether some were never shown."""
        self._arrived: int = 0

    def see(self, upstream: Upstream) -> None:
        """A page, in its true order: by time where all have one, else by arrival."""
        shown, known = upstream.shown(), set(self.told)
        new = [number for number in shown if number not in known]
        unseen = set(range(self._arrived, len(upstream.said))) - set(shown) - upstream.vanished
        if unseen:
            self.lost.add(len(self.told))
        if len(new) == PAGE:
            self.doubtful.add(len(self.told))
        if not upstream.undated and upstream.skew:
            new.sort(key=lambda number: upstream.said[number]["timestamp"])
        self.told += new
        self._arrived = len(upstream.said)

    def start_of(self, reader: Reader) -> int | None:
        """How many messages are told before what a reader gets next, None if that is forgotten."""
        forgotten = len(self.told) - REMEMBERED
        if reader.last is None:
            return None if forgotten > 0 else 0
        place = self.told.index(reader.last) if reader.last in self.told else -1
        return None if place < max(0, forgotten) else place + 1


@dataclass
class Reader:
    """Somebody who follows cursors."""

    cursor: str | None = None
    last: int | None = None
    """The number of the last message they know, None if they came before all."""
    got: list[int] = field(default_factory=list)
    joined: int = 0
    """How many had arrived when they came."""
    was_told: bool = False
    """That some may be missing."""

    def take(self, read: MessagePage) -> None:
        """Keep what was read."""
        self.cursor = read.cursor
        self.got += numbers(read.messages)
        self.last = None if read.cursor == BEGINNING else self.got[-1]
        self.was_told |= read.missed


def numbers(messages: Sequence[Message]) -> list[int]:
    """Which messages these are."""
    return [int(message["id"].split()[1]) for message in messages]


# The play


@dataclass(frozen=True)
class Arrive:
    """So many messages arrive."""

    count: int


@dataclass(frozen=True)
class Vanish:
    """So many of the most recent are removed."""

    count: int


@dataclass(frozen=True)
class Poll:
    """The watcher looks."""


@dataclass(frozen=True)
class Restart:
    """The server is started again and looks: it remembers nothing, and readers keep cursors."""


@dataclass(frozen=True)
class Read:
    """One of the readers reads."""

    who: int
    limit: int


Step = Arrive | Vanish | Poll | Restart | Read


class Play:
    """One feed, one upstream, the reference, and three readers."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self.feed = Feed()
        self.reference = Reference()
        self.readers = [Reader() for _ in range(3)]
        self.restarted = False

    def run(self, steps: Sequence[Step]) -> None:
        """Play, and let every reader read to the end."""
        for step in steps:
            self._take(step)
        self._poll()
        for who, _ in product(range(len(self.readers)), range(8)):
            self._read(who, 170)

    def _take(self, step: Step) -> None:
        match step:
            case Arrive(count):
                self.upstream.arrive(count)
            case Vanish(count):
                self.upstream.vanish(count)
            case Poll():
                self._poll()
            case Restart():
                self.restarted = True
                self.feed, self.reference = Feed(), Reference()
                self._poll()
            case Read(who, limit):
                self._read(who, limit)

    def _poll(self) -> None:
        before = len(self.reference.told)
        self.reference.see(self.upstream)
        new = self.feed.add_page(self.upstream.page())
        assert numbers(new) == self.reference.told[before:]

    def _read(self, who: int, limit: int) -> None:
        """Read, and compare with what there is to be read."""
        reader = self.readers[who]
        if reader.cursor is None:
            self._join(reader, limit)
            return
        read = self.feed.since(reader.cursor, limit)
        again = {*numbers(read.messages)} & {*reader.got}
        assert self.upstream.vanished or not again & {*reader.got[-NAMED:]}
        assert read.missed or not again
        # A feed made anew has an order of its own; only the last read message tells where in it.
        in_order = not self.upstream.skew and reader.last not in self.upstream.vanished
        if in_order or not self.restarted:
            self._compare(read, self.reference.start_of(reader), limit)
        reader.take(read)

    def _join(self, reader: Reader, limit: int) -> None:
        read = self.feed.latest(limit)
        assert numbers(read.messages) == self.reference.told[-limit:]
        reader.take(read)
        reader.joined, reader.was_told = self.reference._arrived, False

    def _compare(self, read: MessagePage, start: int | None, limit: int) -> None:
        told = self.reference.told
        first = max(0, len(told) - REMEMBERED) if start is None else start
        assert numbers(read.messages) == told[first:][:limit]
        span = range(first, first + len(read.messages))
        if start is None or any(it in self.reference.lost for it in span):
            assert read.missed
        elif not any(it in self.reference.doubtful for it in span):
            assert not read.missed
