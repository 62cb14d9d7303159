"""`trax-mcp demo` on a console of the test. Its servers are processes, or in memory."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from unittest.mock import patch

import anyio
from mcp.shared.memory import create_client_server_memory_streams

from tests.support.product.frozen_sandbox import frozen_sandbox
from tests.support.product.server import Product
from tests.support.product.shared_clock import HandClock
from trax_mcp.cli.demo.play import play

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from typing import Any

    from mcp import StdioServerParameters
    from mcp.server import Server
    from mcp.shared.memory import MessageStream
    from rich.console import Console


def play_demo(
    console: Console, *, alter: Callable[[Server[Any], HandClock], None] | None = None
) -> int:
    """Play the demo on a console; returns its exit code. What is wrong is on stderr.

    With `alter`, which changes each server before it serves, the servers are in memory.
    """
    if alter is None:
        return play(console=console)

    clocks = list[HandClock]()

    async def pass_by(seconds: float) -> None:
        clocks[-1].advance(seconds)

    @asynccontextmanager
    async def serve(process: StdioServerParameters, **_: object) -> AsyncIterator[MessageStream]:
        trax, variables = frozen_sandbox(), process.env or {}
        clock = HandClock(trax)
        clocks.append(clock)
        async with (
            create_client_server_memory_streams() as (client, ours),
            anyio.create_task_group() as tasks,
        ):
            settings = {it: value for it, value in variables.items() if it.startswith("TRAX_")}
            server = Product(trax, clock, {**settings, "TRAX_SANDBOX": "true"}).server()
            alter(server, clock)
            tasks.start_soon(server.run, *ours, server.create_initialization_options())
            yield client
            tasks.cancel_scope.cancel()

    client = "trax_mcp.cli.demo.client"
    with patch(f"{client}.stdio_client", serve), patch(f"{client}.sleep", pass_by):
        return play(console=console)
