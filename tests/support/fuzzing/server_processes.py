"""`trax-mcp` as a process that serves many examples, so that damage adds up."""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from queue import Empty, Queue
from threading import Thread
from typing import IO, TYPE_CHECKING, Final, Generic, TypeVar

from anyio.from_thread import start_blocking_portal

from bench.harness.process import resident_kib
from tests import ROOT
from tests.support.product.local_servers import open_in_portal, upstream
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.server_process import PATIENCE_SECONDS, STOP_SECONDS, environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager

    from tests.support.product.sandbox import Sandbox

T = TypeVar("T")

MAX_GROWTH_MIB: Final = 64
"""How much the process may grow; leaking 4 MiB bodies exceeds it."""

_ALLOWED_STDERR: Final = (
    r"trax-mcp is listening on http://127\.0\.0\.1:\d+/mcp",
    r"WARNING mcp\.server\.runner: dropped 'notifications/[a-z_/]+': malformed params",
    r"WARNING uvicorn\.error: Invalid HTTP request received\.",
    # The operator of a server behind a host name needs to see the rejected name.
    r"WARNING mcp\.server\.transport_security: Invalid (Host|Origin) header: [ -~]*",
    r"WARNING mcp\.server\.transport_security: Missing Host header in request",
)
"""The only lines that a client may cause on stderr."""


class ServerProcess:
    """A running server and its output."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self._child = child
        self._stdout, self._stderr = Queue[bytes | None](), Queue[bytes | None]()
        pipes = ((child.stdout, self._stdout), (child.stderr, self._stderr))
        self._readers = [Thread(target=_fill, args=it, daemon=True) for it in pipes]
        for reader in self._readers:
            reader.start()

    def write(self, pieces: Iterable[bytes]) -> None:
        """Write the pieces to stdin, in order."""
        assert self._child.stdin is not None
        for piece in pieces:
            _write(self._child.stdin.fileno(), piece)

    def read_line(self) -> bytes:
        """Return the next line of stdout."""
        return _next(self._stdout)

    def unread_lines(self) -> list[bytes]:
        """The lines of stdout that were not read yet."""
        return _available(self._stdout)

    def address(self) -> tuple[str, int]:
        """The address that the server reports on stderr."""
        found = re.search(rb"http://([\d.]+):(\d+)", _next(self._stderr))
        assert found is not None
        return found[1].decode(), int(found[2])

    def check_running(self) -> None:
        """Check that the process runs and that stderr has only allowed lines."""
        assert self._child.poll() is None
        self._check_stderr()

    def resident_mib(self) -> float:
        """The current resident memory, in MiB."""
        return resident_kib(self._child.pid) / 1024

    def check_exit(self) -> None:
        """Check that the process exits with code 0 and without further stderr output."""
        assert self._child.stdin is not None
        self._child.stdin.close()
        if "http" in self._child.args:  # type: ignore[operator]  # a list, as made below
            self._child.terminate()
        assert self._child.wait(STOP_SECONDS) == 0
        self.kill()
        self._check_stderr()

    def kill(self) -> None:
        """Kill the process if it still runs."""
        self._child.kill()
        self._child.wait(PATIENCE_SECONDS)
        for reader in self._readers:
            reader.join(PATIENCE_SECONDS)

    def _check_stderr(self) -> None:
        lines = [line.decode() for line in _available(self._stderr)]
        allowed = [it for it in lines if any(re.fullmatch(each, it) for each in _ALLOWED_STDERR)]
        assert lines == allowed


@contextmanager
def running_server(trax: Sandbox, *arguments: str) -> Iterator[ServerProcess]:
    """Run `trax-mcp` with these arguments against this sandbox."""
    own_key = {} if "http" in arguments else {"TRAX_API_KEY": SANDBOX_KEY}
    settings = {**own_key, "TRAX_BASE_URL": trax.base_url}
    with subprocess.Popen(  # noqa: S603  our own command
        [sys.executable, "-m", "trax_mcp", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        env=environment(settings),
        cwd=ROOT,
    ) as child:
        server = ServerProcess(child)
        try:
            yield server
        finally:
            server.kill()


@contextmanager
def unlimited_sandbox() -> Iterator[Sandbox]:
    """A sandbox on a port, in a thread of its own, without rate limit."""
    with start_blocking_portal() as portal, open_in_portal(portal, upstream()) as trax:
        trax.rate_limit = None
        yield trax


class LongLived(ExitStack, Generic[T]):
    """One resource for all examples; a new one after each failed example, so that it can shrink."""

    def __init__(self, start: Callable[[], AbstractContextManager[T]]) -> None:
        super().__init__()
        self._start = start
        self._current: T | None = None

    @contextmanager
    def example(self) -> Iterator[T]:
        """Yield the resource that is shared between examples."""
        current = self._current or self.enter_context(self._start())
        self._current = None
        yield current
        self._current = current


def _fill(pipe: IO[bytes], lines: Queue[bytes | None]) -> None:
    rest = b""
    while chunk := pipe.read(1 << 16):
        *complete, rest = (rest + chunk).split(b"\n")
        for line in complete:
            lines.put(line)
    if rest:
        lines.put(rest)
    lines.put(None)


def _next(lines: Queue[bytes | None]) -> bytes:
    try:
        line = lines.get(timeout=PATIENCE_SECONDS)
    except Empty:
        line = None
    assert line is not None, "no line within the time limit, or the stream has ended"
    return line


def _available(lines: Queue[bytes | None]) -> list[bytes]:
    available = [lines.get() for _ in range(lines.qsize())]
    return [line for line in available if line is not None]


def _write(pipe: int, piece: bytes) -> None:
    os.set_blocking(pipe, False)
    while piece:
        assert select.select([], [pipe], [], PATIENCE_SECONDS)[1], (
            "the server does not read its stdin"
        )
        piece = piece[os.write(pipe, piece) :]
