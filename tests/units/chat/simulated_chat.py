"""Simulates a chat: an upstream that returns the most recent messages, a feed, and readers.

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

    from trax_mcp.chat.feed import MessagePage
    from trax_mcp.chat.identity import Message

Order = Literal["oldest first", "newest first", "shuffled"]
Ids = Literal["texts", "missing", "some missing", "per platform", "all the same"]
PAGE_SIZE: Final = 200
WINDOW: Final = 1_000
CURSOR_LENGTH: Final = 4
"""The most messages that a cursor names."""

Step = tuple[Literal["arrive", "remove", "poll", "restart", "read"], *tuple[int, ...]]
"""`arrive` and `remove` have a count, and `read` has a reader and a limit.

After a restart the feed is empty, and readers keep their cursors.
"""

_START: Final = datetime(2026, 1, 1, tzinfo=UTC)


# The chat


@dataclass
class Upstream:
    """A chat that returns its most recent messages. Messages are numbered as they arrive.

    `skew` is the largest clock error in seconds; with None, all times are equal. `undated` is the
    percentage of messages without a time. `page_size` is the most that it returns.
    """

    order: Order
    random: Random
    skew: int | None = 0
    undated: int = 0
    ids: Ids = "texts"
    page_size: int = PAGE_SIZE
    messages: list[dict[str, Any]] = field(default_factory=list)
    removed: set[int] = field(default_factory=set)

    def add(self, count: int) -> None:
        self.messages += [self._message(len(self.messages) + number) for number in range(count)]

    def remove(self, count: int) -> None:
        """Remove some of the most recent messages, as a moderator does."""
        shown = self.shown()
        self.removed |= set(self.random.sample(shown, min(count, len(shown))))

    def shown(self) -> list[int]:
        """The numbers of the messages in a page."""
        latest = (it for it in reversed(range(len(self.messages))) if it not in self.removed)
        return [*islice(latest, self.page_size)][::-1]

    def page(self) -> list[dict[str, Any]]:
        """A page, in the order of this upstream."""
        page = [self.messages[number] for number in self.shown()]
        if self.order == "shuffled":
            self.random.shuffle(page)
        return page[::-1] if self.order == "newest first" else page

    def _message(self, number: int) -> dict[str, Any]:
        message = {"text": f"hi {number}", "platform": ("twitch", "kick")[number % 2]}
        message |= self._id(number)
        if self.random.randrange(100) < self.undated:
            return message
        if self.skew is None:
            return message | {"timestamp": _START.isoformat()}
        # The microseconds make every time unique, so that the true order is known.
        seconds = number + self.random.randint(-self.skew, self.skew)
        time = _START + timedelta(days=1, seconds=seconds, microseconds=number)
        return message | {"timestamp": time.isoformat()}

    def _id(self, number: int) -> dict[str, Any]:
        match self.ids:
            case "per platform":
                return {"id": str(number // 2)}
            case "all the same":
                return {"id": "message"}
            case "missing":
                return {}
            case "some missing" if self.random.randrange(2):
                return {"id": None}
        return {"id": f"message {number}"}


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
        """Add a page: by time if all messages have one, else in its own order."""
        shown, known = upstream.shown(), set(self.returned)
        new = [number for number in shown if number not in known]
        unseen = set(range(self._added, len(upstream.messages))) - set(shown) - upstream.removed
        if unseen:
            self.lost.add(len(self.returned))
        if shown and len(new) == len(shown) and (known or len(shown) >= PAGE_SIZE):
            self.doubtful.add(len(self.returned))
        if not upstream.undated and upstream.skew:
            new.sort(key=lambda number: upstream.messages[number]["timestamp"])
        has_order = upstream.skew is not None and not upstream.undated
        if upstream.order == "newest first" and not has_order:
            new.reverse()
        self.returned += new
        self._added = len(upstream.messages)

    @property
    def first(self) -> int:
        return max(0, len(self.returned) - WINDOW)

    def named_before(self, index: int) -> list[int]:
        """The messages that a cursor names."""
        return self.returned[max(self.first, index - CURSOR_LENGTH) : index]

    def locate(self, named: list[int]) -> tuple[int, bool]:
        """The index after a cursor, and whether nothing before it is missing or repeated.

        A cursor that names fewer than four messages names all that were read.
        """
        ends = range(self.first + len(named), len(self.returned) + 1)
        for end in ends[:1] if len(named) < CURSOR_LENGTH else ends:
            if self.named_before(end) == named:
                return end, bool(named) or not self.first
        known = [it for it in named if it in self.returned[self.first :]]
        return (self.returned.index(known[-1]) + 1 if known else self.first), False


@dataclass
class Reader:
    """A reader who follows cursors."""

    cursor: str | None = None
    named: list[int] = field(default_factory=list)
    """The numbers of the messages that the cursor names."""
    received: list[int] = field(default_factory=list)
    joined: int = 0
    """How many messages existed when they joined."""
    saw_missed: bool = False
    """Whether a page was marked as `missed`."""

    def record(self, read: MessagePage, named: list[int]) -> None:
        """Record a page, whose cursor names these messages."""
        self.cursor, self.named = read.cursor, named
        self.received += numbers(read.messages)
        self.saw_missed |= read.missed


def numbers(messages: Sequence[Message]) -> list[int]:
    return [int(message["text"].split()[1]) for message in messages]


# The simulation


class Simulation:
    """One feed, one upstream, the reference, and three readers."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self.feed = Feed()
        self.reference = Reference()
        self.readers = [Reader() for _ in range(3)]

    def run(self, steps: Sequence[Step]) -> None:
        """Run the steps, and let every reader read to the end."""
        for step, *numbers_of_it in steps:
            getattr(self, f"_{step}")(*numbers_of_it)
        self._poll()
        for index, _ in product(range(len(self.readers)), range(8)):
            self._read(index, 170)

    def _arrive(self, count: int) -> None:
        self.upstream.add(count)

    def _remove(self, count: int) -> None:
        self.upstream.remove(count)

    def _restart(self) -> None:
        self.feed, self.reference = Feed(), Reference()
        self._poll()

    def _poll(self) -> None:
        before = len(self.reference.returned)
        self.reference.add_page(self.upstream)
        new = self.feed.add_page(self.upstream.page())
        assert numbers(new) == self.reference.returned[before:]

    def _read(self, index: int, limit: int) -> None:
        reader = self.readers[index]
        if reader.cursor is None:
            self._join(reader, limit)
            return
        read = self.feed.since(reader.cursor, limit)
        start, is_exact = self.reference.locate(reader.named)
        span = range(start, len(self.reference.returned))[:limit]
        self._compare(read, span, is_exact=is_exact)
        assert read.missed or not {*numbers(read.messages)} & {*reader.received}
        reader.record(read, self.reference.named_before(span.stop))

    def _join(self, reader: Reader, limit: int) -> None:
        read = self.feed.latest(limit)
        assert numbers(read.messages) == self.reference.returned[-limit:]
        reader.record(read, self.reference.named_before(len(self.reference.returned)))
        reader.joined, reader.saw_missed = self.reference._added, False

    def _compare(self, read: MessagePage, span: range, *, is_exact: bool) -> None:
        assert numbers(read.messages) == [self.reference.returned[index] for index in span]
        if not is_exact or any(it in self.reference.lost for it in span):
            assert read.missed
        elif not any(it in self.reference.doubtful for it in span):
            assert not read.missed
