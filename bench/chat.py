"""What chat costs: a crowd that is subscribed to one studio, and told of what is said there.

Nothing is said before all were told of what was said last, so that each notification belongs to one
message. The crowd is sockets of this process; the server and its upstream are others.
"""

import json
import selectors
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Final

from bench.processes import PATIENCE_SECONDS, BenchError, Process, allow_open_files
from bench.wire import Era, HttpWire

POLL_SECONDS: Final = 0.5
"""The least time between two looks at the upstream: long enough to tell the largest crowd."""

CROWDS: Final = {Era.MODERN: (1, 100, 1_000), Era.LEGACY: (1, 100)}
"""How many are subscribed. In the earlier era 1,000 take too long to come: each asks four times."""

_KEY = "sk_live_of_the_bench"
_CHAT = "trax://studios/studio_42/chat"
_CHUNK_BYTES = 1 << 16
_FILES_BESIDE = 100
_TOLD = b"notifications/resources/updated"
# In the earlier era a session whose stream has opened is told at once: nobody knows what it missed.
_WELCOMED = {Era.MODERN: b"notifications/subscriptions/acknowledged", Era.LEGACY: _TOLD}


@dataclass(frozen=True, slots=True)
class Cost:
    """What so many subscribers cost; `cpu_ms` is of one notification, with its share of the look.

    `resident_kib` is of one that is idle, None for the first, with whom much else is loaded.
    `delays_ms` are from the upstream's answer to the notification, for each one and each message.
    """

    requests_per_second: float
    cpu_ms: float
    resident_kib: float | None
    delays_ms: list[float]


def costs(era: Era, rounds: int) -> Iterator[Cost]:
    """What each of `CROWDS` costs, one growing into the next, over so many messages."""
    allow_open_files(max(CROWDS[era]) + _FILES_BESIDE)
    with ExitStack() as stack:
        upstream = stack.enter_context(Process("bench.peers.chat"))
        settings = {
            "TRAX_BASE_URL": upstream.address(),
            "TRAX_CHAT_POLL_SECONDS": str(POLL_SECONDS),
        }
        command = ("trax_mcp", "http", "--port", "0")
        server = stack.enter_context(Process(*command, environment=settings))
        crowd = stack.enter_context(closing(Crowd(server.address(), era)))
        for size in CROWDS[era]:
            resident_kib = _grow(crowd, size, server)
            yield _cost(crowd, rounds, server=server, upstream=upstream, resident_kib=resident_kib)


class Crowd:
    """Clients who are subscribed, each on a connection of its own, all ended by `close`."""

    def __init__(self, address: str, era: Era) -> None:
        self._address = address
        self._era = era
        self._clients: list[Client] = []
        self._selector = selectors.DefaultSelector()

    def __len__(self) -> int:
        return len(self._clients)

    def grow(self, size: int) -> None:
        """Let clients come, one after another, until there are so many."""
        while len(self._clients) < size:
            client = Client(HttpWire(self._address, self._era, key=_KEY))
            self._clients.append(client)
            self._selector.register(client.socket, selectors.EVENT_READ, client)
            while not client.hear(_WELCOMED[self._era]):
                pass

    def told(self) -> list[float]:
        """Wait until all have been told; when each one was.

        Raises:
            BenchError: some were not told in time, or more than once.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        untold, moments = set(self._clients), list[float]()
        while untold:
            ready = self._selector.select(PATIENCE_SECONDS)
            moment = time.monotonic()
            if moment > deadline:
                raise BenchError(f"{len(untold)} of {len(self)} subscribers were told of nothing")
            told = [key.data for key, _ in ready for _ in range(key.data.hear(_TOLD))]
            untold.difference_update(told)
            moments.extend([moment] * len(told))
        if len(moments) > len(self):
            raise BenchError(f"{len(self)} subscribers were told {len(moments)} times")
        return moments

    def close(self) -> None:
        """Hang up."""
        self._selector.close()
        for client in self._clients:
            client.close()


class Client:
    """One who is subscribed, with as little as there can be: a socket to listen to."""

    def __init__(self, wire: HttpWire) -> None:
        self.socket = wire.listen(_CHAT)
        self.close = wire.close
        self._heard = b""

    def hear(self, what: bytes) -> int:
        """Read what has come, or what comes next; how often it holds this.

        Raises:
            BenchError: nothing comes, and perhaps will never.
        """
        try:
            chunk = self.socket.recv(_CHUNK_BYTES)
        except TimeoutError:
            chunk = b""
        if not chunk:
            raise BenchError(f"a stream ended, or fell silent, after {self._heard!r}")
        heard = self._heard + chunk
        self._heard = heard.rpartition(what)[2]
        return heard.count(what)


@dataclass(frozen=True, slots=True)
class _Round:
    """One message: the request that first showed it, its answer's moment, and when all knew."""

    requests: int
    seconds: float
    told: list[float]

    @property
    def delays_ms(self) -> list[float]:
        return [(moment - self.seconds) * 1000 for moment in self.told]


def _grow(crowd: Crowd, size: int, server: Process) -> float | None:
    """KiB for each who has come, where others were there before."""
    known, before = len(crowd), server.resident_mib()
    crowd.grow(size)
    return (server.resident_mib() - before) * 1024 / (size - known) if known else None


def _cost(
    crowd: Crowd, rounds: int, *, server: Process, upstream: Process, resident_kib: float | None
) -> Cost:
    _round(crowd, upstream)  # it warms up: to tell a crowd that has just come takes longest
    first = _round(crowd, upstream)
    before = server.cpu_seconds()
    taken = [_round(crowd, upstream) for _ in range(rounds)]
    cpu_ms = (server.cpu_seconds() - before) * 1000
    requests = taken[-1].requests - first.requests
    return Cost(
        requests_per_second=requests / (taken[-1].seconds - first.seconds),
        cpu_ms=cpu_ms / (rounds * len(crowd)),
        resident_kib=resident_kib,
        delays_ms=[delay for it in taken for delay in it.delays_ms],
    )


def _round(crowd: Crowd, upstream: Process) -> _Round:
    upstream.ask(b"say\n")
    told = crowd.told()
    return _Round(**json.loads(upstream.ask(b"shown\n")), told=told)
