"""The setup in which each fault of the table meets each role.

A real MCP client, the server, and a sandbox in this process; for wire faults the sandbox is on a
port behind the proxy.
"""

from __future__ import annotations

from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

import anyio
import httpx
import mcp

from tests.conftest import text_of
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
from tests.support.product.server import Product
from tests.support.product.shared_clock import HandClock, settled
from tests.support.tcp_proxy import proxy_to
from tests.world.wire import MODERN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    import mcp_types as types

    from tests.support.fault_table.role_calls import Row, ToolCall
    from tests.support.tcp_proxy import Proxy

LONGEST_SECONDS: Final = 60
"""The timeout of a call, on the adjustable clock of the loop."""


class BlockableTransport(SandboxTransport):
    """A transport to a sandbox in this process that can refuse connections."""

    def __init__(self, trax: Sandbox) -> None:
        super().__init__(trax)
        self.blocked: tuple[str, str] | None = None
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
class FaultScenario:
    """A client, a server and a TRaX, with a fault that the test begins and ends."""

    row: Row
    trax: Sandbox
    clock: HandClock
    client: mcp.Client
    transport: BlockableTransport
    proxy: Proxy | None = None
    _earlier_requests: int = 0

    def begin_fault(self) -> None:
        """From now on, the requests of this role meet the fault."""
        fault, (method, path) = self.row.case.fault, self._target
        if isinstance(fault, NoConnection):
            self.transport.blocked = method, path
        elif isinstance(fault, Fault):
            self.trax.faults.add(fault, times=None, method=method, path=path)
        elif self.proxy is not None:
            self.proxy.add_fault(fault, method=method, path=path)
        self._earlier_requests = len(self._requests)

    def end_fault(self) -> None:
        """From now on, all requests pass."""
        self.transport.blocked = None
        self.trax.faults.clear()
        if self.proxy is not None:
            self.proxy.clear_faults()

    async def call(self, **evidence: object) -> types.CallToolResult:
        """Call the tool of this role."""
        tool_call = self.row.tool_call
        with anyio.fail_after(LONGEST_SECONDS):
            return await self.client.call_tool(tool_call.tool, {**tool_call.arguments, **evidence})

    async def advance(self, seconds: float) -> None:
        """Let time pass, and wait until all tasks wait again."""
        self.clock.advance(seconds)
        await settled()
        if self.proxy is None:
            return
        while self.proxy.is_busy:
            await anyio.lowlevel.checkpoint()
        await settled()

    async def confirm(self) -> dict[str, object]:
        """Preview the call; return the arguments that confirm it."""
        preview = (await self.call()).structured_content or {}
        return {"confirm": True, "confirmation": preview["confirmation"]}

    def failure_in(self, result: types.CallToolResult) -> str:
        """The message, and a line with all else. It has the outcome of the row, and leaks nothing.

        The id of a request that has met the fault becomes "ours".
        """
        assert result.is_error, result.structured_content
        error: dict[str, object] = dict((result.structured_content or {})["error"])
        message = error.pop("message")
        assert text_of(result) == message
        assert not leaked_strings(result)
        assert (error["outcome"], error["retryable"]) == self.row.verdict
        if error["requestId"] in self.affected_ids:
            error["requestId"] = "ours"
        return f"{message}\n{', '.join(f'{name}: {it}' for name, it in error.items())}"

    @property
    def affected_ids(self) -> Sequence[str]:
        """The ids of the requests that have met the fault."""
        return [
            request_id
            for *method_and_path, request_id in self._requests[self._earlier_requests :]
            if _matches(self._target, *method_and_path)
        ]

    @property
    def changes(self) -> Sequence[str]:
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
            return [it["text"] for it in self.trax.messages(last=1)] == [CHAT_TEXT]
        return self.trax.is_running() is (self.row.role is Role.START)

    @property
    def _target(self) -> tuple[str, str]:
        return self.row.tool_call.method, self.row.tool_call.path

    @property
    def _requests(self) -> list[tuple[str, str, str]]:
        """Method, path and id of all requests, also those without a connection."""
        if self.proxy is not None:
            return [(it.method, it.path, it.request_id) for it in self.proxy.exchanges]
        made = [(it.method, it.path, it.request_id) for it in self.trax.requests]
        return [*made, *self.transport.refused_requests]


def leaked_strings(result: types.CallToolResult) -> Sequence[str]:
    """The strings of TRaX's error pages that a result contains."""
    text = str(result)
    return [it for it in LEAKS if it in text]


def _matches(pattern: tuple[str, str], method: str, path: str) -> bool:
    return fnmatchcase(method, pattern[0]) and fnmatchcase(path, pattern[1])


@asynccontextmanager
async def open_scenario(
    row: Row, *, era: str = MODERN, short_seconds: float = 2.0
) -> AsyncIterator[FaultScenario]:
    """Open the setup for a fault, which has not begun yet."""
    trax = _sandbox(row.tool_call)
    clock, transport = HandClock(trax, short_seconds=short_seconds), BlockableTransport(trax)
    if row.name in ANSWER_CASES:
        product = Product(trax, clock, transport=transport)
        async with mcp.Client(product.server(), mode=era, cache=None) as client:
            yield FaultScenario(row, trax, clock, client, transport)
        return
    async with (
        listening(trax.app) as address,
        proxy_to(address, stall_seconds=TIMEOUT_SECONDS) as proxy,
    ):
        settings = {"TRAX_BASE_URL": proxy.url, "TRAX_TIMEOUT_SECONDS": str(TIMEOUT_SECONDS)}
        async with (
            aclosing(Product(trax, clock, settings)) as product,
            mcp.Client(product.server(), mode=era, cache=None) as client,
        ):
            yield FaultScenario(row, trax, clock, client, transport, proxy)


def _sandbox(tool_call: ToolCall) -> Sandbox:
    """A sandbox whose clock will show 18:00 when the fault begins."""
    trax = Sandbox(ManualClock.frozen(FROZEN_AT - tool_call.seconds_before))
    if tool_call.on_air:
        put_on_air(trax)
    return trax
