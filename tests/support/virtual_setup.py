"""A server on a sandbox in virtual time, with MCP clients of several keys."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

import anyio
from mcp import Client

from tests.support.consent_clients import has_run
from tests.support.faults import Fault
from tests.support.frozen_sandbox import ADDRESS
from tests.support.guarded_calls import STUDIO
from tests.support.jsonrpc import MODERN
from tests.support.manual_clock import ManualClock
from tests.support.recorded_sandbox import Sandbox
from tests.support.sandbox_accounts import ANOTHER_ACCOUNT
from tests.support.sandbox_transport import SandboxTransport
from tests.support.virtual_time import STARTED_AT, VirtualClock
from trax_mcp.api import client as trax_client
from trax_mcp.api.caller import Caller
from trax_mcp.consent.rules import Rules
from trax_mcp.sandbox import SANDBOX_KEY
from trax_mcp.sandbox.keys import ACCOUNT, SCOPES
from trax_mcp.sandbox.records import Key
from trax_mcp.server import tools
from trax_mcp.server.app import ServerDeps, build_guard, build_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Iterable

    import mcp_types as types

    from trax_mcp.sandbox.messages import Request, RequestHandler, Response

MINE: Final = Caller(SANDBOX_KEY)
"""The owner of the studio."""
COLLEAGUE: Final = Caller("sk_live_sandbox_colleague")
"""Another key of the same account."""
NO_ACCESS: Final = Caller("sk_live_sandbox_no_access")
"""A key of another account, which may go live and offline, and read nothing."""
CUSTOMER: Final = Caller("sk_live_sandbox_customer")
"""A key of another account with all scopes there."""


_made_once = cache(tools._tool)
"""Tools do not depend on deps, and building them is slow."""


@dataclass(slots=True)
class VirtualSetup:
    """A sandbox, its server's clock, the clients by caller, and when each change arrived."""

    trax: Sandbox
    clock: VirtualClock
    deps: ServerDeps
    clients: dict[Caller, Client] = field(default_factory=dict)
    arrived: list[tuple[float, str]] = field(default_factory=list)
    """The second in which each change reached TRaX, and its method and path."""
    _delays: list[tuple[str, Caller | None, float]] = field(default_factory=list)

    _failures: dict[str, tuple[str, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Handle the requests before the sandbox does."""
        self.trax.faults.add(Fault("slow", self._handle), times=None)

    async def call(self, caller: Caller, tool: str, **arguments: object) -> types.CallToolResult:
        """Call a tool on the Friday Night Show, or with `studioId` on another studio."""
        return await self.clients[caller].call_tool(tool, {**STUDIO, **arguments})

    async def confirmation(self, caller: Caller, tool: str, **arguments: object) -> str:
        """The confirmation in the preview of a call."""
        shown = (await self.call(caller, tool, **arguments)).structured_content or {}
        return str(shown["confirmation"])

    async def use(
        self, caller: Caller, tool: str, confirmation: str, **arguments: object
    ) -> types.CallToolResult:
        """Call with a confirmation."""
        evidence = {"confirm": True, "confirmation": confirmation}
        return await self.call(caller, tool, **arguments, **evidence)

    async def confirmed(
        self, caller: Caller, tool: str, **arguments: object
    ) -> types.CallToolResult:
        """Call with a new confirmation."""
        confirmation = await self.confirmation(caller, tool, **arguments)
        return await self.use(caller, tool, confirmation, **arguments)

    def slow(self, seconds: float, *, path: str = "", caller: Caller | None = None) -> None:
        """Let TRaX handle requests this many seconds after they have arrived.

        Those with this end of "METHOD /path", and of this caller. The first rule that fits counts.
        """
        self._delays.append((path, caller, seconds))

    def fail(self, how: str, *, path: str, times: int = 1000) -> None:
        """Let TRaX refuse, garble or never answer the next requests with this end of their path."""
        self._failures[path] = (how, times)

    def add_bot(self, caller: Caller, *, account: str = ACCOUNT) -> None:
        """Give TRaX a key that may go live and offline, and read nothing."""
        _add_key(self.trax, caller, account, {"stream:golive"})

    async def _handle(self, request: Request, handle: RequestHandler) -> Response:
        sent = f"{request.method} {request.path}"
        if request.method != "GET":
            self.arrived.append((anyio.current_time(), sent))
        for path, caller, seconds in self._delays:
            if sent.endswith(path) and caller in {None, Caller(request.secret)}:
                await anyio.sleep(seconds)
                break
        for path, (how, times) in self._failures.items():
            if sent.endswith(path) and times > 0:
                self._failures[path] = (how, times - 1)
                return await self._fail(how, request, handle)
        return await handle(request)

    async def _fail(self, how: str, request: Request, handle: RequestHandler) -> Response:
        if how == "garbled":
            return replace(await handle(request), body=b"<html>")
        fault = Fault.error(429, "rate_limited") if how == "refused" else Fault.silence()
        return await fault.middleware(request, handle)

    def times_of(self, path: str) -> list[float]:
        """The seconds in which changes with this end of their path arrived."""
        return [time for time, sent in self.arrived if sent.endswith(path)]

    @property
    def is_live(self) -> bool:
        """Whether the studio is on air, or about to be."""
        stream = self.trax.world.streams.get("studio_42")
        return stream is not None and stream.running


@asynccontextmanager
async def open_virtual_setup(
    *callers: Caller, timeout_seconds: float = 10, rules: Rules | None = None
) -> AsyncIterator[VirtualSetup]:
    """A server with a client for each caller, on a sandbox that knows all keys."""
    clock = VirtualClock()
    deps = ServerDeps(rules=rules or Rules(), clock=clock)
    it = VirtualSetup(_sandbox(), clock, deps)
    client = trax_client.Client(
        base_url=ADDRESS,
        timeout_seconds=timeout_seconds,
        transport=SandboxTransport(it.trax),
        now=clock.now,
    )
    guard = build_guard(client, deps)
    async with AsyncExitStack() as stack:
        with (
            patch("trax_mcp.server.app.build_guard", lambda *_: guard),
            patch("trax_mcp.server.tools._tool", _made_once),
        ):
            for caller in callers:
                server = build_server(client, own=caller, deps=deps)
                it.clients[caller] = await stack.enter_async_context(
                    Client(server, mode=MODERN, cache=None)
                )
        yield it


class _LoopClock(ManualClock):
    """A clock that follows the event loop's."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return super().now() + anyio.current_time()


def _sandbox() -> Sandbox:
    trax = Sandbox(_LoopClock.frozen(STARTED_AT.timestamp()), rate_limit=None)
    _add_key(trax, COLLEAGUE, ACCOUNT, SCOPES)
    _add_key(trax, NO_ACCESS, ANOTHER_ACCOUNT, {"stream:golive"})
    _add_key(trax, CUSTOMER, ANOTHER_ACCOUNT, SCOPES)
    return trax


def _add_key(trax: Sandbox, caller: Caller, account: str, scopes: Collection[str]) -> None:
    assert caller.key is not None
    trax.world.keys[caller.key] = Key(caller.key, caller.key[-8:], account, frozenset(scopes))


def status(result: Any) -> str:  # noqa: ANN401  a result of the SDK
    """`ran`, the status of a call that did not run, or a failure's code."""
    data = result.structured_content or {}
    if has_run(result):
        return "ran"
    return str(data["error"]["code"] if "error" in data else data["status"])


def reasons(results: Iterable[types.CallToolResult]) -> list[str | None]:
    """Why calls did not run."""
    return [(it.structured_content or {}).get("reason") for it in results]
