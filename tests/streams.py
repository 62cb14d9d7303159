"""Streams of server-sent events with both ends in the test's hand: when they open, break and end.

It knows HTTP and JSON-RPC messages, and nothing of what they are about.
"""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anyio

from tests.hand import settled
from tests.jsonrpc import LEGACY, MODERN, Message, read_answer, request
from trax_mcp.sandbox import SANDBOX_KEY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    import httpx

    from tests.front import Front
    from tests.jsonrpc import HttpCaller


@dataclass
class Stream:
    """What has come on a stream so far; `ended` once it is known to be whole."""

    status: int
    messages: list[Message] = field(default_factory=list)
    ended: bool = False

    @property
    def told(self) -> list[str]:
        """The addresses that were told of, in order."""
        return [
            message["params"]["uri"]
            for message in self.messages
            if message.get("method") == "notifications/resources/updated"
        ]

    async def fill(self, response: httpx.Response) -> None:
        """Read it to its end."""
        async for line in response.aiter_lines():
            if line.startswith("data: {"):
                self.messages.append(json.loads(line.removeprefix("data: ")))
        self.ended = True


@asynccontextmanager
async def opened(
    response: AbstractAsyncContextManager[httpx.Response],
) -> AsyncIterator[Stream]:
    """A stream that is read until the block ends, and then dropped if it has not ended."""
    async with response as opening, anyio.create_task_group() as tasks:
        stream = Stream(opening.status_code)
        tasks.start_soon(stream.fill, opening)
        await settled()
        yield stream
        tasks.cancel_scope.cancel()


@dataclass(frozen=True)
class Session:
    """A session of the earlier era."""

    caller: HttpCaller

    def stream(self, **headers: str) -> AbstractAsyncContextManager[Stream]:
        """Its stream. Further headers replace the caller's."""
        sent = self.caller.all_headers() | {it.replace("_", "-"): headers[it] for it in headers}
        return opened(self.caller.http.stream("GET", "/mcp", headers=sent))

    async def ask(self, method: str, **params: Any) -> Message:  # noqa: ANN401  any JSON
        """Ask for something, and return the answer."""
        return read_answer(await self.caller.post(request(LEGACY, method, params)))

    async def subscribe(self, *uris: str) -> None:
        """Subscribe to these."""
        for uri in uris:
            assert (await self.ask("resources/subscribe", uri=uri))["result"] == {}

    async def end(self) -> None:
        """Delete it."""
        deleted = await self.caller.http.delete("/mcp", headers=self.caller.all_headers())
        assert deleted.status_code == 200


async def session_of(front: Front, *, key: str = SANDBOX_KEY) -> Session:
    """A session of the earlier era, without its stream."""
    return Session(await front.opened(LEGACY, x_api_key=key))


def listen_stream(caller: HttpCaller, *uris: str) -> AbstractAsyncContextManager[Stream]:
    """A stream of the later era: the answer to `subscriptions/listen`."""
    wanted = {"notifications": {"resourceSubscriptions": list(uris)}}
    message = request(MODERN, "subscriptions/listen", wanted)
    headers = caller.all_headers(message)
    return opened(caller.http.stream("POST", "/mcp", json=message, headers=headers))
