"""Shared fixtures: a sandbox, its clock, the product on it, and its MCP server."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

import anyio
import mcp
import pytest
from anyio.from_thread import start_blocking_portal

from tests.support.hermetic import isolate_from_machine
from tests.support.hypothesis_profiles import register
from tests.support.product.frozen_sandbox import frozen_sandbox
from tests.support.product.local_servers import open_in_portal, upstream
from tests.support.product.server import Product
from tests.support.product.shared_clock import HandClock
from tests.support.schema_checks import check_each_schema_once
from tests.support.server_process import PATIENCE_SECONDS
from tests.world.wire import ERAS, MODERN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import mcp_types as types
    from mcp.server import Server

    from tests.support.product.sandbox import Sandbox

_TABLES: Final = {"deviations", "model"}
"""The folders of tests of whole tables, and of histories."""

isolate_from_machine()
register()
check_each_schema_once()


def pytest_xdist_auto_num_workers() -> int:
    """More workers than cores, since many tests wait for processes and sockets."""
    return (os.cpu_count() or 2) * 3 // 2


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Measure no coverage of tests that run the same lines again and again: it costs them most."""
    for item in items:
        is_invented = item.get_closest_marker("fuzz") or item.get_closest_marker("hypothesis")
        if is_invented or item.path.parent.name in _TABLES:
            item.add_marker(pytest.mark.no_cover)


async def call(
    server: Server[Any], tool: str, arguments: dict[str, Any] | None = None, *, era: str = MODERN
) -> types.CallToolResult:
    """Call a tool as a real MCP client, connected for this one call."""
    with anyio.fail_after(PATIENCE_SECONDS):
        async with mcp.Client(server, mode=era, cache=None) as client:
            return await client.call_tool(tool, arguments or {})


@pytest.fixture
def sandbox() -> Sandbox:
    """A seeded sandbox whose clock moves only when the test advances it."""
    return frozen_sandbox()


@pytest.fixture
def clock(sandbox: Sandbox) -> HandClock:
    """The server's clock and the sandbox's, advanced together."""
    return HandClock(sandbox)


@pytest.fixture
def open_product(sandbox: Sandbox, clock: HandClock) -> Callable[..., Product]:
    """Opens the product with settings: `open_product(TRAX_ASK="confirm_alone")`."""

    def opened(**settings: str) -> Product:
        return Product(sandbox, clock, settings)

    return opened


@pytest.fixture
def server(open_product: Callable[..., Product]) -> Server[Any]:
    """The MCP server with the sandbox owner's key."""
    return open_product().server()


@pytest.fixture
def flag_server(open_product: Callable[..., Product]) -> Server[Any]:
    """The same with `TRAX_ASK=confirm_alone`, for tests of what follows consent."""
    return open_product(TRAX_ASK="confirm_alone").server()


@pytest.fixture
def served() -> Iterator[Sandbox]:
    """A sandbox on a port, served by its own thread, for tests that block."""
    with start_blocking_portal() as portal, open_in_portal(portal, upstream()) as trax:
        yield trax


@pytest.fixture(params=ERAS)
def era(request: pytest.FixtureRequest) -> str:
    """Each protocol era in turn."""
    return str(request.param)
