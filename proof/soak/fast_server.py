"""`trax-mcp` with a faster clock, which reports its resources to its parent process.

Run as `python -m proof.soak.fast_server`, with the arguments of `trax-mcp`. Nothing else differs.
"""

import asyncio
import json
import os
import signal
import socket
from unittest.mock import patch

from proof.soak.fast_time import FastTime
from proof.soak.resource_count import ResourceCount

PACE = "SOAK_PACE"
"""The variable with the factor of the clock's speed."""

LINK = "SOAK_LINK"
"""The variable with the file descriptor of the socket for requests, one JSON object per line."""

_MAX_REQUEST_BYTES = 4096


class Reporter:
    """Answers the parent's requests, from inside the event loop."""

    def __init__(self, fast_time: FastTime, link: socket.socket) -> None:
        self._haste = fast_time
        self._link = link

    def new_loop(self) -> asyncio.AbstractEventLoop:
        """Create the command's event loop, with the reporter in it."""
        loop = self._haste.new_loop()
        loop.add_reader(self._link, self._answer)
        return loop

    def _answer(self) -> None:
        data = self._link.recv(_MAX_REQUEST_BYTES)
        if not data:  # the parent has ended
            asyncio.get_running_loop().remove_reader(self._link)
            signal.raise_signal(signal.SIGTERM)
            return
        request = json.loads(data)
        self._haste.skip(request.get("skip", 0))
        report = ResourceCount.take().as_json() if request.get("count") else {}
        self._link.sendall(json.dumps(report).encode() + b"\n")


def main() -> None:
    """Run the command on fast time."""
    fast_time = FastTime(float(os.environ[PACE]))
    link = socket.socket(fileno=int(os.environ[LINK]))
    new_loop = Reporter(fast_time, link).new_loop
    with fast_time.patch_monotonic(), patch("asyncio.events.new_event_loop", new_loop):
        from trax_mcp.cli import main as command  # noqa: PLC0415  it must be imported after the patch

        command()


if __name__ == "__main__":
    main()
