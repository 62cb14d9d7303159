"""`trax-mcp` that loses things, for the soak to find: a subscription in three ways.

Run as `python -m tests.leaky_server`, in place of `proof.soak.hasty`. Whoever unsubscribes leaves a
task, an open file and a little memory behind.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

from proof.soak.hasty import main
from trax_mcp.chat.watcher import Watcher

if TYPE_CHECKING:
    from collections.abc import Callable

_LOST: Final[list[object]] = []
_LISTEN: Final[Any] = Watcher.listen


def _listen(watcher: Watcher[Any], notify: Callable[[], None]) -> Callable[[], None]:
    """Listen as always; who leaves is not quite gone."""
    leave = _LISTEN(watcher, notify)

    def half_leave() -> None:
        leave()
        _LOST.append(socket.socket())
        _LOST.append(asyncio.create_task(asyncio.Event().wait()))

    return half_leave


if __name__ == "__main__":
    with patch.object(Watcher, "listen", _listen):
        main()
