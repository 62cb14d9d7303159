"""Streams of sessions of the earlier era, and of `subscriptions/listen`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.support.product.sandbox import SANDBOX_KEY
from tests.world.wire import LEGACY, HttpWire, Message
from tests.world.wire import Stream as Stream  # noqa: PLC0414  a name of before

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from tests.support.served_app import Front


@dataclass(frozen=True)
class Session:
    """A session of the earlier era."""

    caller: HttpWire

    def stream(self, **headers: str) -> AbstractAsyncContextManager[Stream]:
        """The session's stream. `headers` replace the caller's."""
        return self.caller.stream(**headers)

    async def ask(self, method: str, **params: Any) -> Message:  # noqa: ANN401  any JSON
        """Send a request and return the answer."""
        return await self.caller.ask(method, **params)

    async def subscribe(self, *uris: str) -> None:
        """Subscribe to these URIs."""
        await self.caller.subscribe(*uris)

    async def end(self) -> None:
        """Delete the session."""
        await self.caller.end_session()


async def session_of(front: Front) -> Session:
    """Open a session of the earlier era, without its stream."""
    return Session(await front.opened(LEGACY, x_api_key=SANDBOX_KEY))


def listen_stream(caller: HttpWire, *uris: str) -> AbstractAsyncContextManager[Stream]:
    """The answer to `subscriptions/listen`: a stream of the later era."""
    return caller.listen(*uris)
