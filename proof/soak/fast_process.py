"""Runs a Python module with a faster clock, which reports its resources to its parent process.

Run as `python -m proof.soak.fast_process MODULE ARGUMENTS`. The monotonic clock and the waits of
the event loop are replaced, so that all time-outs keep their proportions, those of libraries too.
"""

import asyncio
import gc
import json
import os
import re
import runpy
import selectors
import signal
import socket
import sys
import time
import urllib.parse
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self
from unittest.mock import patch

from bench.harness.process import resident_kib

PACE: Final = 10.0
"""How many times as fast. With more, slow machines miss time-outs."""

LINK: Final = "SOAK_LINK"
"""The variable with the file descriptor of the socket for requests: seconds to skip."""

_FILES: Final = Path("/proc/self/fd")
_MAX_REQUEST_BYTES: Final = 64


@dataclass(frozen=True, slots=True)
class ResourceCount:
    """What a process holds: files, tasks and objects by name, memory blocks, resident memory."""

    files: dict[str, int]
    tasks: dict[str, int]
    objects: dict[str, int]
    blocks: int
    resident_kib: int

    @property
    def handles(self) -> tuple[int, int]:
        """The numbers of open files and of tasks."""
        return sum(self.files.values()), sum(self.tasks.values())

    def __str__(self) -> str:
        files, tasks = self.handles
        return f"{files:>8}{tasks:>6}{self.resident_kib / 1024:>8.1f}"

    def as_json(self) -> dict[str, Any]:
        """The count as JSON."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        """Read a count that was sent."""
        return cls(**json.loads(text))

    @classmethod
    def take(cls) -> Self:
        """Count in this process, from inside its event loop, after a collection of garbage."""
        urllib.parse.clear_cache()  # type: ignore[attr-defined]  # undocumented
        re.purge()
        gc.collect()
        blocks = sys.getallocatedblocks()
        tasks = (it.get_coro() for it in asyncio.all_tasks())
        return cls(
            files=Counter(filter(None, map(_kind_of_file, os.listdir(_FILES)))),  # noqa: PTH208  only the names
            tasks=Counter(getattr(it, "__qualname__", "task") for it in tasks),
            objects=Counter(
                f"{type(it).__module__}.{type(it).__name__}" for it in gc.get_objects()
            ),
            blocks=blocks,
            resident_kib=resident_kib(os.getpid()),
        )


class FastTime:
    """The system's monotonic time, `PACE` times as fast, which the parent can move ahead."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._system_monotonic = time.monotonic
        self._started_at = time.monotonic()
        self._skipped = 0.0

    def monotonic(self) -> float:
        """Fast monotonic seconds."""
        passed = (self._system_monotonic() - self._started_at) * PACE
        return self._started_at + passed + self._skipped

    def new_loop(self) -> asyncio.AbstractEventLoop:
        """An event loop on this time, which answers the parent."""
        loop = asyncio.SelectorEventLoop(_FastSelector())
        loop.add_reader(self._link, self._answer, loop)
        return loop

    def _answer(self, loop: asyncio.AbstractEventLoop) -> None:
        request = self._link.recv(_MAX_REQUEST_BYTES)
        if not request:  # the parent has ended
            loop.remove_reader(self._link)
            signal.raise_signal(signal.SIGTERM)
            return
        self._skipped += float(request)
        self._link.sendall(json.dumps(ResourceCount.take().as_json()).encode() + b"\n")


class _FastSelector(selectors.DefaultSelector):
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(timeout if timeout is None else timeout / PACE)


def _kind_of_file(number: str) -> str | None:
    try:
        return (_FILES / number).readlink().as_posix().partition(":")[0]
    except FileNotFoundError:  # the folder that was listed
        return None


def main() -> None:
    """Run the module on fast time."""
    fast_time = FastTime(socket.socket(fileno=int(os.environ[LINK])))
    sys.argv = sys.argv[1:]
    with (
        patch("time.monotonic", fast_time.monotonic),
        patch("asyncio.events.new_event_loop", fast_time.new_loop),
    ):
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
