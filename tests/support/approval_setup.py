"""A server with the approval page, a person in front of it, and a client without forms.

The clock moves only when a test advances it.
"""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
from mcp import Client, MCPError

from tests.support.guarded_calls import STUDIO
from tests.support.page_client import PageClient, address_behind
from tests.support.product.pages import open_with_page
from tests.support.server_process import PATIENCE_SECONDS
from tests.world.wire import MODERN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    import mcp_types as types
    from mcp.client.session import ElicitationFnT

    from tests.support.product.pages import RecordedBrowser
    from tests.support.product.sandbox import Sandbox
    from tests.support.product.server import Product
    from tests.support.product.shared_clock import HandClock
    from tests.support.product.software_passkey import SoftwarePasskey

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
        assert self._result is not None, self.error
        return self._result


@dataclass
class PageQuestion:
    """A question that the page shows, as it was when it was last looked at."""

    _page: Page
    data: dict[str, Any]

    @property
    def yes(self) -> str:
        """The words on its first button."""
        return str(self.data["yes"])

    async def phase(self) -> str:
        """Look again: "open", or how it has ended."""
        shown = (await self._page.questions())[self.data["ticket"]]
        self.data |= {name: shown[name] for name in ("phase", "outcome")}
        return str(shown["phase"])

    async def press(self, choice: str) -> None:
        """Press a button of this question, also after the page shows another one."""
        await self._page.tab.press(self.data, choice)

    async def shown_again(self) -> PageQuestion:
        """The question in its place now. The page reports it."""
        shown = PageQuestion(self._page, (await self._page.questions())[self.data["ticket"]])
        await self._page.tab.report(shown.data)
        return shown


class Page:
    """The tab in which a person sees the questions. It opens when `next` looks for the first."""

    def __init__(self, browser: RecordedBrowser) -> None:
        self.browser = browser
        self.tab = PageClient("")
        self._seen: dict[str, dict[str, Any]] = {}
        self._version = ""

    async def next(self, number: int = 1, *, report: bool = True) -> PageQuestion:
        """Wait until the page shows the question of this number; then the page reports it."""
        with anyio.fail_after(PATIENCE_SECONDS):
            while len(await self.questions()) < number:
                await self._look(self._version)  # it waits for something new
        ticket = list(self._seen)[number - 1]
        question = PageQuestion(self, self._seen[ticket])
        if report:
            await self.tab.report(question.data)
        return question

    async def questions(self) -> dict[str, dict[str, Any]]:
        """All questions that were shown so far, by ticket, oldest first."""
        if not self.tab.session:
            await self.browser.next()
            self.tab.address = address_behind(self.browser.opened[-1])
            assert (await self.tab.redeem()).status_code == 200
        await self._look()
        return self._seen

    async def _look(self, version: str = "") -> None:
        state = await self.tab.state(version)
        self._version = state["version"]
        self._seen |= {it["ticket"]: it for it in state["approvals"]}


@dataclass
class ApprovalSetup:
    """A client, a page, a clock and a sandbox around one server."""

    client: Client
    page: Page
    clock: HandClock
    sandbox: Sandbox
    tasks: anyio.abc.TaskGroup
    product: Product

    def start(self, tool: str = "go_live", **arguments: object) -> BackgroundCall:
        """Call a tool in the background."""
        call = BackgroundCall()
        self.tasks.start_soon(call.run, self.client, tool, {**STUDIO, **arguments})
        return call

    async def call(self, tool: str, **arguments: object) -> types.CallToolResult:
        """Call a tool, and wait for its result."""
        return await self.start(tool, **arguments).result()

    async def asked(self, tool: str = "go_live", **arguments: object) -> dict[str, Any]:
        """The data of the answer to a call that does not run."""
        data: dict[str, Any] = (await self.call(tool, **arguments)).structured_content or {}
        assert data["executed"] is False
        return data

    @property
    def sent(self) -> list[str]:
        """The changes that reached TRaX."""
        return self.sandbox.sent


def approval_setups(sandbox: Sandbox, clock: HandClock, audit_log: Path) -> OpenSetup:
    """A function that opens a server with a page, and a client of it."""

    @asynccontextmanager
    async def opened(
        *,
        browser: bool = True,
        form: ElicitationFnT | None = None,
        era: str = MODERN,
        passkey: SoftwarePasskey | None = None,
        **more: str,
    ) -> AsyncIterator[ApprovalSetup]:
        settings = {"TRAX_ASK": "form,page", "TRAX_AUDIT_LOG": str(audit_log), **more}
        with anyio.fail_after(3 * PATIENCE_SECONDS):
            async with open_with_page(sandbox, clock, passkey=passkey, **settings) as (
                product,
                recorded,
            ):
                recorded.is_there = browser
                server = product.server()
                async with (
                    Client(server, mode=era, cache=None, elicitation_callback=form) as client,
                    anyio.create_task_group() as tasks,
                ):
                    page = Page(recorded)
                    yield ApprovalSetup(client, page, clock, sandbox, tasks, product)
                    tasks.cancel_scope.cancel()

    return opened


def status_of(result: types.CallToolResult) -> tuple[str, str | None]:
    """Status and reason of a call that did not run."""
    content = result.structured_content or {}
    return content["status"], content.get("reason")


def approved_in(result: types.CallToolResult) -> object:
    """Where the person approved a call that ran."""
    return (result.meta or {})["live.traxstreaming/approvedIn"]


def state_of(result: types.CallToolResult) -> str:
    """The observed state of a call that ran."""
    return str((result.structured_content or {})["observed"]["state"])


def events_in(audit_log: Path) -> list[dict[str, Any]]:
    """The lines of an audit log."""
    return [json.loads(line) for line in audit_log.read_text(encoding="utf-8").splitlines()]
