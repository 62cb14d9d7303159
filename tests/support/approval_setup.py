"""A server with a scripted page, and a client without forms, for tests of approvals.

The clock moves only when a test advances it. `tests/web` has the real page.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
from mcp import Client, MCPError

from tests.support.guarded_calls import STUDIO
from tests.support.jsonrpc import MODERN
from tests.support.product.server import Product
from tests.support.scripted_page import ScriptedPage
from tests.support.server_process import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    import mcp_types as types
    from mcp.client.session import ElicitationFnT

    from tests.support.product.sandbox import Sandbox
    from tests.support.product.shared_clock import HandClock

    OpenSetup = Callable[..., AbstractAsyncContextManager["ApprovalSetup"]]


class BackgroundCall:
    """A tool call that continues while the test acts."""

    def __init__(self) -> None:
        self.scope = anyio.CancelScope()
        self.error = ""
        self._ended = anyio.Event()
        self._result: types.CallToolResult | None = None

    async def run(self, client: Client, tool: str, arguments: dict[str, Any]) -> None:
        """Make the call."""
        with self.scope:
            try:
                self._result = await client.call_tool(tool, arguments)
            except MCPError as error:
                self.error = str(error)
        self._ended.set()

    @property
    def has_ended(self) -> bool:
        """Whether its result is here."""
        return self._ended.is_set()

    async def result(self) -> types.CallToolResult:
        """Wait for its result."""
        with anyio.fail_after(PATIENCE_SECONDS):
            await self._ended.wait()
        assert self._result is not None
        return self._result


@dataclass
class ApprovalSetup:
    """A client, a page, a clock and a sandbox around one server."""

    client: Client
    page: ScriptedPage
    clock: HandClock
    sandbox: Sandbox
    tasks: anyio.abc.TaskGroup
    product: Product

    def start(self, tool: str = "go_live", **arguments: object) -> BackgroundCall:
        """Call a tool in the background."""
        call = BackgroundCall()
        self.tasks.start_soon(call.run, self.client, tool, {**STUDIO, **arguments})
        return call

    def sent(self) -> list[str]:
        """The changes that reached TRaX."""
        return [f"{it.method} {it.path}" for it in self.sandbox.mutations]


def approval_setups(sandbox: Sandbox, clock: HandClock, audit_log: Path) -> OpenSetup:
    """A function that opens a server with a page, and a client of it."""

    @asynccontextmanager
    async def opened(
        *,
        page: ScriptedPage | None = None,
        form: ElicitationFnT | None = None,
        era: str = MODERN,
        **settings: str,
    ) -> AsyncIterator[ApprovalSetup]:
        page = page or ScriptedPage()
        product = Product(
            sandbox,
            clock,
            {"TRAX_ASK": "form,page", "TRAX_AUDIT_LOG": str(audit_log), **settings},
            page=page,
        )
        server = product.server()
        with anyio.fail_after(3 * PATIENCE_SECONDS):
            async with (
                Client(server, mode=era, cache=None, elicitation_callback=form) as client,
                anyio.create_task_group() as tasks,
            ):
                yield ApprovalSetup(client, page, clock, sandbox, tasks, product)
                tasks.cancel_scope.cancel()

    return opened


def status_of(result: types.CallToolResult) -> tuple[str, str | None]:
    """Status and reason of a call that did not run."""
    content = result.structured_content or {}
    return content["status"], content.get("reason")
