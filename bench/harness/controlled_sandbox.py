"""The sandbox as an upstream: `python -m bench.harness.controlled_sandbox`, and its client.

Requests to /control reset it, add faults and keys, and read its log; all others go to the sandbox.
"""

import http.client
import json
import sys
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import anyio
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from bench.harness.process import TIMEOUT_SECONDS, HarnessError
from tests.support.product.faults import Fault
from tests.support.product.sandbox import Sandbox
from trax_mcp.sandbox import SANDBOX_KEY
from trax_mcp.server.http_server import listen, serve_http, url_of

RETRY_AFTER_SECONDS: Final = 37
"""A number that does not occur elsewhere in a response."""

FAULTS: Final = {
    "404": Fault.error(404, "not_found", "No such resource."),
    "429": Fault.error(429, "rate_limited", "Slow down.", Retry_After=str(RETRY_AFTER_SECONDS)),
    "500": Fault.error(500, "internal", "Something broke."),
    "503": Fault.error(503, "write_disabled", "Writes are off."),
    "html": Fault.status(200, "<html><body>Sign in</body></html>", content_type="text/html"),
    "broken": Fault.truncated(),
    "dropped": Fault.dropped(),
    "broken off": Fault.broken_off(),
    "gzip": Fault.status(200, "{}", headers={"content-encoding": "gzip"}),
    "late": Fault.delay(0.1),
}


class ControlledSandbox:
    """A sandbox that can be replaced by a new one. Keys stay, and no id comes twice."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._sandbox = Sandbox(base_url=address, rate_limit=None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Route to the control requests or the sandbox."""
        if scope["type"] != "http" or scope["path"] != "/control":
            await self._sandbox.app(scope, receive, send)
            return
        command = await Request(scope, receive).json()
        answer = getattr(self, command.pop("do"))(**command)
        await JSONResponse(answer)(scope, receive, send)

    def reset(self) -> None:
        """Replace the sandbox."""
        before = self._sandbox.world
        self._sandbox = Sandbox(base_url=self._address, rate_limit=None)
        self._sandbox.world.keys.update(before.keys)
        self._sandbox.world._last_numbers = before._last_numbers  # noqa: SLF001  no other way

    def add_key(self, secret: str) -> None:
        """Add a key of the account with all scopes."""
        self._sandbox.add_key(secret)

    def add_fault(self, *, name: str, method: str, path: str, times: int | None) -> None:
        """Apply a fault to the next requests; to all if `times` is None."""
        self._sandbox.faults.add(FAULTS[name], times=times, method=method, path=path)

    def received(self) -> list[dict[str, Any]]:
        """The requests since the last reset."""
        return [{"method": it.method, "path": it.path} for it in self._sandbox.requests]


@dataclass(frozen=True, slots=True)
class SandboxRequest:
    """A request that reached the sandbox."""

    method: str
    path: str


@dataclass(frozen=True, slots=True)
class SandboxControl:
    """The client of a controlled sandbox."""

    address: str

    def reset(self) -> None:
        """Replace the sandbox by a new one without faults and requests."""
        self._control("reset")

    def add_key(self, secret: str) -> None:
        """Add a key of the account with all scopes."""
        self._control("add_key", secret=secret)

    def add_fault(
        self, name: str, *, method: str = "*", path: str = "/v1/*", times: int | None = None
    ) -> None:
        """Apply a fault to the next requests of a method; to all if `times` is None."""
        self._control("add_fault", name=name, method=method, path=path, times=times)

    def received(self) -> list[SandboxRequest]:
        """The requests since the last reset."""
        return [SandboxRequest(**it) for it in self._control("received")]

    def go_live(self, studio: str) -> None:
        """Put a studio on air."""
        self._ask("POST", f"/v1/studios/{studio}/go-live")

    def is_live(self, studio: str) -> bool:
        """Whether a studio is on air."""
        return bool(self._ask("GET", f"/v1/studios/{studio}/stream-status")["live"])

    def say(self, studio: str, text: str) -> None:
        """Send a chat message."""
        self._ask("POST", f"/v1/studios/{studio}/chat/messages", {"text": text})

    def _control(self, command: str, **arguments: object) -> Any:  # noqa: ANN401  JSON
        return self._ask("POST", "/control", {"do": command, **arguments})

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
            raise HarnessError(f"{method} {path} was answered {answer!r}")
        return json.loads(answer)


def main() -> None:
    """Serve on a free loopback port; prints the address on stderr."""
    with listen("127.0.0.1", 0) as listener:
        address = url_of(listener)
        print(address, file=sys.stderr, flush=True)
        anyio.run(serve_http, ControlledSandbox(address), listener)


if __name__ == "__main__":
    main()
