"""The command with one part that never ends, to test that the process ends anyway.

Run as `python -m tests.support.hanging_server PART ...`, with the command's own arguments after
PART. It prints a line when the part begins.
"""

from __future__ import annotations

import runpy
import socket
import sys
import threading
from typing import TYPE_CHECKING, Final, NoReturn
from unittest.mock import patch

from uvicorn.lifespan.on import LifespanOn

if TYPE_CHECKING:
    from unittest.mock import _patch

BEGINS: Final = "this never ends"

NAMES: Final = "names"
"""No name server answers."""
SESSIONS: Final = "sessions"
"""Ending all sessions keeps the event loop busy, as it does with ten thousand."""


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
    return patch.object(LifespanOn, "shutdown", _never_end)


if __name__ == "__main__":
    with _hanging(sys.argv.pop(1)):
        runpy.run_module("trax_mcp", run_name="__main__", alter_sys=True)
