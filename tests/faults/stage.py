"""Where each fault of the table meets each kind of caller.

A real MCP client, the server, and a sandbox in this process: where bytes matter, on a port, with
the proxy in between. It knows how things look from outside, and no rule of when they are so.
"""

from __future__ import annotations

from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

import anyio
import httpx
import mcp
import mcp_types as types

from tests.conftest import OWNER, client_on, no_pause
from tests.faults.answers import ANSWERED
from tests.faults.callers import WORDS
from tests.faults.mishaps import LEAKS, NoConnection
from tests.faults.table import Role
from tests.faults.wires import PATIENCE_SECONDS
from tests.hand import HandClock, settled
from tests.jsonrpc import MODERN
from tests.ports import listening
from tests.proxy import between
from tests.witness import put_on_air
from trax_mcp.api.client import Client
from trax_mcp.sandbox import Clock, Fault, Sandbox, SandboxTransport
from trax_mcp.sandbox.clock import FROZEN_AT
from trax_mcp.server import tools
from trax_mcp.server.app import ServerDeps, build_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from tests.faults.callers import Caller, Row
    from tests.proxy import Proxy

_made_once = cache(tools._tool)
"""Tools are the same in every house, and what takes longest to make."""

LONGEST_SECONDS: Final = 60
"""For a call, by a clock that leaps."""


class Way(SandboxTransport):
    """The way to a sandbox in this process, which can be blocked: then no connection is made."""

    def __init__(self, trax: Sandbox) -> None:
        super().__init__(trax)
        self.blocked: tuple[str, str] | None = None
        self.refused: list[tuple[str, str, str]] = []
        """Method, path and id of the requests for which there was none."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Refuse the connection, or pass the request on."""
        method, path = request.method, request.url.path
        if self.blocked and _fits(self.blocked, method, path):
            self.refused.append((method, path, request.headers["x-request-id"]))
            raise httpx.ConnectError("refused")
        return await super().handle_async_request(request)


class WireClient(Client):
    """Our client for TRaX, which can say how many of its requests are on the wire."""

    under_way = 0

    async def send(self, *asked: Any, **how: Any) -> Any:  # noqa: ANN401  as `Client.send`
        """Count, and send."""
        self.under_way += 1
        try:
            return await super().send(*asked, **how)
        finally:
            self.under_way -= 1


@dataclass
class Stage:
    """A client, a server, a TRaX, and the fault between them, which strikes when it is told to."""

    row: Row
    trax: Sandbox
    clock: HandClock
    client: mcp.Client
    way: Way
    proxy: Proxy | None = None
    wire: WireClient | None = None
    _before: int = 0

    def strike(self) -> None:
        """From now on, let the requests of this kind of caller meet the fault."""
        fault, (method, path) = self.row.mishap.fault, self._aim
        if isinstance(fault, NoConnection):
            self.way.blocked = method, path
        elif isinstance(fault, Fault):
            self.trax.faults.add(fault, times=None, method=method, path=path)
        elif self.proxy is not None:
            self.proxy.mistreat(fault, method=method, path=path)
        self._before = len(self._made)

    def relent(self) -> None:
        """From now on, let everything pass."""
        self.way.blocked = None
        self.trax.faults.clear()
        if self.proxy is not None:
            self.proxy.relent()

    async def call(self, **evidence: object) -> types.CallToolResult:
        """Call what this kind of caller calls."""
        caller = self.row.caller
        with anyio.fail_after(LONGEST_SECONDS):
            return await self.client.call_tool(caller.calls, {**caller.arguments, **evidence})

    async def let_pass(self, seconds: float) -> None:
        """Let time pass, and everybody act on it until they wait again."""
        self.clock.advance(seconds)
        await settled()
        if self.wire is None:
            return
        while self.wire.under_way:
            await anyio.lowlevel.checkpoint()
        await settled()

    async def agreed(self) -> dict[str, object]:
        """Have it shown to a person who says yes: what the call that follows must bring along."""
        shown = (await self.call()).structured_content or {}
        return {"confirm": True, "confirmation": shown["confirmation"]}

    def told(self, result: types.CallToolResult) -> dict[str, object]:
        """The whole failure, once it is seen to be the same as text and to show nothing of TRaX's.

        The id of a request that has met the fault becomes "ours".
        """
        assert result.is_error, result.structured_content
        error: dict[str, object] = dict((result.structured_content or {})["error"])
        assert said(result) == error["message"]
        assert not leaks(result)
        if error["requestId"] in self.struck:
            error["requestId"] = "ours"
        return error

    @property
    def struck(self) -> Sequence[str]:
        """The ids of the requests that have met the fault."""
        return [which for *what, which in self._made[self._before :] if _fits(self._aim, *what)]

    @property
    def changes(self) -> Sequence[str]:
        """What was sent, or was to be sent, that changes something."""
        return [f"{method} {path}" for method, path, _ in self._made if method != "GET"]

    @property
    def said(self) -> int:
        """The most bytes that were said in answer to one request, where that is counted."""
        exchanges = self.proxy.exchanges if self.proxy else ()
        return max((it.said for it in exchanges), default=0)

    @property
    def happened(self) -> bool:
        """Whether what this kind of caller wants to change is changed."""
        world, stream = self.trax.world, self.trax.world.streams.get("studio_42")
        if self.row.role is Role.WRITE:
            return [it.text for it in world.chats["studio_42"].recent(1)] == [WORDS]
        return stream is not None and stream.running is (self.row.role is Role.START)

    @property
    def _aim(self) -> tuple[str, str]:
        return self.row.caller.method, self.row.caller.path

    @property
    def _made(self) -> list[tuple[str, str, str]]:
        """Method, path and id of all that was sent, or was to be sent."""
        if self.proxy is not None:
            return [(it.method, it.path, it.request_id) for it in self.proxy.exchanges]
        made = [(it.method, it.path, it.request_id) for it in self.trax.requests]
        return [*made, *self.way.refused]


def leaks(result: types.CallToolResult) -> Sequence[str]:
    """What a result shows of the pages that TRaX's gateway answers."""
    shown = str(result)
    return [it for it in LEAKS if it in shown]


def said(result: types.CallToolResult) -> str:
    """The text of an answer."""
    (block,) = result.content
    assert isinstance(block, types.TextContent)
    return block.text


def _fits(wanted: tuple[str, str], method: str, path: str) -> bool:
    return fnmatchcase(method, wanted[0]) and fnmatchcase(path, wanted[1])


@asynccontextmanager
async def staged(
    row: Row, *, era: str = MODERN, short_seconds: float = 2.0
) -> AsyncIterator[Stage]:
    """A stage for a fault, which does not strike yet."""
    trax = _sandbox(row.caller)
    clock, way = HandClock(trax, short_seconds=short_seconds), Way(trax)
    if row.name in ANSWERED:
        async with _client(client_on(trax, transport=way), clock, era) as client:
            yield Stage(row, trax, clock, client, way)
        return
    async with listening(trax.app) as address, between(address, patience=PATIENCE_SECONDS) as proxy:
        ours = WireClient(base_url=proxy.url, timeout_seconds=PATIENCE_SECONDS, sleep=no_pause)
        async with aclosing(ours), _client(ours, clock, era) as client:
            yield Stage(row, trax, clock, client, way, proxy, ours)


def _sandbox(caller: Caller) -> Sandbox:
    """A sandbox whose clock will stand at 18:00 when the fault strikes; on air, or not."""
    trax = Sandbox(Clock.frozen(FROZEN_AT - caller.begins))
    if caller.on_air:
        put_on_air(trax)
    return trax


@asynccontextmanager
async def _client(trax: Client, clock: HandClock, era: str) -> AsyncIterator[mcp.Client]:
    with patch("trax_mcp.server.tools._tool", _made_once):
        server = build_server(trax, own=OWNER, house=ServerDeps(clock=clock))
    async with mcp.Client(server, mode=era, cache=None) as client:
        yield client
