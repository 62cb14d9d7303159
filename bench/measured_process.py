"""Processes to measure: starts one, exchanges lines with it, reads its memory, ends it.

Every wait has a time limit.
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
TIMEOUT_SECONDS = 30.0
_CHUNK_BYTES = 1 << 16
_ADDRESS = re.compile(rb"http://127\.0\.0\.1:\d+\S*")


class BenchError(RuntimeError):
    """Something could not be measured; the message says why."""


class Lines:
    """The lines of a pipe; each read waits for at most `TIMEOUT_SECONDS`."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe.fileno()
        self._pending = b""

    def next(self) -> bytes:
        """Wait for the next line.

        Raises:
            BenchError: none arrived in time, or the pipe is closed.
        """
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while b"\n" not in self._pending:
            remaining = max(0, deadline - time.monotonic())
            if not select.select([self._pipe], [], [], remaining)[0]:
                raise BenchError(f"no line within {TIMEOUT_SECONDS:g} s")
            chunk = os.read(self._pipe, _CHUNK_BYTES)
            if not chunk:
                raise BenchError(f"it ended, after {self._pending!r}")
            self._pending += chunk
        line, _, self._pending = self._pending.partition(b"\n")
        return line


class Process:
    """A Python module as a process in the repository's root; a context manager that ends it."""

    def __init__(self, *module: str, environment: Mapping[str, str] | None = None) -> None:
        self.started_at = time.perf_counter()
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
        """Write a line, which ends with a newline, and read the next line."""
        self._input.write(line)
        return self._lines.next()

    def send(self, line: bytes) -> None:
        """Write a line that has no response."""
        self._input.write(line)

    def address(self) -> str:
        """Wait for its address on stderr."""
        errors = Lines(self._errors)
        while (match := _ADDRESS.search(errors.next())) is None:
            pass
        return match.group().decode()

    def resident_mib(self) -> float:
        """Its resident memory in MiB."""
        return resident_kib(self._child.pid) / 1024

    def cpu_seconds(self) -> float:
        """Its CPU time so far, in seconds."""
        if sys.platform == "linux":  # the clock that clock_getcpuclockid(3) gives
            return time.clock_gettime(~self._child.pid << 3 | 2)
        command = ["/bin/ps", "-o", "time=", "-p", str(self._child.pid)]
        parts = subprocess.check_output(command).split(b":")
        return sum(float(part) * 60**power for power, part in enumerate(reversed(parts)))

    def end(self) -> float:
        """Kill it, so that its shutdown is not measured; returns its CPU time in seconds."""
        before = _children_cpu_seconds()
        self._child.kill()
        self._child.wait(TIMEOUT_SECONDS)
        return _children_cpu_seconds() - before


def allow_open_files(number: int) -> None:
    """Raise the limit of open files of this process and its future children.

    Raises:
        BenchError: the system does not allow it.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= number:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (number, hard))
    except ValueError:
        raise BenchError(f"{number} files must be open, and no more than {hard} may") from None


def clean_environment() -> dict[str, str]:
    """The environment without variables that change how a measured process behaves."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TRAX_", "PYTHON", "COV")) and not name.lower().endswith("_proxy")
    }


def resident_kib(pid: int) -> int:
    """The resident memory of a process in KiB; 0 if it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):  # not Linux, or just ended
        command = ["/bin/ps", "-o", "rss=", "-p", str(pid)]
        output = subprocess.run(command, capture_output=True, check=False, text=True).stdout
        return int(output or 0)
    match = re.search(r"VmRSS:\s+(\d+)", status)
    return int(match[1]) if match else 0


def _pipes(child: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes], IO[bytes]]:
    if child.stdin is None or child.stdout is None or child.stderr is None:
        raise BenchError("a process was started without pipes")
    return child.stdin, child.stdout, child.stderr


def _children_cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
