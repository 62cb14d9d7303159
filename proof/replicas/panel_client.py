"""A client of one replica that draws panels of MCP Apps, over plain HTTP."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID

from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.server_process import PATIENCE_SECONDS
from tests.world.wire import HttpWire, Message, read_answer, request

if TYPE_CHECKING:
    from collections.abc import Callable

    from proof.replicas.replica_setup import Replica, Replicas

APPS: Final = {"extensions": {EXTENSION_ID: {"mimeTypes": [APP_MIME_TYPE]}}}
_TICKET: Final = "live.traxstreaming/ticket"
_PAUSE_SECONDS: Final = 0.05


@dataclass(frozen=True)
class PanelClient:
    """A client and its panels. `state` is what a panel shows.

    In the earlier era, its caller was opened with `APPS`.
    """

    caller: HttpWire

    @classmethod
    async def of(
        cls, replicas: Replicas, replica: Replica, *, key: str = SANDBOX_KEY
    ) -> PanelClient:
        """A client of a replica."""
        return cls(await replicas.caller(replica, key=key))

    async def call(self, tool: str, **arguments: object) -> Message:
        """Call a tool and return its result."""
        result: Message = (await self._send(tool, **arguments))["result"]
        return result

    async def _send(self, tool: str, **arguments: object) -> Message:
        params = {"name": tool, "arguments": arguments}
        message = request(self.caller.era, "tools/call", params, capabilities=APPS)
        return read_answer(await self.caller.post(message))

    async def asked(self, tool: str, **arguments: object) -> str:
        """Call a tool that asks in a panel; returns the ticket."""
        result = await self.call(tool, **arguments)
        assert result["structuredContent"]["status"] == "asking", result
        return str(result["_meta"][_TICKET])

    async def preview(self) -> dict[str, Any]:
        """What a guarded call answers to a client without panels."""
        result = await self.caller.call("unlink_connection", connectionId="conn_3")
        content: dict[str, Any] = result["structuredContent"]
        return content

    async def show(self, ticket: str) -> dict[str, Any]:
        """Report that the question is shown; returns the state."""
        return await self.press(ticket)

    async def press(self, ticket: str, **answer: str) -> dict[str, Any]:
        """Press once the replica says that its engine answers; returns the state."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while "error" in (told := await self._press(ticket, **answer)):  # noqa: ASYNC110  it can only be asked
                await asyncio.sleep(_PAUSE_SECONDS)
        state: dict[str, Any] = told["result"]["structuredContent"]
        return state

    async def failure(self, ticket: str, **answer: str) -> str:
        """Press, and return why the press failed."""
        told = await self._press(ticket, **answer)
        return str(told["error"]["data"]["error"]["code"])

    async def _press(self, ticket: str, **answer: str) -> Message:
        return await self._send("answer_approval", ticket=ticket, **answer)

    async def say(self, ticket: str, choice: str) -> dict[str, Any]:
        """Press until the press counts, as a yes does after a second; returns the state."""
        number = (await self.show(ticket))["question"]
        return await self._until(
            lambda it: it["phase"] != "open" or it["question"] != number,
            ticket,
            question=number,
            choice=choice,
        )

    async def outcome(self, ticket: str) -> str:
        """What the panel says at the end."""
        state = await self._until(lambda it: it["phase"] not in {"open", "running"}, ticket)
        return str(state["outcome"])

    async def _until(
        self, done: Callable[[dict[str, Any]], bool], ticket: str, **answer: str
    ) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not done(state := await self.press(ticket, **answer)):  # noqa: ASYNC110  as a panel does
                await asyncio.sleep(_PAUSE_SECONDS)
        return state
