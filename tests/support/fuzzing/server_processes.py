"""`trax-mcp` as a process that serves many examples, so that damage adds up."""

from __future__ import annotations

import re
import signal
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from anyio.from_thread import start_blocking_portal

from tests.support.product.local_servers import open_in_portal, upstream
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.server_process import running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager

    from anyio.from_thread import BlockingPortal

    from tests.support.product.sandbox import Sandbox
    from tests.support.server_process import Running

T = TypeVar("T")

MAX_GROWTH_MIB: Final = 64
"""How much the process may grow; leaking 4 MiB bodies exceeds it."""

_ALLOWED_STDERR: Final = (
    r"trax-mcp is listening on http://127\.0\.0\.1:\d+/mcp",
    r"WARNING mcp\.server\.runner: dropped 'notifications/[a-z_/]+': malformed params",
    r"WARNING uvicorn\.error: Invalid HTTP request received\.",
    # The operator of a server behind a host name needs to see the rejected name.
    r"WARNING trax_mcp\.server\.door: Refused a request for another host: [ -~]*",
    r"WARNING trax_mcp\.server\.door: Refused a request of another origin: [ -~]*",
)
"""The only lines that a client may cause on stderr."""


class ServerProcess:
    """A running server and its output, for tests that are no coroutines."""

    def __init__(self, portal: BlockingPortal, process: Running) -> None:
        self._portal, self._process = portal, process
        self._lines_read = self._lines_checked = 0

    def write(self, pieces: Iterable[bytes]) -> None:
        """Write the pieces to stdin, in order."""
        for piece in pieces:
            self._portal.call(self._process.write, piece)

    def read_line(self) -> str:
        """Return the next line of stdout."""
        line = self._portal.call(self._process.stdout.line, self._lines_read)
        self._lines_read += 1
        return line

    def unread_lines(self) -> list[str]:
        """The lines of stdout that were not read yet."""
        return self._process.stdout.all[self._lines_read :]

    def address(self) -> tuple[str, int]:
        """The address that the server reports on stderr."""
        host, _, port = self._portal.call(self._process.address).rpartition(":")
        return host.removeprefix("http://"), int(port)

    def check_running(self) -> None:
        """Check that the process runs and that stderr has only allowed lines."""
        assert self._process.process.returncode is None
        self._check_stderr()

    def resident_mib(self) -> float:
        """The current resident memory, in MiB."""
        status = Path(f"/proc/{self._process.process.pid}/status").read_text(encoding="utf-8")
        found = re.search(r"VmRSS:\s+(\d+)", status)
        return int(found[1]) / 1024 if found else 0.0

    def check_hang_up(self) -> None:
        """Check that it ends with code 0 when stdin does, and without further stderr output."""
        assert self._portal.call(self._process.hang_up) == 0
        self._check_stderr()

    def check_stop(self) -> None:
        """Check the same at a signal."""
        assert self._portal.call(self._process.stop, signal.SIGTERM) == 0
        self._check_stderr()

    def _check_stderr(self) -> None:
        lines = self._process.stderr.all[self._lines_checked :]
        self._lines_checked += len(lines)
        allowed = (re.fullmatch("|".join(_ALLOWED_STDERR), it.rstrip("\n")) for it in lines)
        assert [line for line, it in zip(lines, allowed, strict=True) if it is None] == []


@contextmanager
def running_server(trax: Sandbox, *arguments: str) -> Iterator[ServerProcess]:
    """Run `trax-mcp` with these arguments against this sandbox."""
    own_key = {} if "http" in arguments else {"TRAX_API_KEY": SANDBOX_KEY}
    settings = {**own_key, "TRAX_BASE_URL": trax.base_url}
    with (
        start_blocking_portal() as portal,
        open_in_portal(portal, running(*arguments, settings=settings)) as process,
    ):
        yield ServerProcess(portal, process)


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
