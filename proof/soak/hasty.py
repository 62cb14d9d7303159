"""`trax-mcp` whose time goes faster, and which tells whoever started it what it holds.

Run as `python -m proof.soak.hasty`, with the arguments of `trax-mcp`. Nothing else is different:
the command builds its server, its app and its client for TRaX as it always does.
"""

import asyncio
import json
import os
import signal
import socket
from unittest.mock import patch

from proof.soak.census import Census
from proof.soak.haste import Haste

PACE = "SOAK_PACE"
"""The setting that says how many times as fast."""

LINK = "SOAK_LINK"
"""The setting that names the open socket on which it is asked: a JSON object a line."""

_LONGEST_WORD = 4096


class Reporter:
    """Answers, from inside the event loop, what the other end of the link asks."""

    def __init__(self, haste: Haste, link: socket.socket) -> None:
        self._haste = haste
        self._link = link

    def new_loop(self) -> asyncio.AbstractEventLoop:
        """The loop that the command will run on, and that answers besides."""
        loop = self._haste.new_loop()
        loop.add_reader(self._link, self._answer)
        return loop

    def _answer(self) -> None:
        asked = self._link.recv(_LONGEST_WORD)
        if not asked:  # whoever started it is gone
            asyncio.get_running_loop().remove_reader(self._link)
            signal.raise_signal(signal.SIGTERM)
            return
        word = json.loads(asked)
        self._haste.leap(word.get("leap", 0))
        told = Census.take().as_json() if word.get("count") else {}
        self._link.sendall(json.dumps(told).encode() + b"\n")


def main() -> None:
    """Run the command that the arguments name, in haste."""
    haste = Haste(float(os.environ[PACE]))
    link = socket.socket(fileno=int(os.environ[LINK]))
    new_loop = Reporter(haste, link).new_loop
    with haste.everywhere(), patch("asyncio.events.new_event_loop", new_loop):
        from trax_mcp.cli import main as command  # noqa: PLC0415  none of it may know other times

        command()


if __name__ == "__main__":
    main()
