"""A stderr that never waits for its reader: a thread writes the lines, and a queue holds them."""

import io
import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from threading import RLock, Thread
from typing import Final, TextIO

_MAX_LINES: Final = 1000
_CLOSE_SECONDS: Final = 0.3
_END: Final = b""


@contextmanager
def queued_stderr() -> Iterator[None]:
    """Replace `sys.stderr` within a block. If nobody reads it, the replacement stays."""
    stream = sys.stderr
    try:
        queued = QueuedStderr(stream, stream.fileno())
    except (AttributeError, OSError):
        queued = None  # the process was started without stderr, or it is in memory
    if queued is None:
        yield
        return
    sys.stderr = queued
    try:
        yield
    finally:
        queued.close()
        if queued.is_written:
            sys.stderr = stream


class QueuedStderr(io.TextIOBase):
    """A text stream in place of stderr. While the queue is full, lines are dropped and counted.

    A later line says how many were dropped. No lock is held while the thread writes, so
    that the process can end although nobody reads.
    """

    def __init__(self, stream: TextIO, descriptor: int) -> None:
        super().__init__()
        self._stream = stream
        self._descriptor = descriptor
        # Not `Queue`: a finalizer that writes, in the middle of its `put`, would wait for itself.
        self._lines: SimpleQueue[bytes] = SimpleQueue()
        self._lock = RLock()
        self._incomplete = ""
        self._dropped = 0
        self._thread = Thread(target=self._write_lines, name="stderr", daemon=True)
        self._thread.start()

    def write(self, text: str) -> int:
        """Queue the complete lines, and keep the rest for the next call."""
        if self.is_written:
            return self._stream.write(text)
        with self._lock:
            *lines, self._incomplete = (self._incomplete + text).split("\n")
            for line in lines:
                self._add(line)
        return len(text)

    @property
    def is_written(self) -> bool:
        """Whether it is closed, and everything before that is written."""
        return not self._thread.is_alive()

    def flush(self) -> None:
        """Do nothing: the thread writes at once, and no caller may wait for it."""

    def close(self) -> None:
        """Write the queued lines, but wait only a fraction of a second for the reader."""
        if self.closed:
            return
        super().close()
        with self._lock:
            if self._incomplete:
                self._add(self._incomplete)
            self._report_dropped()
        self._lines.put(_END)
        self._thread.join(_CLOSE_SECONDS)

    def _add(self, line: str) -> None:
        if self._lines.qsize() >= _MAX_LINES:
            self._dropped += 1
            return
        self._report_dropped()
        self._put(line)

    def _report_dropped(self) -> None:
        if self._dropped:
            self._put(f"WARNING {__name__}: {self._dropped} lines dropped: stderr was not read.")
            self._dropped = 0

    def _put(self, line: str) -> None:
        self._lines.put(f"{line}\n".encode(self._stream.encoding, "backslashreplace"))

    def _write_lines(self) -> None:
        ended = False
        while not ended:
            # All at once: in a burst, this thread gets its turn too rarely for single lines.
            lines = [self._lines.get() for _ in range(max(1, self._lines.qsize()))]
            ended = _END in lines
            _write(self._descriptor, b"".join(lines))


def _write(descriptor: int, data: bytes) -> None:
    """Write all bytes, however long it takes. Without a reader they are lost."""
    with suppress(OSError):
        while data:
            try:
                data = data[os.write(descriptor, data) :]
            except BlockingIOError:  # the process at the other end made it non-blocking
                select.select([], [descriptor], [])
