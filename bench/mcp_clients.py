"""Minimal MCP clients for both protocol eras, over stdio and HTTP.

They do not use the SDK, because its time would be measured too.
"""

import http.client
import itertools
import json
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol
from urllib.parse import urlsplit

from bench.measured_process import TIMEOUT_SECONDS, BenchError, Process

JsonObject = dict[str, Any]

_CLIENT_INFO = {"name": "bench", "version": "1"}
_META = "io.modelcontextprotocol/"
_INITIALIZED = b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n'
_EVENT_DATA = b"\ndata: "


class Era(StrEnum):
    """The two eras of the protocol, each with the revision in use here."""

    LEGACY = "2025-11-25"
    MODERN = "2026-07-28"


@dataclass(frozen=True, slots=True)
class Answer:
    """A raw response, and the seconds from the first byte sent to the last one read."""

    body: bytes
    seconds: float

    def result(self) -> JsonObject:
        """The JSON-RPC result: of a line, a JSON body, or the one message of an event stream.

        Raises:
            BenchError: it is an error.
        """
        result = self._result()
        if result is None or result.get("isError"):
            raise BenchError(f"the answer is {self.body!r}")
        return result

    def refusal(self) -> JsonObject:
        """The structured content of a call that did not run.

        Raises:
            BenchError: it ran.
        """
        result = self._result()
        if result is None or not result.get("isError"):
            raise BenchError(f"the answer is {self.body!r}")
        refusal: JsonObject = result["structuredContent"]
        return refusal

    def _result(self) -> JsonObject | None:
        message = json.loads(self.body.rpartition(_EVENT_DATA)[2])
        result: JsonObject | None = message.get("result")
        return result


class McpClient(Protocol):
    """A client that sends one request after another."""

    def ask(self, method: str, **params: object) -> Answer:
        """Send a request and wait for its response."""


class StdioClient:
    """A client over stdio."""

    def __init__(self, server: Process, era: Era) -> None:
        self._server = server
        self._messages = _Messages(era)
        if era is Era.LEGACY:
            self.ask("initialize", **_INITIALIZE_PARAMS).result()
            server.send(_INITIALIZED)

    def ask(self, method: str, **params: object) -> Answer:
        """Write a line and read the next one."""
        line = self._messages.request(method, params)
        start = time.perf_counter()
        return Answer(self._server.ask(line), time.perf_counter() - start)


class HttpClient:
    """A client over Streamable HTTP, on one connection."""

    def __init__(self, address: str, era: Era, *, key: str) -> None:
        url = urlsplit(address)
        self._connection = http.client.HTTPConnection(url.netloc, timeout=TIMEOUT_SECONDS)
        self._path = url.path
        self._era = era
        self._messages = _Messages(era)
        self._headers = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            "X-API-Key": key,
        }
        if era is Era.LEGACY:
            self._open_session()
        self._headers["MCP-Protocol-Version"] = era

    def ask(self, method: str, **params: object) -> Answer:
        """Post a request and read the whole response.

        Raises:
            BenchError: the status is not a success.
        """
        body = self._messages.request(method, params)
        headers = self._headers | self._routing_headers(method, params)
        start = time.perf_counter()
        answer, _ = self._post(body, headers)
        return Answer(answer, time.perf_counter() - start)

    def listen(self, uri: str) -> socket.socket:
        """Subscribe to a URI; then the connection is a stream that the caller reads."""
        if self._era is Era.LEGACY:
            self.ask("resources/subscribe", uri=uri).result()
            self._connection.request("GET", self._path, headers=self._headers)
        else:
            params = {"notifications": {"resourceSubscriptions": [uri]}}
            method = "subscriptions/listen"
            body = self._messages.request(method, params)
            headers = self._headers | self._routing_headers(method, params)
            self._connection.request("POST", self._path, body, headers)
        return self._connection.sock

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _routing_headers(self, method: str, params: Mapping[str, object]) -> dict[str, str]:
        if self._era is Era.LEGACY:
            return {}
        named = {"Mcp-Name": str(params["name"])} if "name" in params else {}
        return {"Mcp-Method": method, **named}

    def _open_session(self) -> None:
        greeting = self._messages.request("initialize", _INITIALIZE_PARAMS)
        _, session = self._post(greeting, self._headers)
        if session is None:
            raise BenchError("no session was opened")
        self._headers["Mcp-Session-Id"] = session
        self._post(_INITIALIZED, self._headers)

    def _post(self, body: bytes, headers: Mapping[str, str]) -> tuple[bytes, str | None]:
        self._connection.request("POST", self._path, body, headers)
        response = self._connection.getresponse()
        answer = response.read()
        if response.status not in {200, 202}:
            raise BenchError(f"HTTP {response.status}: {answer!r}")
        return answer, response.headers["Mcp-Session-Id"]


class _Messages:
    """Creates the requests of one era as lines."""

    def __init__(self, era: Era) -> None:
        self._envelope = _ENVELOPE if era is Era.MODERN else {}
        self._ids = itertools.count(1)

    def request(self, method: str, params: Mapping[str, object]) -> bytes:
        message = {
            "jsonrpc": "2.0",
            "id": next(self._ids),
            "method": method,
            "params": {**params, **self._envelope},
        }
        return json.dumps(message, separators=(",", ":")).encode() + b"\n"


_INITIALIZE_PARAMS: JsonObject = {
    "protocolVersion": Era.LEGACY,
    "capabilities": {},
    "clientInfo": _CLIENT_INFO,
}
_ENVELOPE: JsonObject = {
    "_meta": {
        f"{_META}protocolVersion": Era.MODERN,
        f"{_META}clientInfo": _CLIENT_INFO,
        f"{_META}clientCapabilities": {},
    }
}
