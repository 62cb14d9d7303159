"""The command with one part that never ends, or that ends too early, to test how the process ends.

Run as `python -m tests.support.hanging_server PART ...`, with the command's own arguments after
PART. It prints a line when a part begins that never ends.
"""

from __future__ import annotations

import asyncio
import runpy
import socket
import sys
import threading
from typing import TYPE_CHECKING, Final, NoReturn
from unittest.mock import patch

from uvicorn import Server

if TYPE_CHECKING:
    from unittest.mock import _patch

BEGINS: Final = "this never ends"
BREAKS: Final = "this broke"

NAMES: Final = "names"
"""No name server answers."""
SESSIONS: Final = "sessions"
"""Ending all sessions keeps the event loop busy, as it does with ten thousand.

From the beginning of the shutdown on, so that it does on any machine.
"""
LOOP: Final = "loop"
"""The loop that serves ends, and nobody has asked for it."""
CANCELLED: Final = "cancelled"
"""It is cancelled."""
APP: Final = "app"
"""The app breaks after its start, which uvicorn does not mind."""


async def _end(_self: object) -> None:
    """Serve nobody."""


async def _cancel(_self: object) -> None:
    raise asyncio.CancelledError


async def _break(_self: object) -> None:
    raise RuntimeError(BREAKS)


def _never_end(*_arguments: object, **_options: object) -> NoReturn:
    """Block this thread."""
    sys.stderr.write(f"{BEGINS}\n")
    sys.stderr.flush()
    threading.Event().wait()
    raise AssertionError


def _hanging(part: str) -> _patch[object]:
    """Replace the part."""
    if part == NAMES:
        return patch.object(socket, "getaddrinfo", _never_end)
    if part == APP:
        return patch("trax_mcp.consent.parts.Background.run", _break)
    if part in {LOOP, CANCELLED}:
        return patch.object(Server, "main_loop", _end if part == LOOP else _cancel)
    return patch("trax_mcp.server.sdk_compat.InFlight.end", _never_end)


if __name__ == "__main__":
    with _hanging(sys.argv.pop(1)):
        runpy.run_module("trax_mcp", run_name="__main__", alter_sys=True)
