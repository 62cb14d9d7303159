"""Minimal MCP clients for both protocol eras, over stdio and HTTP.

They do not use the SDK, because its time would be measured too. A client sends one request after
another, or keeps many calls in flight and counts the answers.
"""

import itertools
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from bench.harness.http_connection import (
    EventStream,
    HttpConnection,
    ProtocolError,
    wait_until_ready,
)
from bench.harness.process import TIMEOUT_SECONDS, HarnessError, Process

JsonObject = dict[str, Any]

UPDATED: Final = "notifications/resources/updated"
ACKNOWLEDGED: Final = "notifications/subscriptions/acknowledged"

_CLIENT_INFO: Final = {"name": "bench", "version": "1"}
_META: Final = "io.modelcontextprotocol/"
_INITIALIZED: Final = b'{"jsonrpc":"2.0","method":"notifications/initialized"}'
_SESSION: Final = re.compile(rb"\r\nmcp-session-id: *([^\r]+)", re.IGNORECASE)
_NOTIFICATION_MARK: Final = b'"method"'


class Era(StrEnum):
    """The two eras of the protocol, each with the revision in use here."""

    LEGACY = "2025-11-25"
    MODERN = "2026-07-28"


@dataclass(frozen=True, slots=True)
class Answer:
    """A JSON-RPC response, and the seconds from the first byte sent to the last one read."""

    body: bytes
    seconds: float

    def message(self) -> JsonObject:
        """The response, with a result or an error."""
        message: JsonObject = json.loads(self.body)
        return message

    def result(self) -> JsonObject:
        """The result, which may be a call that failed.

        Raises:
            ProtocolError: it is an error.
        """
        message = self.message()
        if "result" not in message:
            raise ProtocolError(f"the answer is {self.body!r}")
        result: JsonObject = message["result"]
        return result

    def success(self) -> JsonObject:
        """The result.

        Raises:
            HarnessError: it is an error, or a call that failed.
        """
        result = self.result()
        if result.get("isError"):
            raise HarnessError(f"the answer is {self.body!r}")
        return result

    def refusal(self) -> JsonObject:
        """The structured content of a call that did not run.

        Raises:
            HarnessError: it ran.
        """
        refusal: JsonObject = self.result().get("structuredContent", {})
        if refusal.get("executed") is not False:
            raise HarnessError(f"the answer is {self.body!r}")
        return refusal


class Call:
    """A tool call to repeat, and the text that each response must contain."""

    def __init__(self, name: str, arguments: JsonObject, *, expected: bytes) -> None:
        params = json.dumps({"name": name, "arguments": arguments}, separators=(",", ":"))
        self._rest = b',"method":"tools/call","params":' + params.encode() + b"}"
        self.expected = expected

    def with_id(self, number: int) -> bytes:
        """The request of the earlier era with this id."""
        return b'{"jsonrpc":"2.0","id":%d' % number + self._rest

    def check(self, answer: bytes) -> None:
        """Check a response.

        Raises:
            HarnessError: it is not as expected.
        """
        if self.expected not in answer:
            raise HarnessError(f"a call was answered {answer[-300:]!r}")


class McpClient(Protocol):
    """An initialized client of a server."""

    era: Era
    initialize_result: JsonObject
    """The server's result of `initialize`, in the earlier era."""

    def ask(self, method: str, **params: object) -> Answer:
        """Send a request and wait for its response."""

    def pump(self, call: Call, *, in_flight: int, seconds: float) -> float:
        """Keep calls in flight for some seconds; returns calls per second."""


class StdioClient:
    """A client over stdio, of the only process that it talks to."""

    def __init__(self, process: Process, era: Era) -> None:
        self._process = process
        self.era = era
        self._messages = _Messages(era)
        self._others: list[JsonObject] = []
        self.initialize_result: JsonObject = {}
        if era is Era.LEGACY:
            self.initialize_result = self.ask("initialize", **_INITIALIZE_PARAMS).result()
            process.send(_INITIALIZED + b"\n")

    def ask(self, method: str, **params: object) -> Answer:
        """Write a line and read until its response; other messages are kept for `wait`."""
        number, line = self._messages.request(method, params)
        start = time.perf_counter()
        self._process.send(line + b"\n")
        for _ in _until_late():
            body = self._process.next_line()
            seconds = time.perf_counter() - start
            message = _parse(body)
            if message.get("id") == number and "method" not in message:
                return Answer(body, seconds)
            self._others.append(message)
        raise HarnessError("it talks, and does not answer")

    def wait(self, is_wanted: Callable[[JsonObject], bool]) -> JsonObject:
        """The next message for which `is_wanted` is true, of those that no request waited for.

        Raises:
            HarnessError: there was none in time.
        """
        while self._others:
            if is_wanted(message := self._others.pop(0)):
                return message
        for _ in _until_late():
            if is_wanted(message := _parse(self._process.next_line())):
                return message
        raise HarnessError("it talks, and does not answer")

    def wait_for_update(self) -> None:
        """Wait for the next update of a resource."""
        self.wait(lambda message: message.get("method") == UPDATED)

    def send(self, method: str, **params: object) -> int:
        """Send a request without waiting for its response; returns its id."""
        number, line = self._messages.request(method, params)
        self._process.send(line + b"\n")
        return number

    def cancel(self, number: int) -> None:
        """Cancel a request."""
        params = {"requestId": number}
        message = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}
        self._process.send(json.dumps(message).encode() + b"\n")

    def pump(self, call: Call, *, in_flight: int, seconds: float) -> float:
        """Write `in_flight` lines, and one more for each response."""
        done, open_calls = 0, in_flight
        begin = time.perf_counter()
        for _ in range(in_flight):
            self._process.send(call.with_id(self._messages.next_id()) + b"\n")
        while open_calls:
            line = self._process.next_line()
            if _NOTIFICATION_MARK in line[:60]:
                continue
            call.check(line)
            done += 1
            if time.perf_counter() - begin < seconds:
                self._process.send(call.with_id(self._messages.next_id()) + b"\n")
            else:
                open_calls -= 1
        return done / (time.perf_counter() - begin)


class HttpClient:
    """A client over Streamable HTTP, on one connection; more for streams and calls in flight.

    `answers_on_stream`: the server sends responses to tool calls on the session's GET stream.
    """

    def __init__(
        self,
        address: str,
        era: Era,
        *,
        headers: Mapping[str, str],
        capabilities: JsonObject | None = None,
        answers_on_stream: bool = False,
    ) -> None:
        url = urlsplit(address)
        self._port, self._path = url.port or 80, url.path
        self.era = era
        self._messages = _Messages(era, capabilities or {})
        self._head = "".join(
            f"\r\n{name}: {value}"
            for name, value in {
                "Host": url.netloc,
                "Content-Type": "application/json",
                "Accept": "application/json, text/event-stream",
                **headers,
            }.items()
        ).encode()
        self._connection = HttpConnection(self._port)
        self.initialize_result: JsonObject = {}
        if era is Era.LEGACY:
            self._initialize(capabilities or {})
        else:
            self._head += b"\r\nMCP-Protocol-Version: " + era.encode()
        self._answers = self.open_stream() if answers_on_stream else None

    def ask(self, method: str, **params: object) -> Answer:
        """Post a request and read the whole response."""
        number, body = self._messages.request(method, params)
        request = self._post(body, method, params)
        start = time.perf_counter()
        _, answer = self._connection.ask(request)
        seconds = time.perf_counter() - start
        return Answer(_find(answer, number), seconds)

    def listen(self, *uris: str) -> EventStream:
        """Subscribe to URIs, on a stream of its own."""
        if self.era is Era.LEGACY:
            for uri in uris:
                self.ask("resources/subscribe", uri=uri).result()
            return self.open_stream()
        wanted = {"resourceSubscriptions": list(uris)}
        stream = self.send("subscriptions/listen", notifications=wanted)
        stream.check()
        return stream

    def open_stream(self) -> EventStream:
        """Open the session's GET stream."""
        connection = HttpConnection(self._port)
        connection.send(b"GET %b HTTP/1.1%b\r\n\r\n" % (self._path.encode(), self._head))
        return EventStream(connection)

    def send(self, method: str, **params: object) -> EventStream:
        """Post a request on a connection of its own, without waiting for the response."""
        _, body = self._messages.request(method, params)
        connection = HttpConnection(self._port)
        connection.send(self._post(body, method, params))
        return EventStream(connection)

    def end_session(self) -> None:
        """Delete the session, if the era has one."""
        if self.era is Era.LEGACY:
            self._connection.ask(
                b"DELETE %b HTTP/1.1%b\r\n\r\n" % (self._path.encode(), self._head)
            )

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()
        if self._answers:
            self._answers.close()

    def pump(self, call: Call, *, in_flight: int, seconds: float) -> float:
        """Post on `in_flight` connections, and again after each response."""
        idle = [HttpConnection(self._port) for _ in range(in_flight)]
        for connection in idle:
            connection.open()
        busy = set[HttpConnection]()
        stream = self._answers
        done, to_post, unanswered = 0, in_flight, 0
        begin = time.perf_counter()
        while to_post or unanswered:
            for _ in range(min(to_post, len(idle))):
                busy.add(connection := idle.pop())
                connection.send(self._post(call.with_id(self._messages.next_id())))
                to_post, unanswered = to_post - 1, unanswered + 1
            ready = wait_until_ready([*busy, *([stream.connection] if stream else [])])
            accepted = [it for it in ready if it in busy and self._accepts(it, call)]
            busy.difference_update(accepted)
            idle += accepted
            answered = len(accepted)
            if stream:
                answered = _count_answers(stream, call) if stream.connection in ready else 0
            done, unanswered = done + answered, unanswered - answered
            to_post = to_post + answered if time.perf_counter() - begin < seconds else 0
        for connection in idle:
            connection.close()
        return done / (time.perf_counter() - begin)

    def _accepts(self, connection: HttpConnection, call: Call) -> bool:
        """Read once; returns whether the response is complete."""
        answer = connection.receive()
        if answer is not None and self._answers is None:
            call.check(answer)
        return answer is not None

    def _initialize(self, capabilities: JsonObject) -> None:
        params = _INITIALIZE_PARAMS | {"capabilities": capabilities}
        number, body = self._messages.request("initialize", params)
        head, answer = self._connection.ask(self._post(body))
        self.initialize_result = Answer(_find(answer, number), 0).result()
        version = str(self.initialize_result["protocolVersion"]).encode()
        self._head += b"\r\nMCP-Protocol-Version: " + version
        if session := _SESSION.search(head):
            self._head += b"\r\nMcp-Session-Id: " + session[1]
        self._connection.ask(self._post(_INITIALIZED))

    def _post(
        self, body: bytes, method: str = "", params: Mapping[str, object] | None = None
    ) -> bytes:
        routing = b""
        if self.era is Era.MODERN and params is not None:
            routing = b"\r\nMcp-Method: " + method.encode()
            if name := params.get("name", params.get("uri")):
                routing += b"\r\nMcp-Name: " + str(name).encode()
        head = b"POST %b HTTP/1.1%b%b" % (self._path.encode(), self._head, routing)
        return b"%b\r\nContent-Length: %d\r\n\r\n%b" % (head, len(body), body)


class _Messages:
    """Creates the requests of one era, with new ids."""

    def __init__(self, era: Era, capabilities: JsonObject | None = None) -> None:
        self._ids = itertools.count(1)
        meta = {
            f"{_META}protocolVersion": era,
            f"{_META}clientInfo": _CLIENT_INFO,
            f"{_META}clientCapabilities": capabilities or {},
        }
        self._envelope = {"_meta": meta} if era is Era.MODERN else {}

    def next_id(self) -> int:
        return next(self._ids)

    def request(self, method: str, params: Mapping[str, object]) -> tuple[int, bytes]:
        """The id and the request."""
        number = self.next_id()
        message = {
            "jsonrpc": "2.0",
            "id": number,
            "method": method,
            "params": {**params, **self._envelope},
        }
        return number, json.dumps(message, separators=(",", ":")).encode()


def _find(body: bytes, number: int) -> bytes:
    """The response with this id: the body, or a message of an event stream.

    Raises:
        HarnessError: there is none.
    """
    lines = [it.removeprefix(b"data:") for it in body.split(b"\n") if it.startswith(b"data:")]
    for line in lines or [body]:
        try:
            message = json.loads(line)
        except ValueError:
            continue
        if message.get("id") == number and "method" not in message:
            return line
    raise HarnessError(f"a request was answered {body[:200]!r}")


def _count_answers(stream: EventStream, call: Call) -> int:
    """Read once from a stream of answers, and check them."""
    answers = [it for it in stream.read_events() if _NOTIFICATION_MARK not in it]
    for answer in answers:
        call.check(answer)
    return len(answers)


def _parse(line: bytes) -> JsonObject:
    try:
        message: JsonObject = json.loads(line)
    except ValueError:
        raise HarnessError(f"its stdout holds {line[:100]!r}") from None
    return message


def _until_late() -> Iterator[None]:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        yield


_INITIALIZE_PARAMS: Final[JsonObject] = {
    "protocolVersion": Era.LEGACY,
    "capabilities": {},
    "clientInfo": _CLIENT_INFO,
}
