"""MCP clients of the race, over stdio and HTTP, in the era that all servers support.

A client either sends one request and parses the response, or keeps calls in flight and counts them.
"""

import itertools
import json
import re
import select
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from bench.mcp_clients import Era
from bench.measured_process import TIMEOUT_SECONDS, BenchError
from proof.race.child_process import ChildProcess
from proof.race.http_connection import HttpConnection

JsonObject = dict[str, Any]

_INITIALIZE_PARAMS: Final[JsonObject] = {
    "protocolVersion": Era.LEGACY,
    "capabilities": {},
    "clientInfo": {"name": "race", "version": "1"},
}
_INITIALIZED: Final = b'{"jsonrpc":"2.0","method":"notifications/initialized"}'
_SESSION: Final = re.compile(rb"\r\nmcp-session-id: *([^\r]+)", re.IGNORECASE)
_NOTIFICATION_MARK: Final = b'"method"'


class RaceClient(Protocol):
    """An initialized client of a server."""

    initialize_result: JsonObject
    """The server's result of `initialize`."""

    def ask(self, method: str, **params: object) -> JsonObject:
        """Send a request and return the JSON-RPC response, with a result or an error."""

    def pump(self, call: "Call", *, in_flight: int, seconds: float) -> float:
        """Keep calls in flight for some seconds; returns calls per second."""


class Call:
    """A tool call to repeat, and the text that each response must contain."""

    def __init__(self, name: str, arguments: JsonObject, *, expected: bytes) -> None:
        params = json.dumps({"name": name, "arguments": arguments}, separators=(",", ":"))
        self._rest = b',"method":"tools/call","params":' + params.encode() + b"}"
        self._expected = expected

    def with_id(self, number: int) -> bytes:
        """The request with this id."""
        return b'{"jsonrpc":"2.0","id":%d' % number + self._rest

    def check(self, answer: bytes) -> None:
        """Check a response.

        Raises:
            BenchError: it is not as expected.
        """
        if self._expected not in answer:
            raise BenchError(f"a call was answered {answer[-300:]!r}")


class StdioClient:
    """A client over stdio."""

    def __init__(self, process: ChildProcess) -> None:
        self._process = process
        self._ids = itertools.count(1)
        self.other_messages: list[JsonObject] = []
        self.initialize_result = _result(self.ask("initialize", **_INITIALIZE_PARAMS))
        process.send(_INITIALIZED + b"\n")

    def ask(self, method: str, **params: object) -> JsonObject:
        """Write a line and read until its response; other messages are kept."""
        number = next(self._ids)
        self._process.send(_request(number, method, params) + b"\n")
        return self.wait(lambda message: message.get("id") == number and "method" not in message)

    def wait(self, is_wanted: Callable[[JsonObject], bool]) -> JsonObject:
        """Read until a message for which `is_wanted` is true.

        Raises:
            BenchError: there was none in time, or a line is not JSON.
        """
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            line = self._process.next()
            try:
                message: JsonObject = json.loads(line)
            except ValueError:
                raise BenchError(f"its stdout holds {line[:100]!r}") from None
            if is_wanted(message):
                return message
            self.other_messages.append(message)
        raise BenchError("it talks, and does not answer")

    def pump(self, call: Call, *, in_flight: int, seconds: float) -> float:
        """Write `in_flight` lines, and one more for each response."""
        done, open_calls = 0, in_flight
        begin = time.perf_counter()
        for _ in range(in_flight):
            self._process.send(call.with_id(next(self._ids)) + b"\n")
        while open_calls:
            line = self._process.next()
            if _NOTIFICATION_MARK in line[:60]:
                continue
            call.check(line)
            done += 1
            if time.perf_counter() - begin < seconds:
                self._process.send(call.with_id(next(self._ids)) + b"\n")
            else:
                open_calls -= 1
        return done / (time.perf_counter() - begin)


class HttpClient:
    """A client over Streamable HTTP, with one connection for each call in flight."""

    def __init__(self, port: int, path: str, headers: Mapping[str, str]) -> None:
        self._port = port
        self._ids = itertools.count(1)
        accepted = {"Accept": "application/json, text/event-stream"}
        sent = {"Host": f"127.0.0.1:{port}", "Content-Type": "application/json", **accepted}
        lines = [f"POST {path} HTTP/1.1", *(f"{k}: {v}" for k, v in {**sent, **headers}.items())]
        self._head = "\r\n".join(lines).encode()
        self._exchange = HttpConnection(port)
        self.initialize_result = self._initialize()

    def ask(self, method: str, **params: object) -> JsonObject:
        """Post a request and read its response."""
        number = next(self._ids)
        _, body = self._exchange.ask(self._post(_request(number, method, params)))
        return _message(body, number)

    def pump(self, call: Call, *, in_flight: int, seconds: float) -> float:
        """Post on `in_flight` connections, and again after each response."""
        connections = [HttpConnection(self._port) for _ in range(in_flight)]
        try:
            return self._pump(call, connections, seconds)
        finally:
            for connection in connections:
                connection.close()

    def close(self) -> None:
        """Close the connection."""
        self._exchange.close()

    def _pump(self, call: Call, connections: list[HttpConnection], seconds: float) -> float:
        done, waiting = 0, list(connections)
        begin = time.perf_counter()
        for connection in connections:
            connection.send(self._post(call.with_id(next(self._ids))))
        while waiting:
            ready, _, _ = select.select(waiting, [], [], TIMEOUT_SECONDS)
            if not ready:
                raise BenchError(f"no answer within {TIMEOUT_SECONDS:g} s")
            for connection in ready:
                if (answer := connection.receive()) is None:
                    continue
                call.check(answer)
                done += 1
                if time.perf_counter() - begin < seconds:
                    connection.send(self._post(call.with_id(next(self._ids))))
                else:
                    waiting.remove(connection)
        return done / (time.perf_counter() - begin)

    def _initialize(self) -> JsonObject:
        head, body = self._exchange.ask(self._post(_request(0, "initialize", _INITIALIZE_PARAMS)))
        initialize_result = _result(_message(body, 0))
        version = str(initialize_result["protocolVersion"]).encode()
        self._head += b"\r\nMCP-Protocol-Version: " + version
        if session := _SESSION.search(head):
            self._head += b"\r\nMcp-Session-Id: " + session[1]
        self._exchange.ask(self._post(_INITIALIZED))
        return initialize_result

    def _post(self, body: bytes) -> bytes:
        return b"%b\r\nContent-Length: %d\r\n\r\n%b" % (self._head, len(body), body)


def _request(number: int, method: str, params: Mapping[str, object]) -> bytes:
    message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
    return json.dumps(message, separators=(",", ":")).encode()


def _message(body: bytes, number: int) -> JsonObject:
    """The response with this id: the body, or a message of an event stream."""
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
