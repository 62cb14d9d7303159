"""A process on stdio and JSON-RPC by hand: guarded calls, the questions about them, and answers."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from tests.support.guarded_calls import DELETE_DESTINATION
from tests.support.product.local_servers import upstream
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.server_process import running
from tests.world.wire import FORMS, INITIALIZED, LEGACY, hello, request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.guarded_calls import GuardedOperation
    from tests.support.product.sandbox import Sandbox
    from tests.support.server_process import Running

Message = dict[str, Any]


def calling(
    era: str, *, number: int, operation: GuardedOperation = DELETE_DESTINATION, **more: object
) -> Message:
    """A call by a client that supports forms. `more` is added beside its arguments."""
    given = {"name": operation.tool, "arguments": operation.arguments, **more}
    message = request(era, "tools/call", given, capabilities=FORMS)
    return {**message, "id": f"call {number}"}  # differs from the ids of the server's requests


def choosing(choice: object) -> Message:
    """An accepted form with a choice."""
    return {"action": "accept", "content": {"choice": choice}}


def response_to(question: Message, **answer: object) -> Message:
    """The response to a question of the server."""
    return {"jsonrpc": "2.0", "id": question["id"], **answer}


class Wire:
    """The lines between the process and a client with forms, after the handshake."""

    def __init__(self, era: str, server: Running, trax: Sandbox) -> None:
        self.era = era
        self.server = server
        self.trax = trax
        self._calls = 0
        self._questions = 0

    async def call(
        self, operation: GuardedOperation = DELETE_DESTINATION, /, **more: object
    ) -> Message:
        """Send a call, and return it."""
        self._calls += 1
        call = calling(self.era, number=self._calls, operation=operation, **more)
        await self.server.tell(call)
        return call

    async def answer(
        self, operation: GuardedOperation = DELETE_DESTINATION, /, **more: object
    ) -> Message:
        """Send a call, and return what the server answers."""
        return await self.server.answer(await self.call(operation, **more))

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


@asynccontextmanager
async def open_wire(era: str, **settings: str) -> AsyncIterator[Wire]:
    """A process on stdio after its handshake, and its sandbox on a port."""
    async with upstream() as trax:
        given = {"TRAX_API_KEY": SANDBOX_KEY, "TRAX_BASE_URL": trax.base_url, **settings}
        async with running(settings=given) as server:
            if era == LEGACY:
                await server.tell(hello(FORMS), INITIALIZED)
            yield Wire(era, server, trax)
