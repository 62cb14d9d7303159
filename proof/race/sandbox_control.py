"""Controls the race's sandbox over HTTP: resets it, adds faults, reads its requests."""

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from bench.measured_process import TIMEOUT_SECONDS, BenchError
from trax_mcp.sandbox import SANDBOX_KEY


@dataclass(frozen=True, slots=True)
class SandboxRequest:
    """A request that reached the sandbox."""

    method: str
    path: str


@dataclass(frozen=True, slots=True)
class SandboxControl:
    """The sandbox of one race, as its client."""

    address: str

    def reset(self) -> None:
        """Replace the sandbox by a new one without faults and requests."""
        self._ask("POST", "/race/reset")

    def add_fault(self, name: str, *, method: str = "*") -> None:
        """Apply a fault to all future requests of a method."""
        self._ask("POST", "/race/fault", {"name": name, "method": method})

    def received(self) -> list[SandboxRequest]:
        """The requests since the last reset."""
        return [SandboxRequest(**it) for it in self._ask("GET", "/race/received")]

    def go_live(self, studio: str) -> None:
        """Put a studio on air."""
        self._ask("POST", f"/v1/studios/{studio}/go-live")

    def say(self, studio: str, text: str) -> None:
        """Send a chat message."""
        self._ask("POST", f"/v1/studios/{studio}/chat/messages", {"text": text})

    def _ask(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401  JSON
        netloc = urlsplit(self.address).netloc
        connection = http.client.HTTPConnection(netloc, timeout=TIMEOUT_SECONDS)
        headers = {"X-API-Key": SANDBOX_KEY, "Content-Type": "application/json"}
        sent = None if body is None else json.dumps(body)
        try:
            connection.request(method, path, sent, headers)
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        if response.status not in {200, 201}:
            raise BenchError(f"{method} {path} was answered {answer!r}")
        return json.loads(answer)
