"""Completes an answer that is cut short, so that its connection goes on."""

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class RecordedAnswer:
    """Passes an answer on, and remembers how far it got."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._started = self._complete = False

    async def send(self, message: Message) -> None:
        """Pass a part on."""
        self._started = True
        self._complete = message["type"] == "http.response.body" and not message.get("more_body")
        await self._send(message)

    async def complete_if_cut(
        self, request: anyio.CancelScope, refusal: ASGIApp, scope: Scope, receive: Receive
    ) -> None:
        """Complete the answer of a cancelled request. If none was begun, it is `refusal`."""
        if not request.cancelled_caught:
            return
        if not self._started:
            await refusal(scope, receive, self._send)
        elif not self._complete:
            await self._send({"type": "http.response.body", "body": b""})
