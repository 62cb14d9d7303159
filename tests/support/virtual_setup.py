"""A server on a sandbox in virtual time, with MCP clients of several keys."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import anyio
from mcp import Client

from tests.support.guarded_calls import STUDIO
from tests.support.product.faults import Fault
from tests.support.product.manual_clock import ManualClock
from tests.support.product.memory import SharedRecords, shared_memories
from tests.support.product.sandbox import ACCOUNT, SANDBOX_KEY, SCOPES, Sandbox
from tests.support.product.sandbox_accounts import ANOTHER_ACCOUNT
from tests.support.product.server import Product
from tests.support.product.virtual_time import STARTED_AT, VirtualClock
from tests.world.answers import has_run
from tests.world.wire import MODERN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping

    import mcp_types as types

    from tests.support.product.faults import Request, RequestHandler, Response
    from tests.support.product.memory import Memory


MINE: Final = SANDBOX_KEY
"""The key of the studio's owner."""
COLLEAGUE: Final = "sk_live_sandbox_colleague"
"""Another key of the same account."""
NO_ACCESS: Final = "sk_live_sandbox_no_access"
"""A key of another account, which may go live and offline, and read nothing."""
CUSTOMER: Final = "sk_live_sandbox_customer"
"""A key of another account with all scopes there."""


@dataclass(slots=True)
class VirtualSetup:
    """A sandbox, its server's clock, the clients by key, and when each change arrived."""

    trax: Sandbox
    clock: VirtualClock
    product: Product
    clients: dict[str, Client] = field(default_factory=dict)
    arrived: list[tuple[float, str]] = field(default_factory=list)
    """The second in which each change reached TRaX, and its method and path."""
    _delays: list[tuple[str, str | None, float]] = field(default_factory=list)

    _failures: dict[str, tuple[str, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Handle the requests before the sandbox does."""
        self.trax.faults.add(Fault("slow", self._handle), times=None)

    async def call(self, key: str, tool: str, **arguments: object) -> types.CallToolResult:
        """Call a tool on the Friday Night Show, or with `studioId` on another studio."""
        return await self.clients[key].call_tool(tool, {**STUDIO, **arguments})

    async def confirmation(self, key: str, tool: str, **arguments: object) -> str:
        """The confirmation in the preview of a call."""
        shown = (await self.call(key, tool, **arguments)).structured_content or {}
        return str(shown["confirmation"])

    async def use(
        self, key: str, tool: str, confirmation: str, **arguments: object
    ) -> types.CallToolResult:
        """Call with a confirmation."""
        evidence = {"confirm": True, "confirmation": confirmation}
        return await self.call(key, tool, **arguments, **evidence)

    async def confirmed(self, key: str, tool: str, **arguments: object) -> types.CallToolResult:
        """Call with a new confirmation."""
        confirmation = await self.confirmation(key, tool, **arguments)
        return await self.use(key, tool, confirmation, **arguments)

    def slow(self, seconds: float, *, path: str = "", key: str | None = None) -> None:
        """Let TRaX handle requests this many seconds after they have arrived.

        Those with this end of "METHOD /path", and of this key. The first rule that fits counts.
        """
        self._delays.append((path, key, seconds))

    def fail(self, how: str, *, path: str, times: int = 1000) -> None:
        """Let TRaX refuse, garble or never answer the next requests with this end of their path."""
        self._failures[path] = (how, times)

    def add_bot(self, key: str, *, account: str = ACCOUNT) -> None:
        """Give TRaX a key that may go live and offline, and read nothing."""
        self.trax.add_key(key, account=account, scopes={"stream:golive"})

    async def _handle(self, request: Request, handle: RequestHandler) -> Response:
        sent = f"{request.method} {request.path}"
        if request.method != "GET":
            self.arrived.append((anyio.current_time(), sent))
        for path, key, seconds in self._delays:
            if sent.endswith(path) and key in {None, request.secret}:
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
        refusals = {"refused": (429, "rate_limited"), "conflict": (409, "conflict")}
        fault = Fault.error(*refusals[how]) if how in refusals else Fault.silence()
        return await fault.middleware(request, handle)

    def times_of(self, path: str) -> list[float]:
        """The seconds in which changes with this end of their path arrived."""
        return [time for time, sent in self.arrived if sent.endswith(path)]

    @property
    def engine(self) -> SharedRecords:
        """The connection to what is shared with other servers."""
        assert self.product.memory is not None
        assert isinstance(self.product.memory.records, SharedRecords)
        return self.product.memory.records

    @property
    def is_live(self) -> bool:
        """Whether the studio is on air, or about to be."""
        return self.trax.is_running()


@asynccontextmanager
async def open_virtual_setup(*keys: str, **settings: str) -> AsyncIterator[VirtualSetup]:
    """A server with a client for each key, on a sandbox that knows all keys."""
    async with _serving(virtual_sandbox(), VirtualClock(), keys, settings) as it:
        yield it


@asynccontextmanager
async def open_virtual_replicas(*keys: str) -> AsyncIterator[tuple[VirtualSetup, VirtualSetup]]:
    """Two servers on one sandbox that share what they remember."""
    trax, clock = virtual_sandbox(), VirtualClock()
    memories = shared_memories(clock)
    async with AsyncExitStack() as stack:
        here, there = [
            await stack.enter_async_context(_serving(trax, clock, keys, {}, it)) for it in memories
        ]
        yield here, there


@asynccontextmanager
async def _serving(
    trax: Sandbox,
    clock: VirtualClock,
    keys: Iterable[str],
    settings: Mapping[str, str],
    memory: Memory | None = None,
) -> AsyncIterator[VirtualSetup]:
    settings = {"TRAX_TIMEOUT_SECONDS": "10", **settings}
    product = Product(trax, clock, settings, pause=anyio.sleep, memory=memory)
    it = VirtualSetup(trax, clock, product)
    async with AsyncExitStack() as stack:
        for key in keys:
            client = Client(product.server(key), mode=MODERN, cache=None)
            it.clients[key] = await stack.enter_async_context(client)
        yield it


class _LoopClock(ManualClock):
    """A clock that follows the event loop's."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return super().now() + anyio.current_time()


def virtual_sandbox() -> Sandbox:
    """A sandbox in virtual time that knows all keys, without a limit of requests."""
    trax = Sandbox(_LoopClock.frozen(STARTED_AT.timestamp()), rate_limit=None)
    trax.add_key(COLLEAGUE)
    trax.add_key(NO_ACCESS, account=ANOTHER_ACCOUNT, scopes={"stream:golive"})
    trax.add_key(CUSTOMER, account=ANOTHER_ACCOUNT, scopes=SCOPES)
    return trax


def status(result: Any) -> str:  # noqa: ANN401  a result of the SDK
    """`ran`, the status of a call that did not run, or a failure's code."""
    data = result.structured_content or {}
    if has_run(result):
        return "ran"
    return str(data["error"]["code"] if "error" in data else data["status"])


def reasons(results: Iterable[types.CallToolResult]) -> list[str | None]:
    """Why calls did not run."""
    return [(it.structured_content or {}).get("reason") for it in results]
