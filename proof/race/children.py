"""An entrant as a process: started in a group of its own, spoken to line by line, weighed, ended.

Nothing here knows what the lines mean. Every wait has a bound, and what it says on stderr goes to a
file, so that nobody waits for a reader.
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

from bench.processes import PATIENCE_SECONDS, BenchError, Lines, resident_kib

_KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE")


class Child:
    """A command as a process, ended with all that it started on the way out.

    `on_stdio`: its stdout is read line by line; else it goes where stderr goes, lest it fill up.
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
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        self.born = time.perf_counter()
        try:
            self._child = subprocess.Popen(
                command,
                cwd=folder,
                env=kept | {"HOME": str(folder)} | dict(environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if on_stdio else self._errors,
                stderr=self._errors,
                bufsize=0,
                start_new_session=True,
            )
        except OSError as error:
            self._errors.close()
            raise BenchError(f"it cannot be run: {error.strerror}") from None
        if self._child.stdin is None:
            raise BenchError("a process was started without a pipe")
        self._input = self._child.stdin
        self._lines = Lines(self._child.stdout) if self._child.stdout else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self.end()
        if isinstance(error, BenchError):
            error.add_note(self.said())
        for pipe in (self._input, self._child.stdout, self._errors):
            if pipe is not None:
                pipe.close()

    def tell(self, line: bytes) -> None:
        """Write a line.

        Raises:
            BenchError: it listens no more.
        """
        try:
            self._input.write(line)
        except OSError:
            raise BenchError("it has ended") from None

    def next(self) -> bytes:
        """Wait for its next line.

        Raises:
            BenchError: none came in time, or none will ever come.
        """
        if self._lines is None:
            raise BenchError("it does not speak on stdout")
        return self._lines.next()

    def said(self) -> str:
        """All that it has written to stderr so far; and to stdout, where nobody reads that."""
        return os.pread(self._errors.fileno(), 1 << 24, 0).decode(errors="replace")

    def has_ended(self) -> bool:
        """Whether it is gone."""
        return self._child.poll() is not None

    def resident_mib(self) -> float:
        """The resident memory of it and of all that it started, in MiB."""
        family = {self._child.pid}
        parents = _parents()
        while more := {pid for pid, parent in parents.items() if parent in family} - family:
            family |= more
        return sum(map(resident_kib, family)) / 1024

    def end(self) -> None:
        """End it and all that it started, at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait(PATIENCE_SECONDS)


def _parents() -> dict[int, int]:
    """Every process of the machine -> its parent."""
    asked = ["/bin/ps", "-A", "-o", "pid=,ppid="]
    if Path("/proc/self/stat").exists():
        statuses = Path("/proc").glob("[0-9]*/stat")
        return dict(filter(None, map(_kinship, statuses)))
    lines = subprocess.check_output(asked, text=True).splitlines()
    return {int(pid): int(parent) for pid, parent in map(str.split, lines)}


def _kinship(status: Path) -> tuple[int, int] | None:
    try:
        text = status.read_text(encoding="utf-8", errors="replace")
    except OSError:  # it has just ended
        return None
    return int(status.parent.name), int(text.rpartition(")")[2].split()[1])
