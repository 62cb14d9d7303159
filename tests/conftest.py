"""Shared fixtures: a sandbox, its manual clock, and an MCP server on it."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

import anyio
import httpx
import mcp
import mcp_types as types
import pytest
from anyio.from_thread import start_blocking_portal
from mcp.server import Server

from tests.support.frozen_sandbox import ADDRESS, still
from tests.support.hypothesis_profiles import register
from tests.support.jsonrpc import ERAS, MODERN
from tests.support.local_servers import open_in_portal, upstream
from tests.support.recorded_sandbox import Sandbox
from tests.support.sandbox_transport import SandboxTransport
from tests.support.schema_checks import check_each_schema_once
from tests.support.server_process import PATIENCE_SECONDS
from tests.support.shared_clock import HandClock
from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.consent.rules import Mode, Rules
from trax_mcp.sandbox import SANDBOX_KEY
from trax_mcp.server.app import ServerDeps, build_server

register()
check_each_schema_once()

OWNER: Final = Caller(SANDBOX_KEY)
"""A caller with all scopes in the sandbox's studios."""


async def no_pause(_seconds: float) -> None:
    """Replace the sleep between retries."""


async def call(
    server: Server[Any], tool: str, arguments: dict[str, Any] | None = None, *, era: str = MODERN
) -> types.CallToolResult:
    """Call a tool as a real MCP client, connected for this one call."""
    with anyio.fail_after(PATIENCE_SECONDS):
        async with mcp.Client(server, mode=era, cache=None) as client:
            return await client.call_tool(tool, arguments or {})


def text_of(result: types.CallToolResult) -> str:
    """The text of a tool's answer."""
    (block,) = result.content
    assert isinstance(block, types.TextContent)
    return block.text


def client_on(
    sandbox: Sandbox,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    timeout_seconds: float = 5,
    sleep: Callable[[float], Awaitable[None]] = no_pause,
) -> Client:
    """Our TRaX client on a sandbox, in process, without real pauses."""
    return Client(
        base_url=ADDRESS,
        timeout_seconds=timeout_seconds,
        transport=transport or SandboxTransport(sandbox),
        sleep=sleep,
        now=lambda: datetime.fromtimestamp(sandbox.clock.now(), UTC),
    )


@pytest.fixture
def sandbox() -> Sandbox:
    """A seeded sandbox whose clock moves only when the test advances it."""
    return still()


@pytest.fixture
def trax(sandbox: Sandbox) -> Client:
    """Our TRaX client on the sandbox, in process, without real pauses."""
    return client_on(sandbox)


@pytest.fixture
def clock(sandbox: Sandbox) -> HandClock:
    """The server's clock and the sandbox's, advanced together."""
    return HandClock(sandbox)


@pytest.fixture
def server(trax: Client, clock: HandClock) -> Server[Any]:
    """The MCP server with the sandbox owner's key."""
    return build_server(trax, own=OWNER, deps=ServerDeps(clock=clock))


@pytest.fixture
def flag_server(trax: Client, clock: HandClock) -> Server[Any]:
    """The same with `TRAX_CONFIRM=flag`, for tests of what follows consent."""
    deps = ServerDeps(rules=Rules(Mode.FLAG), clock=clock)
    return build_server(trax, own=OWNER, deps=deps)


@pytest.fixture
def served() -> Iterator[Sandbox]:
    """A sandbox on a port, served by its own thread, for tests that block."""
    with start_blocking_portal() as portal, open_in_portal(portal, upstream()) as trax:
        yield trax


@pytest.fixture(params=ERAS)
def era(request: pytest.FixtureRequest) -> str:
    """Each protocol era in turn."""
    return str(request.param)
