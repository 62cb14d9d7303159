"""A compared server as a process in its own process group.

Every wait has a time limit. Its stderr goes to a file, so that it never blocks.
"""

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from bench.measured_process import TIMEOUT_SECONDS, BenchError, Lines, resident_kib

_INHERITED = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE")


class ChildProcess:
    """A command as a process; a context manager that ends it and its children.

    `on_stdio`: its stdout is read line by line; else it goes to the file with stderr.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        folder: Path,
        on_stdio: bool,
    ) -> None:
        self._errors = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  closed by __exit__
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        self.started_at = time.perf_counter()
        try:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                env=inherited | {"HOME": str(folder)} | dict(environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if on_stdio else self._errors,
                stderr=self._errors,
                bufsize=0,
                start_new_session=True,
            )
        except OSError as error:
            self._errors.close()
            raise BenchError(f"it cannot be run: {error.strerror}") from None
        if self._process.stdin is None:
            raise BenchError("a process was started without a pipe")
        self._input = self._process.stdin
        self._lines = Lines(self._process.stdout) if self._process.stdout else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self.end()
        if isinstance(error, BenchError):
            error.add_note(self.stderr_text())
        for pipe in (self._input, self._process.stdout, self._errors):
            if pipe is not None:
                pipe.close()

    def send(self, line: bytes) -> None:
        """Write a line.

        Raises:
            BenchError: the process has ended.
        """
        try:
            self._input.write(line)
        except OSError:
            raise BenchError("it has ended") from None

    def next(self) -> bytes:
        """Wait for its next line.

        Raises:
            BenchError: none arrived in time, or the process has ended.
        """
        if self._lines is None:
            raise BenchError("it does not speak on stdout")
        return self._lines.next()

    def stderr_text(self) -> str:
        """Its stderr so far; with its stdout if that is not read."""
        return os.pread(self._errors.fileno(), 1 << 24, 0).decode(errors="replace")

    def has_ended(self) -> bool:
        """Whether it has ended."""
        return self._process.poll() is not None

    def resident_mib(self) -> float:
        """The resident memory of it and its children, in MiB."""
        group = {self._process.pid}
        parents = _parents()
        while children := {pid for pid, parent in parents.items() if parent in group} - group:
            group |= children
        return sum(map(resident_kib, group)) / 1024

    def end(self) -> None:
        """Kill it and its children."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(TIMEOUT_SECONDS)


def _parents() -> dict[int, int]:
    """The parent of every process of the system."""
    command = ["/bin/ps", "-A", "-o", "pid=,ppid="]
    if Path("/proc/self/stat").exists():
        statuses = Path("/proc").glob("[0-9]*/stat")
        return dict(filter(None, map(_pid_and_parent, statuses)))
    lines = subprocess.check_output(command, text=True).splitlines()
    return {int(pid): int(parent) for pid, parent in map(str.split, lines)}


def _pid_and_parent(status: Path) -> tuple[int, int] | None:
    try:
        text = status.read_text(encoding="utf-8", errors="replace")
    except OSError:  # it has just ended
        return None
    return int(status.parent.name), int(text.rpartition(")")[2].split()[1])
