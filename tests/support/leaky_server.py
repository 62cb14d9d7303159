"""A server with leaks for the soak test: every unsubscribe leaks a task, a socket and memory.

Run as `python -m tests.support.leaky_server`, in place of `proof.soak.fast_server`.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

from proof.soak.fast_server import main
from trax_mcp.chat.watcher import Watcher

if TYPE_CHECKING:
    from collections.abc import Callable

_LEAKED: Final[list[object]] = []
_LISTEN: Final[Any] = Watcher.listen


def _listen(watcher: Watcher[Any], notify: Callable[[], None]) -> Callable[[], None]:
    """Listen as usual, but leak a socket and a task at the end."""
    stop = _LISTEN(watcher, notify)

    def stop_and_leak() -> None:
        stop()
        _LEAKED.append(socket.socket())
        _LEAKED.append(asyncio.create_task(asyncio.Event().wait()))

    return stop_and_leak


if __name__ == "__main__":
    with patch.object(Watcher, "listen", _listen):
        main()
