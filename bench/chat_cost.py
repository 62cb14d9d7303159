"""Measures chat subscriptions: many subscribers of one studio, notified of each message.

The next message is sent when all are notified, so that each notification belongs to one message.
The subscribers are sockets of this process; the server and its upstream are separate processes.
"""

import json
import selectors
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bench.call_cost import KEY
from bench.harness.mcp_clients import ACKNOWLEDGED, UPDATED, Era, HttpClient
from bench.harness.process import (
    TIMEOUT_SECONDS,
    HarnessError,
    Process,
    allow_open_files,
    python_module,
)

if TYPE_CHECKING:
    from bench.harness.http_connection import EventStream

POLL_SECONDS: Final = 0.5
"""The poll interval: long enough to notify the most subscribers."""

SUBSCRIBER_COUNTS: Final = {Era.MODERN: (1, 100, 500), Era.LEGACY: (1, 50)}
"""One key may have 600 open streams, and the subscribers of two keys hear at their own pace."""

_CHAT = "trax://studios/studio_42/chat"
_OTHER_FILES = 100
# In the earlier era a new stream is notified at once: it may have missed something.
_SUBSCRIBED = {Era.MODERN: ACKNOWLEDGED.encode(), Era.LEGACY: UPDATED.encode()}


@dataclass(frozen=True, slots=True)
class ChatCost:
    """The cost of a number of subscribers.

    `cpu_ms` is per notification, with its share of the poll. `resident_kib` is per idle subscriber;
    None for the first, which also loads code. `delays_ms` are from the upstream's response to each
    notification.
    """

    requests_per_second: float
    cpu_ms: float
    resident_kib: float | None
    delays_ms: list[float]


def measure_chat(era: Era, rounds: int) -> Iterator[ChatCost]:
    """Measure each of `SUBSCRIBER_COUNTS`, over `rounds` messages."""
    allow_open_files(max(SUBSCRIBER_COUNTS[era]) + _OTHER_FILES)
    with ExitStack() as stack:
        upstream = stack.enter_context(python_module("bench.baselines.chat_upstream"))
        settings = {
            "TRAX_BASE_URL": upstream.address(),
            "TRAX_CHAT_POLL_SECONDS": str(POLL_SECONDS),
        }
        command = ("trax_mcp", "http", "--port", "0")
        server = stack.enter_context(python_module(*command, settings=settings))
        subscribers = stack.enter_context(closing(Subscribers(server.address(), era)))
        for size in SUBSCRIBER_COUNTS[era]:
            resident_kib = _add_subscribers(subscribers, size, server)
            yield _measure(
                subscribers, rounds, server=server, upstream=upstream, resident_kib=resident_kib
            )


class Subscribers:
    """Subscribed clients, each with its own connections."""

    def __init__(self, address: str, era: Era) -> None:
        self._address = address
        self._era = era
        self._streams: list[EventStream] = []
        self._selector = selectors.DefaultSelector()

    def __len__(self) -> int:
        return len(self._streams)

    def grow(self, size: int) -> None:
        """Add clients until there are `size`."""
        while len(self) < size:
            client = HttpClient(self._address, self._era, headers={"X-API-Key": KEY})
            self._streams.append(stream := client.listen(_CHAT))
            client.close()  # the stream has a connection of its own
            self._selector.register(stream.connection, selectors.EVENT_READ, stream)
            stream.wait_for(_SUBSCRIBED[self._era])

    def wait_for_notifications(self) -> list[float]:
        """Wait until all are notified; returns the time of each notification.

        Raises:
            HarnessError: some were not notified in time, or more than once.
        """
        deadline = time.monotonic() + TIMEOUT_SECONDS
        waiting, times = set(self._streams), list[float]()
        while waiting:
            ready = self._selector.select(TIMEOUT_SECONDS)
            now = time.monotonic()
            if now > deadline:
                raise HarnessError(
                    f"{len(waiting)} of {len(self)} subscribers were told of nothing"
                )
            streams = [key.data for key, _ in ready]
            notified = [it for it in streams for _ in range(it.read_matches(UPDATED.encode()))]
            waiting.difference_update(notified)
            times.extend([now] * len(notified))
        if len(times) > len(self):
            raise HarnessError(f"{len(self)} subscribers were told {len(times)} times")
        return times

    def close(self) -> None:
        """Close all connections."""
        self._selector.close()
        for stream in self._streams:
            stream.close()


@dataclass(frozen=True, slots=True)
class _Delivery:
    """One message: the first request that returned it, by number and time; the notifications."""

    requests: int
    seconds: float
    notified: list[float]

    @property
    def delays_ms(self) -> list[float]:
        return [(moment - self.seconds) * 1000 for moment in self.notified]


def _add_subscribers(subscribers: Subscribers, size: int, server: Process) -> float | None:
    """Add subscribers; returns KiB per new one, None for the first."""
    old_size, before = len(subscribers), server.resident_mib()
    subscribers.grow(size)
    return (server.resident_mib() - before) * 1024 / (size - old_size) if old_size else None


def _measure(
    subscribers: Subscribers,
    rounds: int,
    *,
    server: Process,
    upstream: Process,
    resident_kib: float | None,
) -> ChatCost:
    _deliver(
        subscribers, upstream
    )  # warm-up: the first notification of new subscribers takes longest
    first = _deliver(subscribers, upstream)
    before = server.cpu_seconds()
    deliveries = [_deliver(subscribers, upstream) for _ in range(rounds)]
    cpu_ms = (server.cpu_seconds() - before) * 1000
    requests = deliveries[-1].requests - first.requests
    return ChatCost(
        requests_per_second=requests / (deliveries[-1].seconds - first.seconds),
        cpu_ms=cpu_ms / (rounds * len(subscribers)),
        resident_kib=resident_kib,
        delays_ms=[delay for it in deliveries for delay in it.delays_ms],
    )


def _deliver(subscribers: Subscribers, upstream: Process) -> _Delivery:
    upstream.ask(b"say\n")
    notified = subscribers.wait_for_notifications()
    return _Delivery(**json.loads(upstream.ask(b"shown\n")), notified=notified)
