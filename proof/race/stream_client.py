"""A client for servers that send all responses to tool calls on the session's GET stream."""

import select
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from bench.measured_process import TIMEOUT_SECONDS, BenchError
from proof.race.http_connection import HttpConnection
from proof.race.race_clients import Call, HttpClient

_EVENT_ENDS: Final = b"\n\n"
_DATA: Final = b"data:"


class StreamClient(HttpClient):
    """Posts calls on several connections, and reads the responses on one."""

    def __init__(self, port: int, path: str, headers: Mapping[str, str]) -> None:
        super().__init__(port, path, headers)
        self._stream = HttpConnection(port)
        self._stream.send(self._head.replace(b"POST", b"GET", 1) + b"\r\n\r\n")
        self._pending = b""

    def close(self) -> None:
        """Close both connections."""
        self._stream.close()
        super().close()

    def _pump(self, call: Call, connections: list[HttpConnection], seconds: float) -> float:
        """Keep as many calls in flight as there are connections, until the time is up."""
        requests = (self._post(call.with_id(it)) for it in self._ids)
        pool = _PostPool(connections)
        done, to_post, in_flight = 0, len(connections), 0
        begin = time.perf_counter()
        while to_post or in_flight:
            posted = pool.post(requests, at_most=to_post)
            ready = _wait_until_ready([self._stream, *pool.busy])
            pool.accept(ready)
            answered = self._read_responses(call) if self._stream in ready else 0
            done += answered
            in_flight += posted - answered
            # Each response is followed by a new call, while there is time.
            to_post = to_post - posted + answered if time.perf_counter() - begin < seconds else 0
        return done / (time.perf_counter() - begin)

    def _read_responses(self, call: Call) -> int:
        """Read once from the stream, and count the responses."""
        *events, self._pending = (self._pending + self._stream.read()).split(_EVENT_ENDS)
        answers = [it for it in events if _DATA in it and b'"method"' not in it]
        for answer in answers:
            call.check(answer)
        return len(answers)


class _PostPool:
    """Connections that are idle, or busy until their post is accepted."""

    def __init__(self, connections: Sequence[HttpConnection]) -> None:
        self._idle = list(connections)
        self.busy = set[HttpConnection]()

    def post(self, requests: Iterator[bytes], *, at_most: int) -> int:
        """Post on idle connections; returns on how many."""
        chosen = [self._idle.pop() for _ in range(min(at_most, len(self._idle)))]
        for connection in chosen:
            connection.send(next(requests))
        self.busy.update(chosen)
        return len(chosen)

    def accept(self, ready: Iterable[HttpConnection]) -> None:
        """Read from busy connections; they are idle again after a complete response."""
        accepted = [it for it in ready if it in self.busy and it.receive()]
        self.busy.difference_update(accepted)
        self._idle += accepted


def _wait_until_ready(connections: Sequence[HttpConnection]) -> list[HttpConnection]:
    ready, _, _ = select.select(connections, [], [], TIMEOUT_SECONDS)
    if not ready:
        raise BenchError(f"no answer within {TIMEOUT_SECONDS:g} s")
    return ready
