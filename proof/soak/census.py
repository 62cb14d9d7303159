"""What a process holds, counted by itself: open files, tasks, memory. Linux only: it asks /proc.

It counts and does not judge. The names say what is there, so that growth can be traced.
"""

import asyncio
import gc
import os
import re
import sys
import urllib.parse
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from bench.processes import resident_kib

_ITSELF = Path("/proc/self")


@dataclass(frozen=True, slots=True)
class Census:
    """One count. `files`, `tasks` and `objects` are how many there are of each kind, by name.

    `blocks` are pieces of memory that Python holds, which shows what is small; `resident_kib` is
    all that the process holds, as the system sees it.
    """

    files: dict[str, int]
    tasks: dict[str, int]
    objects: dict[str, int]
    blocks: int
    resident_kib: int

    @property
    def open_files(self) -> int:
        """How many files, sockets and pipes are open."""
        return sum(self.files.values())

    @property
    def running(self) -> int:
        """How many tasks there are."""
        return sum(self.tasks.values())

    @classmethod
    def take(cls) -> Self:
        """Count in this process, from inside its event loop, once its garbage is gone.

        So are the standard library's caches, which fill with addresses up to a bound.
        """
        urllib.parse.clear_cache()  # type: ignore[attr-defined]  # undocumented
        re.purge()
        gc.collect()
        blocks = sys.getallocatedblocks()
        return cls(
            files=Counter(_open_files()),
            tasks=Counter(_name(task) for task in asyncio.all_tasks()),
            objects=Counter(_kind(it) for it in gc.get_objects()),
            blocks=blocks,
            resident_kib=resident_kib(os.getpid()),
        )

    def as_json(self) -> dict[str, Any]:
        """The count as it is told to another process."""
        return {name: getattr(self, name) for name in self.__slots__}


def _open_files() -> list[str]:
    """What each is. The one with which they are listed is closed by then, and is none."""
    found = []
    for entry in os.listdir(_ITSELF / "fd"):  # noqa: PTH208  only the names: each is looked at below
        try:
            found.append((_ITSELF / "fd" / entry).readlink().as_posix().partition(":")[0])
        except FileNotFoundError:
            continue
    return found


def _name(task: "asyncio.Task[Any]") -> str:
    """As anyio names it; of one that was not named, what it runs."""
    named = task.get_name()
    if not named.startswith("Task-"):
        return named
    return getattr(task.get_coro(), "__qualname__", named)


def _kind(it: object) -> str:
    return f"{type(it).__module__}.{type(it).__qualname__}"
