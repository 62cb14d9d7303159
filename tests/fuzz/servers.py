"""`trax-mcp` as a process that outlives many examples, so that what they damage adds up.

It is spoken to in bytes, from a thread that may block; whatever it does is heard. It knows pipes,
and what a server may say on stderr, and nothing of what is asked.
"""

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

from bench.processes import resident_kib
from tests import ROOT
from tests.processes import PATIENCE_SECONDS, STOP_SECONDS, environment
from trax_mcp.sandbox import SANDBOX_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager

    from trax_mcp.sandbox import Sandbox

T = TypeVar("T")

GROWS_MIB: Final = 64
"""How much larger it may have become by all that it was told; a leak of 4 MiB bodies is more."""

_REMARKS: Final = (
    r"trax-mcp is listening on http://127\.0\.0\.1:\d+/mcp",
    r"WARNING mcp\.server\.runner: dropped 'notifications/[a-z_/]+': malformed params",
    r"WARNING uvicorn\.error: Invalid HTTP request received\.",
    # Whoever runs a server behind a name must be told which name it was called by.
    r"WARNING mcp\.server\.transport_security: Invalid (Host|Origin) header: [ -~]*",
    r"WARNING mcp\.server\.transport_security: Missing Host header in request",
)
"""All that may stand on stderr, whatever a client does."""


class Server:
    """A running server, and what came from it so far."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        self._child = child
        self._stdout, self._stderr = Queue[bytes | None](), Queue[bytes | None]()
        pipes = ((child.stdout, self._stdout), (child.stderr, self._stderr))
        self._readers = [Thread(target=_fill, args=it, daemon=True) for it in pipes]
        for reader in self._readers:
            reader.start()

    def write(self, pieces: Iterable[bytes]) -> None:
        """Write to its stdin, one piece after the other."""
        assert self._child.stdin is not None
        for piece in pieces:
            _write(self._child.stdin.fileno(), piece)

    def line(self) -> bytes:
        """The next line of its stdout."""
        return _next(self._stdout)

    def lines(self) -> list[bytes]:
        """The lines of its stdout that have come and were not asked for yet."""
        return _come(self._stdout)

    def address(self) -> tuple[str, int]:
        """Where it says that it listens."""
        found = re.search(rb"http://([\d.]+):(\d+)", _next(self._stderr))
        assert found is not None
        return found[1].decode(), int(found[2])

    def is_well(self) -> None:
        """It lives, and on stderr is nothing of what it was told, and no traceback."""
        assert self._child.poll() is None
        self._is_discreet()

    def resident_mib(self) -> float:
        """Its resident memory now, in MiB."""
        return resident_kib(self._child.pid) / 1024

    def ends_well(self) -> None:
        """It ends when its stdin does, or by a signal, with code 0 and without a word."""
        assert self._child.stdin is not None
        self._child.stdin.close()
        if "http" in self._child.args:  # type: ignore[operator]  # a list, as made below
            self._child.terminate()
        assert self._child.wait(STOP_SECONDS) == 0
        self.leave()
        self._is_discreet()

    def leave(self) -> None:
        """Make sure that it has ended."""
        self._child.kill()
        self._child.wait(PATIENCE_SECONDS)
        for reader in self._readers:
            reader.join(PATIENCE_SECONDS)

    def _is_discreet(self) -> None:
        remarks = [line.decode() for line in _come(self._stderr)]
        known = [it for it in remarks if any(re.fullmatch(known, it) for known in _REMARKS)]
        assert remarks == known


@contextmanager
def serving(trax: Sandbox, *arguments: str) -> Iterator[Server]:
    """Run `trax-mcp` with these arguments before this TRaX, as long as the block lasts."""
    settings = {"TRAX_API_KEY": SANDBOX_KEY, "TRAX_BASE_URL": trax.base_url}
    with subprocess.Popen(  # noqa: S603  our own command
        [sys.executable, "-m", "trax_mcp", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        env=environment(settings),
        cwd=ROOT,
    ) as child:
        server = Server(child)
        try:
            yield server
        finally:
            server.leave()


class LongLived(ExitStack, Generic[T]):
    """One thing for all examples, and a new one after each that failed, so that it can shrink."""

    def __init__(self, begin: Callable[[], AbstractContextManager[T]]) -> None:
        super().__init__()
        self._begin = begin
        self._lives: T | None = None

    @contextmanager
    def example(self) -> Iterator[T]:
        """What lives on from one example to the next."""
        lives = self._lives or self.enter_context(self._begin())
        self._lives = None
        yield lives
        self._lives = lives


def _fill(pipe: IO[bytes], lines: Queue[bytes | None]) -> None:
    rest = b""
    while chunk := pipe.read(1 << 16):
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            lines.put(line)
    if rest:
        lines.put(rest)
    lines.put(None)


def _next(lines: Queue[bytes | None]) -> bytes:
    try:
        line = lines.get(timeout=PATIENCE_SECONDS)
    except Empty:
        line = None
    assert line is not None, "nothing has come, or nothing will"
    return line


def _come(lines: Queue[bytes | None]) -> list[bytes]:
    come = [lines.get() for _ in range(lines.qsize())]
    return [line for line in come if line is not None]


def _write(pipe: int, piece: bytes) -> None:
    os.set_blocking(pipe, False)
    while piece:
        assert select.select([], [pipe], [], PATIENCE_SECONDS)[1], "it reads no more"
        piece = piece[os.write(pipe, piece) :]
