"""Serve one client on stdin and stdout, until it hangs up or a signal ends the process.

A signal ends it within a second, with exit code 0.
"""

import os
import signal
import sys
import threading
from typing import Any

import anyio
from mcp.server import Server
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage

from trax_mcp.server.readiness import ShutDown
from trax_mcp.server.sdk_compat import answer_unreadable_lines, exit_process

_FLUSH_SECONDS = 0.05  # for the answers of calls that `shut_down` ended
_UNREAD_SECONDS = 2.0
"""How long a client that has hung up may take to read what it was sent."""


async def serve_stdio(server: Server[Any], *, shut_down: ShutDown) -> None:
    """Serve until the client hangs up or a signal comes; a signal calls `shut_down` first."""
    try:
        async with (
            stdio_server() as (lines, answers),
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(_exit_on_signal, shut_down)
            send, messages = anyio.create_memory_object_stream[SessionMessage | Exception]()
            tasks.start_soon(answer_unreadable_lines, lines, send, answers.send)
            await server.run(messages, answers, server.create_initialization_options())
            # A thread that writes to stdout cannot be cancelled.
            unread = threading.Timer(_UNREAD_SECONDS, exit_process)
            unread.daemon = True
            unread.start()
            tasks.cancel_scope.cancel()
        unread.cancel()
    except* BrokenPipeError:
        pass  # the client has ended without closing stdin


async def _exit_on_signal(shut_down: ShutDown) -> None:
    if sys.platform == "win32":  # its event loop handles no signals
        signal.signal(signal.SIGINT, lambda *_: os._exit(0))
        return
    ending = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as under nohup
        ending.append(signal.SIGHUP)
    with anyio.open_signal_receiver(*ending) as signals:
        async for _ in signals:
            await shut_down()
            await anyio.sleep(_FLUSH_SECONDS)
            exit_process()
