"""The directed sandbox in the hand of the race: set it anew, make trouble, see what reached it.

It knows HTTP and the few directions, nothing of MCP.
"""

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from bench.processes import PATIENCE_SECONDS, BenchError
from trax_mcp.sandbox import SANDBOX_KEY


@dataclass(frozen=True, slots=True)
class Reached:
    """A request that reached the sandbox."""

    method: str
    path: str


@dataclass(frozen=True, slots=True)
class Upstream:
    """The sandbox of one race."""

    address: str

    def anew(self) -> None:
        """Begin with a fresh world, in which nothing goes wrong and nothing was asked."""
        self._ask("POST", "/race/anew")

    def trouble(self, name: str, *, method: str = "*") -> None:
        """From now on, let requests of this method meet this trouble."""
        self._ask("POST", "/race/trouble", {"name": name, "method": method})

    def received(self) -> list[Reached]:
        """What reached the sandbox since it began anew."""
        return [Reached(**it) for it in self._ask("GET", "/race/received")]

    def go_live(self, studio: str) -> None:
        """Put a studio on air, as somebody else would."""
        self._ask("POST", f"/v1/studios/{studio}/go-live")

    def say(self, studio: str, text: str) -> None:
        """Say something in a studio's chat, as somebody else would."""
        self._ask("POST", f"/v1/studios/{studio}/chat/messages", {"text": text})

    def _ask(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401  JSON
        place = urlsplit(self.address).netloc
        connection = http.client.HTTPConnection(place, timeout=PATIENCE_SECONDS)
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
