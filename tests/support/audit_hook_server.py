"""The command, with its connections, file writes and new processes logged.

Run as `python -m tests.support.audit_hook_server FILE ...`, with the command's own arguments after
FILE, to which each event is written as a line of JSON. Python's audit hooks report the events,
whatever code causes them.
"""

from __future__ import annotations

import json
import os
import sys
from runpy import run_module
from typing import Any, Final

_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGING: Final = {"os.mkdir", "os.rename", "os.remove", "os.link", "os.symlink", "os.truncate"}
_STARTING: Final = {"subprocess.Popen", "os.exec", "os.posix_spawn", "os.system", "os.fork"}
_NETWORK: Final = {"socket.connect", "socket.getaddrinfo", "socket.sendto"}


def _record_of(event: str, arguments: tuple[Any, ...]) -> list[Any] | None:
    """The record of an event; None if it is not logged."""
    match event:
        case "socket.connect" | "socket.sendto":
            return [event, arguments[1]]
        case "open" if isinstance(arguments[0], str | bytes) and arguments[2] & _WRITING:
            return [event, os.fsdecode(arguments[0])]
        case _ if event in _CHANGING | _STARTING | _NETWORK:
            return [event, *map(str, arguments[:2])]
    return None


def watch(file: str) -> None:
    """Log the events of this process from now on."""
    log = os.open(file, os.O_WRONLY | os.O_CREAT, 0o600)

    def record(event: str, arguments: tuple[Any, ...]) -> None:
        if event_record := _record_of(event, arguments):
            os.write(log, (json.dumps(event_record, default=str) + "\n").encode())

    sys.addaudithook(record)


def main() -> None:
    """Start logging, then run the command."""
    watch(sys.argv.pop(1))
    run_module("trax_mcp", run_name="__main__", alter_sys=True)  # its imports are logged too


if __name__ == "__main__":
    main()
