"""Streams of server-sent events that the test opens, breaks and ends."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anyio

from tests.support.jsonrpc import LEGACY, MODERN, Message, read_answer, request
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.product.shared_clock import settled

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    import httpx

    from tests.support.jsonrpc import HttpCaller
    from tests.support.served_app import Front


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
async def open_stream(
    response: AbstractAsyncContextManager[httpx.Response],
) -> AsyncIterator[Stream]:
    """Read a stream until the block ends, and close it if it has not ended."""
    async with response as opened, anyio.create_task_group() as tasks:
        stream = Stream(opened.status_code)
        tasks.start_soon(stream.read, opened)
        await settled()
        yield stream
        tasks.cancel_scope.cancel()


@dataclass(frozen=True)
class Session:
    """A session of the earlier era."""

    caller: HttpCaller

    def stream(self, **headers: str) -> AbstractAsyncContextManager[Stream]:
        """The session's stream. `headers` replace the caller's."""
        sent = self.caller.all_headers() | {
            name.replace("_", "-"): headers[name] for name in headers
        }
        return open_stream(self.caller.http.stream("GET", "/mcp", headers=sent))

    async def ask(self, method: str, **params: Any) -> Message:  # noqa: ANN401  any JSON
        """Send a request and return the answer."""
        return read_answer(await self.caller.post(request(LEGACY, method, params)))

    async def subscribe(self, *uris: str) -> None:
        """Subscribe to these URIs."""
        for uri in uris:
            assert (await self.ask("resources/subscribe", uri=uri))["result"] == {}

    async def end(self) -> None:
        """Delete the session."""
        deleted = await self.caller.http.delete("/mcp", headers=self.caller.all_headers())
        assert deleted.status_code == 200


async def session_of(front: Front) -> Session:
    """Open a session of the earlier era, without its stream."""
    return Session(await front.opened(LEGACY, x_api_key=SANDBOX_KEY))


def listen_stream(caller: HttpCaller, *uris: str) -> AbstractAsyncContextManager[Stream]:
    """The answer to `subscriptions/listen`: a stream of the later era."""
    params = {"notifications": {"resourceSubscriptions": list(uris)}}
    message = request(MODERN, "subscriptions/listen", params)
    headers = caller.all_headers(message)
    return open_stream(caller.http.stream("POST", "/mcp", json=message, headers=headers))
