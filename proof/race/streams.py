"""The HTTP transport of an entrant that answers a tool call on the session's GET stream.

Each post is only accepted; the answers of all come on one stream. It knows no more of MCP than
`wires` does.
"""

import select
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from bench.processes import PATIENCE_SECONDS, BenchError
from proof.race.exchange import Exchange
from proof.race.wires import Call, HttpWire

_EVENT_ENDS: Final = b"\n\n"
_DATA: Final = b"data:"


class StreamWire(HttpWire):
    """To such an entrant: calls are posted on as many connections, and answered on one."""

    def __init__(self, port: int, path: str, headers: Mapping[str, str]) -> None:
        super().__init__(port, path, headers)
        self._stream = Exchange(port)
        self._stream.send(self._head.replace(b"POST", b"GET", 1) + b"\r\n\r\n")
        self._pending = b""

    def close(self) -> None:
        """End both connections."""
        self._stream.close()
        super().close()

    def _pump(self, call: Call, exchanges: list[Exchange], seconds: float) -> float:
        """Until the time is up, owed and unanswered calls are together as many as connections."""
        requests = (self._post(call.numbered(it)) for it in self._ids)
        posting = _Posting(exchanges)
        done, owed, unanswered = 0, len(exchanges), 0
        begin = time.perf_counter()
        while owed or unanswered:
            posted = posting.post(requests, at_most=owed)
            ready = _awaited([self._stream, *posting.busy])
            posting.accept(ready)
            answered = self._answered(call) if self._stream in ready else 0
            done += answered
            unanswered += posted - answered
            # An answer is paid for with a new call, as long as there is time.
            owed = owed - posted + answered if time.perf_counter() - begin < seconds else 0
        return done / (time.perf_counter() - begin)

    def _answered(self, call: Call) -> int:
        """Read what the stream brings, and count the answers in it."""
        *events, self._pending = (self._pending + self._stream.read()).split(_EVENT_ENDS)
        answers = [it for it in events if _DATA in it and b'"method"' not in it]
        for answer in answers:
            call.check(answer)
        return len(answers)


class _Posting:
    """Connections, each of which is idle, or busy until its post has been accepted."""

    def __init__(self, exchanges: Sequence[Exchange]) -> None:
        self._idle = list(exchanges)
        self.busy = set[Exchange]()

    def post(self, requests: Iterator[bytes], *, at_most: int) -> int:
        """Post on idle connections; on how many."""
        chosen = [self._idle.pop() for _ in range(min(at_most, len(self._idle)))]
        for exchange in chosen:
            exchange.send(next(requests))
        self.busy.update(chosen)
        return len(chosen)

    def accept(self, ready: Iterable[Exchange]) -> None:
        """Read from those that are busy; they are idle again once all has come."""
        accepted = [it for it in ready if it in self.busy and it.receive()]
        self.busy.difference_update(accepted)
        self._idle += accepted


def _awaited(exchanges: Sequence[Exchange]) -> list[Exchange]:
    ready, _, _ = select.select(exchanges, [], [], PATIENCE_SECONDS)
    if not ready:
        raise BenchError(f"no answer within {PATIENCE_SECONDS:g} s")
    return ready
