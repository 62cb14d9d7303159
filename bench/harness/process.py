"""Processes to measure: starts one, exchanges lines with it, reads its resources, ends it.

Every wait has a time limit.
"""

import contextlib
import os
import re
import resource
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Final, Self, TypeVar

T = TypeVar("T")

ROOT: Final = Path(__file__).parents[2]
TIMEOUT_SECONDS: Final = 30.0
_PAUSE_SECONDS: Final = 0.01
_CHUNK_BYTES: Final = 1 << 16
_ADDRESS: Final = re.compile(r"(http://127\.0\.0\.1:\d+\S*)\n")
_INHERITED: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE")


class HarnessError(RuntimeError):
    """A process did not do as expected; the message says why."""


class Process:
    """A command as a process in its own group; a context manager that kills the group.

    It gets `settings` and few other variables. Its stderr goes to a file, so that it never blocks,
    or to the file descriptor `stderr`. So does its stdout, unless it is read by line.
    """

    def __init__(
        self,
        *command: str,
        settings: Mapping[str, str] | None = None,
        folder: Path = ROOT,
        reads_stdout: bool = True,
        stderr: int | None = None,
        pass_fds: Sequence[int] = (),
    ) -> None:
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  closed by __exit__
        errors = self._errors if stderr is None else stderr
        self.started_at = time.perf_counter()
        try:
            self._child = subprocess.Popen(
                command,
                cwd=folder,
                env=inherited | dict(settings or {}),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if reads_stdout else errors,
                stderr=errors,
                bufsize=0,
                start_new_session=True,
                pass_fds=pass_fds,
            )
        except OSError as error:
            self._errors.close()
            raise HarnessError(f"{command[0]} cannot be run: {error.strerror}") from None
        self._name = " ".join(command[-2:])
        self._pending = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait(TIMEOUT_SECONDS)
        if isinstance(error, Exception):
            error.add_note(self.stderr_text())
        for pipe in (self._child.stdin, self._child.stdout, self._errors):
            if pipe is not None:
                pipe.close()

    def ask(self, line: bytes) -> bytes:
        """Write a line, which ends with a newline, and read the next line."""
        self.send(line)
        return self.next_line()

    def send(self, line: bytes) -> None:
        """Write a line.

        Raises:
            HarnessError: the process has ended.
        """
        try:
            _pipe(self._child.stdin).write(line)
        except OSError:
            raise HarnessError(f"{self._name} has ended") from None

    def next_line(self) -> bytes:
        """Wait for the next line.

        Raises:
            HarnessError: none arrived in time, or the process has ended.
        """
        stdout = _pipe(self._child.stdout).fileno()
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while b"\n" not in self._pending:
            if not select.select([stdout], [], [], max(0, deadline - time.monotonic()))[0]:
                raise HarnessError(f"no line from {self._name} within {TIMEOUT_SECONDS:g} s")
            chunk = os.read(stdout, _CHUNK_BYTES)
            if not chunk:
                raise HarnessError(f"{self._name} has ended, after {self._pending!r}")
            self._pending += chunk
        line, _, self._pending = self._pending.partition(b"\n")
        return line

    def address(self) -> str:
        """Wait for the address that it prints on stderr."""
        match = self._wait_for("printed no address", lambda: _ADDRESS.search(self.stderr_text()))
        return match[1]

    def wait_for_port(self, port: int) -> None:
        """Wait until it listens on a port of loopback."""

        def is_open() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        self._wait_for("never listened on its port", is_open)

    def stderr_text(self) -> str:
        """Its stderr so far; with its stdout if that is not read."""
        return os.pread(self._errors.fileno(), 1 << 24, 0).decode(errors="replace")

    def resident_mib(self) -> float:
        """The resident memory of its process group, in MiB."""
        return sum(map(resident_kib, _group_members(self._child.pid))) / 1024

    def cpu_seconds(self) -> float:
        """Its CPU time so far, in seconds."""
        if sys.platform == "linux":  # the clock that clock_getcpuclockid(3) gives
            return time.clock_gettime(~self._child.pid << 3 | 2)
        command = ["/bin/ps", "-o", "time=", "-p", str(self._child.pid)]
        parts = subprocess.check_output(command).split(b":")
        return sum(float(part) * 60**power for power, part in enumerate(reversed(parts)))

    def signal(self, number: int) -> None:
        """Send a signal."""
        self._child.send_signal(number)

    def wait_for_file(self, file: Path) -> None:
        """Wait until a file is there that it writes."""
        self._wait_for(f"never wrote {file.name}", file.exists)

    def stop(self, number: int | None = None) -> int:
        """Send a signal, or close its stdin; returns its exit code.

        Raises:
            HarnessError: it does not end.
        """
        if number is None:
            _pipe(self._child.stdin).close()
        else:
            self._child.send_signal(number)
        try:
            return self._child.wait(TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            raise HarnessError(f"{self._name} does not end") from None

    def _wait_for(self, failure: str, attempt: Callable[[], T | None]) -> T:
        """Repeat an attempt until it succeeds.

        Raises:
            HarnessError: it did not in time, or the process has ended.
        """
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while time.monotonic() < deadline and self._child.poll() is None:
            if result := attempt():
                return result
            time.sleep(_PAUSE_SECONDS)
        raise HarnessError(f"{self._name} {failure}")


def python_module(*module: str, **options: object) -> Process:
    """A Python module as a process in the repository's root."""
    return Process(sys.executable, "-m", *module, **options)  # type: ignore[arg-type]  # of Process


def allow_open_files(number: int) -> None:
    """Raise the limit of open files of this process and its future children.

    Raises:
        HarnessError: the system does not allow it.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= number:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (number, hard))
    except ValueError:
        raise HarnessError(f"{number} files must be open, and no more than {hard} may") from None


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


def _group_members(group: int) -> list[int]:
    """The processes of a process group."""
    if sys.platform == "linux":
        pids = [int(it.name) for it in Path("/proc").glob("[0-9]*")]
    else:
        pids = list(map(int, subprocess.check_output(["/bin/ps", "-A", "-o", "pid="]).split()))
    members = []
    for pid in pids:
        with contextlib.suppress(OSError):  # it has just ended
            members += [pid] if os.getpgid(pid) == group else []
    return members


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise HarnessError("it was started without this pipe")
    return pipe
