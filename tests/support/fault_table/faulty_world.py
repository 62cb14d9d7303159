"""The world in which each fault of the table meets each role.

For faults of the connection, the sandbox is on a port behind the proxy.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

import anyio
import httpx

from tests.support.fault_table.answer_cases import ANSWER_CASES, LEAKS, NoConnection
from tests.support.fault_table.role_calls import CHAT_TEXT
from tests.support.fault_table.table import Role
from tests.support.fault_table.wire_cases import TIMEOUT_SECONDS
from tests.support.product.faults import Fault
from tests.support.product.frozen_sandbox import put_on_air
from tests.support.product.local_servers import listening
from tests.support.product.manual_clock import FROZEN_AT, ManualClock
from tests.support.product.sandbox import Sandbox
from tests.support.product.sandbox_transport import SandboxTransport
from tests.support.product.shared_clock import settled
from tests.support.tcp_proxy import proxy_to
from tests.world.answers import error_in, text_of
from tests.world.wire import MODERN
from tests.world.world import MINE, open_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import mcp_types as types

    from tests.support.fault_table.role_calls import Row
    from tests.support.tcp_proxy import Proxy
    from tests.world.world import World

LONGEST_SECONDS: Final = 60
"""The timeout of a call, on the adjustable clock of the loop."""


class BlockableTransport(SandboxTransport):
    """A transport to a sandbox in this process that can refuse connections."""

    blocked: tuple[str, str] | None = None

    def __init__(self, trax: Sandbox) -> None:
        super().__init__(trax)
        self.refused_requests: list[tuple[str, str, str]] = []
        """Method, path and id of the requests without a connection."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Refuse the connection, or pass the request on."""
        method, path = request.method, request.url.path
        if self.blocked and _matches(self.blocked, method, path):
            self.refused_requests.append((method, path, request.headers["x-request-id"]))
            raise httpx.ConnectError("refused")
        return await super().handle_async_request(request)


@dataclass
class FaultyWorld:
    """A world with a fault that the test begins and ends."""

    row: Row
    it: World
    transport: BlockableTransport
    proxy: Proxy | None
    _earlier_requests: int = 0

    def begin_fault(self) -> None:
        """From now on, the requests of this role meet the fault."""
        fault, (method, path) = self.row.case.fault, self._target
        if isinstance(fault, NoConnection):
            self.transport.blocked = method, path
        elif isinstance(fault, Fault):
            self.it.trax.faults.add(fault, times=None, method=method, path=path)
        elif self.proxy is not None:
            self.proxy.add_fault(fault, method=method, path=path)
        self._earlier_requests = len(self._requests)

    def end_fault(self) -> None:
        """From now on, all requests pass."""
        self.transport.blocked = None
        self.it.trax.faults.clear()
        if self.proxy is not None:
            self.proxy.clear_faults()

    async def call(self, **evidence: object) -> types.CallToolResult:
        """Call the tool of this role."""
        called = self.row.tool_call
        return await self.it[MINE].call(called.tool, **{**called.arguments, **evidence})

    async def advance(self, seconds: float) -> None:
        """Let time pass, and wait until all tasks wait again."""
        self.it.hand_clock.advance(seconds)
        await settled()
        if self.proxy is None:
            return
        while self.proxy.is_busy:
            await anyio.lowlevel.checkpoint()
        await settled()

    def failure_in(self, result: types.CallToolResult) -> str:
        """The message, and a line with all else. It has the outcome of the row, and leaks nothing.

        The id of a request that has met the fault becomes "ours".
        """
        error = dict(error_in(result))
        message = error.pop("message")
        assert text_of(result) == message
        assert not leaked_strings(result)
        assert (error["outcome"], error["retryable"]) == self.row.verdict
        if error["requestId"] in self.affected_ids:
            error["requestId"] = "ours"
        return f"{message}\n{', '.join(f'{name}: {it}' for name, it in error.items())}"

    @property
    def affected_ids(self) -> list[str]:
        """The ids of the requests that have met the fault."""
        return [
            request_id
            for *method_and_path, request_id in self._requests[self._earlier_requests :]
            if _matches(self._target, *method_and_path)
        ]

    @property
    def changes(self) -> list[str]:
        """The changes that were sent, or tried without a connection."""
        return [f"{method} {path}" for method, path, _ in self._requests if method != "GET"]

    @property
    def largest_response_bytes(self) -> int:
        """The size of the largest response, if the proxy counts it."""
        exchanges = self.proxy.exchanges if self.proxy else ()
        return max((it.bytes_sent for it in exchanges), default=0)

    @property
    def took_effect(self) -> bool:
        """Whether the change of this role took effect."""
        if self.row.role is Role.WRITE:
            return [it["text"] for it in self.it.trax.messages(last=1)] == [CHAT_TEXT]
        return self.it.is_live is (self.row.role is Role.START)

    @property
    def _target(self) -> tuple[str, str]:
        return self.row.tool_call.method, self.row.tool_call.path

    @property
    def _requests(self) -> list[tuple[str, str, str]]:
        """Method, path and id of all requests, also those without a connection."""
        made = self.proxy.exchanges if self.proxy is not None else self.it.trax.requests
        sent = [(it.method, it.path, it.request_id) for it in made]
        return [*sent, *self.transport.refused_requests]


def leaked_strings(result: types.CallToolResult) -> list[str]:
    """The strings of TRaX's error pages that a result contains."""
    text = str(result)
    return [it for it in LEAKS if it in text]


def _matches(pattern: tuple[str, str], method: str, path: str) -> bool:
    return fnmatchcase(method, pattern[0]) and fnmatchcase(path, pattern[1])


@asynccontextmanager
async def open_faulty(
    row: Row, *, era: str = MODERN, short_seconds: float = 2.0
) -> AsyncIterator[FaultyWorld]:
    """Open the world for a fault, which has not begun yet. It will begin at 18:00."""
    trax = Sandbox(ManualClock.frozen(FROZEN_AT - row.tool_call.seconds_before))
    transport = BlockableTransport(trax)
    if row.tool_call.on_air:
        put_on_air(trax)
    if row.name in ANSWER_CASES:
        async with open_world(
            MINE, trax=trax, transport=lambda _: transport, era=era, short_seconds=short_seconds
        ) as it:
            yield FaultyWorld(row, it, transport, None)
        return
    async with (
        listening(trax.app) as address,
        proxy_to(address, stall_seconds=TIMEOUT_SECONDS) as proxy,
        open_world(
            MINE,
            trax=trax,
            TRAX_BASE_URL=proxy.url,
            TRAX_TIMEOUT_SECONDS=str(TIMEOUT_SECONDS),
            era=era,
            short_seconds=short_seconds,
        ) as it,
    ):
        it[MINE].patience_seconds = LONGEST_SECONDS
        yield FaultyWorld(row, it, transport, proxy)
