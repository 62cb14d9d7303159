"""Processes to be measured: start one, speak to it line by line, weigh it, end it.

Every wait is for a line and has a bound. Nothing here knows what the lines mean.
"""

import os
import re
import resource
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self

ROOT = Path(__file__).parents[1]
PATIENCE_SECONDS = 30.0
_CHUNK_BYTES = 1 << 16
_ADDRESS = re.compile(rb"http://127\.0\.0\.1:\d+\S*")


class BenchError(RuntimeError):
    """Something could not be measured; the text says what was seen instead."""


class Lines:
    """The lines that a pipe brings, each awaited for at most `PATIENCE_SECONDS`."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe.fileno()
        self._pending = b""

    def next(self) -> bytes:
        """Wait for the next line.

        Raises:
            BenchError: none came in time, or none will ever come.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while b"\n" not in self._pending:
            patience = max(0, deadline - time.monotonic())
            if not select.select([self._pipe], [], [], patience)[0]:
                raise BenchError(f"no line within {PATIENCE_SECONDS:g} s")
            chunk = os.read(self._pipe, _CHUNK_BYTES)
            if not chunk:
                raise BenchError(f"it ended, after {self._pending!r}")
            self._pending += chunk
        line, _, self._pending = self._pending.partition(b"\n")
        return line


class Process:
    """A Python module as a process, run from the repository's root and ended on the way out."""

    def __init__(self, *module: str, environment: Mapping[str, str] | None = None) -> None:
        self.born = time.perf_counter()
        self._child = subprocess.Popen(
            [sys.executable, "-m", *module],
            cwd=ROOT,
            env=clean_environment() | dict(environment or {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
        self._name = " ".join(module)
        self._input, self._output, self._errors = _pipes(self._child)
        self._lines = Lines(self._output)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.end()
        if isinstance(error, Exception):
            error.add_note(f"{self._name}: {self._errors.read().decode(errors='replace')}")
        for pipe in (self._input, self._output, self._errors):
            pipe.close()

    def ask(self, line: bytes) -> bytes:
        """Write a line, which ends with a newline, and wait for the one that answers it."""
        self._input.write(line)
        return self._lines.next()

    def tell(self, line: bytes) -> None:
        """Write a line that nobody answers."""
        self._input.write(line)

    def address(self) -> str:
        """Wait until it names, on stderr, where it listens."""
        errors = Lines(self._errors)
        while (found := _ADDRESS.search(errors.next())) is None:
            pass
        return found.group().decode()

    def resident_mib(self) -> float:
        """Its resident memory now, in MiB."""
        return resident_kib(self._child.pid) / 1024

    def cpu_seconds(self) -> float:
        """Its CPU time so far, in s."""
        if sys.platform == "linux":  # the clock that clock_getcpuclockid(3) gives
            return time.clock_gettime(~self._child.pid << 3 | 2)
        asked = ["/bin/ps", "-o", "time=", "-p", str(self._child.pid)]
        parts = subprocess.check_output(asked).split(b":")
        return sum(float(part) * 60**place for place, part in enumerate(reversed(parts)))

    def end(self) -> float:
        """End it at once, so that its own way of stopping costs nothing; its CPU time in s."""
        before = _cpu_of_ended()
        self._child.kill()
        self._child.wait(PATIENCE_SECONDS)
        return _cpu_of_ended() - before


def allow_open_files(number: int) -> None:
    """Let this process, and those that it starts from now on, have so many files open.

    Raises:
        BenchError: the machine does not let us.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= number:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (number, hard))
    except ValueError:
        raise BenchError(f"{number} files must be open, and no more than {hard} may") from None


def clean_environment() -> dict[str, str]:
    """The environment without what could change how a process behaves, or be counted as its own."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TRAX_", "PYTHON", "COV")) and not name.lower().endswith("_proxy")
    }


def resident_kib(pid: int) -> int:
    """The resident memory of a process now, in KiB; 0 of one that has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):  # not Linux, or just ended
        asked = ["/bin/ps", "-o", "rss=", "-p", str(pid)]
        told = subprocess.run(asked, capture_output=True, check=False, text=True).stdout
        return int(told or 0)
    found = re.search(r"VmRSS:\s+(\d+)", status)
    return int(found[1]) if found else 0


def _pipes(child: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes], IO[bytes]]:
    if child.stdin is None or child.stdout is None or child.stderr is None:
        raise BenchError("a process was started without pipes")
    return child.stdin, child.stdout, child.stderr


def _cpu_of_ended() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
