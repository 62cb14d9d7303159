"""The command with an eye on it: with whom it speaks, what it writes on disk, what it starts.

Run as `python -m tests.watched_server FILE ...`, with the command's own arguments after the file
to which each such event goes, as a line of JSON. Python's audit hooks see them, whoever causes
them.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, Final

_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGING: Final = {"os.mkdir", "os.rename", "os.remove", "os.link", "os.symlink", "os.truncate"}
_STARTING: Final = {"subprocess.Popen", "os.exec", "os.posix_spawn", "os.system", "os.fork"}
_SPEAKING: Final = {"socket.connect", "socket.getaddrinfo", "socket.sendto"}


def _seen(event: str, given: tuple[Any, ...]) -> list[Any] | None:
    """The event as it is written down; None if it is of no interest."""
    match event:
        case "socket.connect" | "socket.sendto":
            return [event, given[1]]
        case "open" if isinstance(given[0], str | bytes) and given[2] & _WRITING:
            return [event, os.fsdecode(given[0])]
        case _ if event in _CHANGING | _STARTING | _SPEAKING:
            return [event, *map(str, given[:2])]
    return None


def watch(file: str) -> None:
    """Write down from now on whatever this process does."""
    notes = os.open(file, os.O_WRONLY | os.O_CREAT, 0o600)

    def note(event: str, given: tuple[Any, ...]) -> None:
        if seen := _seen(event, given):
            os.write(notes, (json.dumps(seen, default=str) + "\n").encode())

    sys.addaudithook(note)


def main() -> None:
    """Watch, then run the command."""
    watch(sys.argv.pop(1))
    from trax_mcp.cli import main as command  # noqa: PLC0415  its imports are watched too

    command()


if __name__ == "__main__":
    main()
