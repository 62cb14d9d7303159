"""Counts the resources of the current process: open files, tasks, memory. Linux only (/proc)."""

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

from bench.measured_process import resident_kib

_PROC_SELF = Path("/proc/self")


@dataclass(frozen=True, slots=True)
class ResourceCount:
    """One count. `files`, `tasks` and `objects` are numbers by name, so that growth can be traced.

    `blocks` are Python's memory blocks, which show small growth; `resident_kib` is the memory of
    the process.
    """

    files: dict[str, int]
    tasks: dict[str, int]
    objects: dict[str, int]
    blocks: int
    resident_kib: int

    @property
    def open_files(self) -> int:
        """The number of open files, sockets and pipes."""
        return sum(self.files.values())

    @property
    def task_count(self) -> int:
        """The number of tasks."""
        return sum(self.tasks.values())

    @classmethod
    def take(cls) -> Self:
        """Count in this process, from inside its event loop.

        First collects garbage and clears the standard library's caches.
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
        """The count as JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


def _open_files() -> list[str]:
    """The kind of each open file, without the one that lists them."""
    kinds = []
    for entry in os.listdir(_PROC_SELF / "fd"):  # noqa: PTH208  only the names
        try:
            kinds.append((_PROC_SELF / "fd" / entry).readlink().as_posix().partition(":")[0])
        except FileNotFoundError:
            continue
    return kinds


def _name(task: "asyncio.Task[Any]") -> str:
    """Its name, or the name of its coroutine."""
    name = task.get_name()
    if not name.startswith("Task-"):
        return name
    return getattr(task.get_coro(), "__qualname__", name)


def _kind(it: object) -> str:
    return f"{type(it).__module__}.{type(it).__qualname__}"
