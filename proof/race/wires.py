"""MCP to an entrant, over stdio and over HTTP, in the era that all of them speak.

Two ways to use one: ask and understand the answer, or keep so many calls in flight for so many
seconds and count. Nothing here knows what is measured.
"""

import itertools
import json
import re
import select
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from bench.processes import PATIENCE_SECONDS, BenchError
from bench.wire import Era
from proof.race.children import Child
from proof.race.exchange import Exchange

JsonObject = dict[str, Any]

_GREETING: Final[JsonObject] = {
    "protocolVersion": Era.LEGACY,
    "capabilities": {},
    "clientInfo": {"name": "race", "version": "1"},
}
_INITIALIZED: Final = b'{"jsonrpc":"2.0","method":"notifications/initialized"}'
_SESSION: Final = re.compile(rb"\r\nmcp-session-id: *([^\r]+)", re.IGNORECASE)
_NOT_AN_ANSWER: Final = b'"method"'


class HttpExchange(Protocol):
    """A way to an entrant that has been greeted."""

    greeting: JsonObject
    """What it answered to `initialize`."""

    def ask(self, method: str, **params: object) -> JsonObject:
        """Ask and wait for the answer: a JSON-RPC response, with a result or an error."""

    def pump(self, call: "Call", *, in_flight: int, seconds: float) -> float:
        """Keep so many calls in flight for so many seconds, and return calls per second."""


class Call:
    """A tool call that is made again and again, and what each answer to it must hold."""

    def __init__(self, name: str, arguments: JsonObject, *, proof: bytes) -> None:
        params = json.dumps({"name": name, "arguments": arguments}, separators=(",", ":"))
        self._rest = b',"method":"tools/call","params":' + params.encode() + b"}"
        self._proof = proof

    def numbered(self, number: int) -> bytes:
        """The request, with this id."""
        return b'{"jsonrpc":"2.0","id":%d' % number + self._rest

    def check(self, answer: bytes) -> None:
        """See that it is what was asked for.

        Raises:
            BenchError: it is not.
        """
        if self._proof not in answer:
            raise BenchError(f"a call was answered {answer[-300:]!r}")


class StdioWire:
    """To an entrant on stdin and stdout."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self._ids = itertools.count(1)
        self.told: list[JsonObject] = []
        self.greeting = _result(self.ask("initialize", **_GREETING))
        child.tell(_INITIALIZED + b"\n")

    def ask(self, method: str, **params: object) -> JsonObject:
        """Write a line and read until the one that answers it; keep what else is told."""
        number = next(self._ids)
        self._child.tell(_request(number, method, params) + b"\n")
        return self.wait(lambda message: message.get("id") == number and "method" not in message)

    def wait(self, wanted: Callable[[JsonObject], bool]) -> JsonObject:
        """Read until a message that is wanted.

        Raises:
            BenchError: none came, or a line that is no JSON.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            line = self._child.next()
            try:
                message: JsonObject = json.loads(line)
            except ValueError:
                raise BenchError(f"its stdout holds {line[:100]!r}") from None
            if wanted(message):
                return message
            self.told.append(message)
        raise BenchError("it talks, and does not answer")

    def pump(self, call: Call, *, in_flight: int, seconds: float) -> float:
        """Write so many lines at once, and another for each that is answered."""
        done, open_calls = 0, in_flight
        begin = time.perf_counter()
        for _ in range(in_flight):
            self._child.tell(call.numbered(next(self._ids)) + b"\n")
        while open_calls:
            line = self._child.next()
            if _NOT_AN_ANSWER in line[:60]:
                continue
            call.check(line)
            done += 1
            if time.perf_counter() - begin < seconds:
                self._child.tell(call.numbered(next(self._ids)) + b"\n")
            else:
                open_calls -= 1
        return done / (time.perf_counter() - begin)


class HttpWire:
    """To an entrant over Streamable HTTP, on one connection for each call in flight."""

    def __init__(self, port: int, path: str, headers: Mapping[str, str]) -> None:
        self._port = port
        self._ids = itertools.count(1)
        accepted = {"Accept": "application/json, text/event-stream"}
        sent = {"Host": f"127.0.0.1:{port}", "Content-Type": "application/json", **accepted}
        lines = [f"POST {path} HTTP/1.1", *(f"{k}: {v}" for k, v in {**sent, **headers}.items())]
        self._head = "\r\n".join(lines).encode()
        self._exchange = Exchange(port)
        self.greeting = self._greet()

    def ask(self, method: str, **params: object) -> JsonObject:
        """Post a request and read its answer."""
        number = next(self._ids)
        _, body = self._exchange.ask(self._post(_request(number, method, params)))
        return _message(body, number)

    def pump(self, call: Call, *, in_flight: int, seconds: float) -> float:
        """Post on so many connections at once, and again on each that is answered."""
        exchanges = [Exchange(self._port) for _ in range(in_flight)]
        try:
            return self._pump(call, exchanges, seconds)
        finally:
            for exchange in exchanges:
                exchange.close()

    def close(self) -> None:
        """End the connection."""
        self._exchange.close()

    def _pump(self, call: Call, exchanges: list[Exchange], seconds: float) -> float:
        done, waiting = 0, list(exchanges)
        begin = time.perf_counter()
        for exchange in exchanges:
            exchange.send(self._post(call.numbered(next(self._ids))))
        while waiting:
            ready, _, _ = select.select(waiting, [], [], PATIENCE_SECONDS)
            if not ready:
                raise BenchError(f"no answer within {PATIENCE_SECONDS:g} s")
            for exchange in ready:
                if (answer := exchange.receive()) is None:
                    continue
                call.check(answer)
                done += 1
                if time.perf_counter() - begin < seconds:
                    exchange.send(self._post(call.numbered(next(self._ids))))
                else:
                    waiting.remove(exchange)
        return done / (time.perf_counter() - begin)

    def _greet(self) -> JsonObject:
        head, body = self._exchange.ask(self._post(_request(0, "initialize", _GREETING)))
        greeting = _result(_message(body, 0))
        version = str(greeting["protocolVersion"]).encode()
        self._head += b"\r\nMCP-Protocol-Version: " + version
        if session := _SESSION.search(head):
            self._head += b"\r\nMcp-Session-Id: " + session[1]
        self._exchange.ask(self._post(_INITIALIZED))
        return greeting

    def _post(self, body: bytes) -> bytes:
        return b"%b\r\nContent-Length: %d\r\n\r\n%b" % (self._head, len(body), body)


def _request(number: int, method: str, params: Mapping[str, object]) -> bytes:
    message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
    return json.dumps(message, separators=(",", ":")).encode()


def _message(body: bytes, number: int) -> JsonObject:
    """The answer with this id: the body itself, or one of the messages of an event stream."""
    lines = [it.removeprefix(b"data:") for it in body.splitlines() if it.startswith(b"data:")]
    for line in lines or [body]:
        try:
            message: JsonObject = json.loads(line)
        except ValueError:
            continue
        if message.get("id") == number:
            return message
    raise BenchError(f"a request was answered {body[:200]!r}")


def _result(answer: JsonObject) -> JsonObject:
    if "result" not in answer:
        raise BenchError(f"it was greeted and answered {answer}")
    result: JsonObject = answer["result"]
    return result
