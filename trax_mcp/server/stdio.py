"""Serve one client on stdin and stdout, until it hangs up or a signal ends the process.

Neither takes more than three seconds, and the exit code is 0.
"""

import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
from mcp.server import Server
from mcp.server.stdio import stdio_server

from trax_mcp.process_end import exit_process, exit_soon

_FLUSH_SECONDS = 0.2  # for the answers of calls that `shut_down` ended


async def serve_stdio(server: Server[Any], *, shut_down: Callable[[], Awaitable[None]]) -> None:
    """Serve until the client hangs up or a signal comes; a signal calls `shut_down` first."""
    try:
        async with (
            stdio_server() as (messages, answers),
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(_exit_on_signal, shut_down)
            await server.run(messages, answers, server.create_initialization_options())
            exit_soon()  # a thread that writes to stdout cannot be cancelled
            tasks.cancel_scope.cancel()
    except* BrokenPipeError:
        pass  # the client has ended without closing stdin


async def _exit_on_signal(shut_down: Callable[[], Awaitable[None]]) -> None:
    if sys.platform == "win32":  # its event loop handles no signals
        signal.signal(signal.SIGINT, lambda *_: exit_process())
        return
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            exit_soon()
            await shut_down()
            await anyio.sleep(_FLUSH_SECONDS)
            exit_process()
