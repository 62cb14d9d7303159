"""The HTTP transport of an entrant that answers a tool call on the session's GET stream.

Each post is only accepted; the answers of all come on one stream. It knows no more of MCP than
`wires` does.
"""

import select
import time
from collections.abc import Mapping
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
        done, owed, idle, busy = 0, len(exchanges), list(exchanges), set[Exchange]()
        open_calls = owed
        begin = time.perf_counter()
        while open_calls:
            while owed and idle:
                exchange = idle.pop()
                exchange.send(self._post(call.numbered(next(self._ids))))
                busy.add(exchange)
                owed -= 1
            ready, _, _ = select.select([self._stream, *busy], [], [], PATIENCE_SECONDS)
            if not ready:
                raise BenchError(f"no answer within {PATIENCE_SECONDS:g} s")
            idle += (accepted := [it for it in ready if it in busy and it.receive()])
            busy -= set(accepted)
            answered = self._answered(call) if self._stream in ready else 0
            done += answered
            if time.perf_counter() - begin < seconds:
                owed += answered
            else:
                open_calls -= answered + owed
                owed = 0
        return done / (time.perf_counter() - begin)

    def _answered(self, call: Call) -> int:
        """Read what the stream brings, and count the answers in it."""
        *events, self._pending = (self._pending + self._stream.read()).split(_EVENT_ENDS)
        answers = [it for it in events if _DATA in it and b'"method"' not in it]
        for answer in answers:
            call.check(answer)
        return len(answers)
