"""MCP without the SDK: messages of both protocol eras, and clients over HTTP and stdio.

Unlike with the SDK's client, tests control headers, sessions, streams and answers themselves.
"""

from __future__ import annotations

import json
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import anyio

from tests.support.product.shared_clock import settled

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from contextlib import AbstractAsyncContextManager

    import httpx

    from tests.support.server_process import Running

Message = dict[str, Any]

LEGACY: Final = "legacy"
MODERN: Final = "2026-07-28"
ERAS: Final = (LEGACY, MODERN)
"""The two protocol eras, as the SDK's client names them."""

_HANDSHAKE_VERSION = "2025-11-25"
_META = "io.modelcontextprotocol/"
_CLIENT: Message = {"name": "the tests", "version": "1"}
_SESSION = "mcp-session-id"

HEADER_PARAMETER: Final = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
"""By method: the parameter that the later era also sends in a header."""

FORMS: Final[Message] = {"elicitation": {"form": {}}}
"""The capabilities of a client that shows forms."""

INITIALIZE: Final[Message] = {
    "jsonrpc": "2.0",
    "id": "hello",
    "method": "initialize",
    "params": {
        "protocolVersion": _HANDSHAKE_VERSION,
        "capabilities": {},
        "clientInfo": _CLIENT,
    },
}
INITIALIZED: Final[Message] = {"jsonrpc": "2.0", "method": "notifications/initialized"}


def hello(capabilities: Message) -> Message:
    """The earlier era's `initialize` request with these capabilities."""
    return {**INITIALIZE, "params": {**INITIALIZE["params"], "capabilities": capabilities}}


def opening(era: str, capabilities: Message | None = None) -> tuple[Message, ...]:
    """The messages that a client of this era sends before its first request."""
    return (hello(capabilities or {}), INITIALIZED) if era == LEGACY else ()


def request(
    era: str,
    method: str,
    params: Mapping[str, Any] | None = None,
    *,
    number: int = 1,
    capabilities: Message | None = None,
) -> Message:
    """A request of this era; the later era's includes the client's capabilities."""
    all_params: Message = dict(params or {})
    if era != LEGACY:
        all_params["_meta"] = {
            f"{_META}protocolVersion": era,
            f"{_META}clientInfo": _CLIENT,
            f"{_META}clientCapabilities": capabilities or {},
        }
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": all_params}


def tool_call(era: str, tool: str, *, number: int = 1, **arguments: object) -> Message:
    """A `tools/call` request."""
    return request(era, "tools/call", {"name": tool, "arguments": arguments}, number=number)


def credentials(key: str) -> dict[str, str]:
    """The header for a key of TRaX, or for the access token of a sign-in."""
    is_token = key.startswith("trax_at_")
    return {"authorization": f"Bearer {key}"} if is_token else {"x-api-key": key}


def read_answer(response: httpx.Response) -> Message:
    """The JSON-RPC response in an HTTP response: its JSON, or its last server-sent event."""
    if not response.headers["content-type"].startswith("text/event-stream"):
        answer: Message = response.json()
        return answer
    # Not `splitlines`, which also splits at characters in the JSON, such as U+2028.
    events = [it for it in re.split(r"\r?\n", response.text) if it.startswith("data: {")]
    last: Message = json.loads(events[-1].removeprefix("data: "))
    return last


def error_code(result: Message) -> str:
    """The code of a failed call."""
    code: str = result["structuredContent"]["error"]["code"]
    return code


class HttpWire:
    """A client over HTTP, which sends `headers` and `session` with each request."""

    def __init__(self, http: httpx.AsyncClient, era: str, **headers: str) -> None:
        self.http = http
        self.era = era
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.session: str | None = None
        self._numbers = count(1)

    async def open(self, capabilities: Message | None = None) -> None:
        """Initialize the session with these capabilities, in the earlier era."""
        for message in opening(self.era, capabilities):
            response = await self.post(message)
            assert response.status_code in {200, 202}, response.text
            self.session = response.headers.get(_SESSION, self.session)

    async def call(self, tool: str, **arguments: object) -> Message:
        """Call a tool and return its result."""
        message = tool_call(self.era, tool, number=next(self._numbers), **arguments)
        response = await self.post(message)
        assert response.status_code == 200, response.text
        result: Message = read_answer(response)["result"]
        return result

    async def post(self, message: Message, **headers: str) -> httpx.Response:
        """Post a message; `headers` (`host=...`) replace the client's own."""
        replaced = {name.lower().replace("_", "-"): value for name, value in headers.items()}
        return await self.http.post(
            "/mcp", json=message, headers=self.all_headers(message) | replaced
        )

    async def ask(self, method: str, **params: Any) -> Message:  # noqa: ANN401  any JSON
        """Send a request and return the answer."""
        return read_answer(await self.post(request(self.era, method, params)))

    def stream(self, **headers: str) -> AbstractAsyncContextManager[Stream]:
        """The stream of a session of the earlier era. `headers` replace its own."""
        replaced = {name.replace("_", "-"): value for name, value in headers.items()}
        return _open(self.http.stream("GET", "/mcp", headers=self.all_headers() | replaced))

    def listen(self, *uris: str) -> AbstractAsyncContextManager[Stream]:
        """The answer to `subscriptions/listen`: a stream of the later era."""
        params = {"notifications": {"resourceSubscriptions": list(uris)}}
        message = request(self.era, "subscriptions/listen", params)
        headers = self.all_headers(message)
        return _open(self.http.stream("POST", "/mcp", json=message, headers=headers))

    async def subscribe(self, *uris: str) -> None:
        """Subscribe to these URIs in the earlier era."""
        for uri in uris:
            assert (await self.ask("resources/subscribe", uri=uri))["result"] == {}

    async def end_session(self) -> None:
        """Delete the session."""
        deleted = await self.http.delete("/mcp", headers=self.all_headers())
        assert deleted.status_code == 200

    async def statuses(self) -> tuple[int, int]:
        """The statuses of a GET and then a DELETE of the session; reads no stream."""
        headers = self.all_headers()
        async with self.http.stream("GET", "/mcp", headers=headers) as opened:
            deleted = await self.http.delete("/mcp", headers=headers)
            return opened.status_code, deleted.status_code

    def all_headers(self, message: Message | None = None) -> dict[str, str]:
        """The headers of a request, including those that the era requires for the message."""
        return {
            "accept": "application/json, text/event-stream",
            **self._protocol_headers(message),
            **({_SESSION: self.session} if self.session else {}),
            **self.headers,
        }

    def _protocol_headers(self, message: Message | None) -> dict[str, str]:
        if self.era == LEGACY:
            return {"mcp-protocol-version": _HANDSHAKE_VERSION} if self.session else {}
        headers = {"mcp-protocol-version": self.era}
        if message is not None:
            headers["mcp-method"] = message["method"]
            name = message.get("params", {}).get(HEADER_PARAMETER.get(message["method"]))
            headers |= {} if name is None else {"mcp-name": name}
        return headers


@dataclass
class Stream:
    """The messages of a stream so far. `ended` is True once the server has ended it."""

    status: int
    messages: list[Message] = field(default_factory=list)
    ended: bool = False

    @property
    def updates(self) -> list[str]:
        """The URIs of the update notifications, in order."""
        return [
            message["params"]["uri"]
            for message in self.messages
            if message.get("method") == "notifications/resources/updated"
        ]

    async def read(self, response: httpx.Response) -> None:
        """Read the stream to its end."""
        async for line in response.aiter_lines():
            if line.startswith("data: {"):
                self.messages.append(json.loads(line.removeprefix("data: ")))
        self.ended = True


@asynccontextmanager
async def _open(response: AbstractAsyncContextManager[httpx.Response]) -> AsyncIterator[Stream]:
    """Read a stream until the block ends, and close it if it has not ended."""
    async with response as opened, anyio.create_task_group() as tasks:
        stream = Stream(opened.status_code)
        tasks.start_soon(stream.read, opened)
        await settled()
        yield stream
        tasks.cancel_scope.cancel()


class StdioWire:
    """A client of a process on stdio, which shows forms."""

    def __init__(self, server: Running, era: str, capabilities: Message = FORMS) -> None:
        self.server = server
        self.era = era
        self.capabilities = capabilities
        self._numbers = count(1)
        self._questions = 0

    async def open(self) -> None:
        """Initialize the session, in the earlier era."""
        await self.server.tell(*opening(self.era, self.capabilities))

    async def send(self, method: str, **params: Any) -> Message:  # noqa: ANN401  any JSON
        """Send a request, and return it without its answer."""
        message = request(self.era, method, params, capabilities=self.capabilities)
        # An id that differs from those of the server's own requests.
        message["id"] = f"call {next(self._numbers)}"
        await self.server.tell(message)
        return message

    async def ask(self, method: str, **params: Any) -> Message:  # noqa: ANN401  any JSON
        """Send a request and return the answer."""
        return await self.server.answer(await self.send(method, **params))

    async def call(self, tool: str, **arguments: object) -> Message:
        """Call a tool and return its result."""
        answer = await self.ask("tools/call", name=tool, arguments=arguments)
        result: Message = answer["result"]
        return result

    async def question(self) -> Message:
        """The next question of the server, in the earlier era."""
        self._questions += 1
        seen = 0

        def numbered(line: str) -> Message | None:
            nonlocal seen
            message: Message = json.loads(line)
            seen += message.get("method") == "elicitation/create"
            return message if seen == self._questions else None

        return await self.server.stdout.find(numbered)


def choosing(choice: object) -> Message:
    """An accepted form with a choice."""
    return {"action": "accept", "content": {"choice": choice}}


def response_to(question: Message, **answer: object) -> Message:
    """The response to a question of the server."""
    return {"jsonrpc": "2.0", "id": question["id"], **answer}
