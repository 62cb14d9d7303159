"""A program in a terminal of its own: its screen as text, and the keys that are pressed."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import subprocess
import termios
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import pyte

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

COLUMNS: Final = 80
ROWS: Final = 24
PATIENCE_SECONDS: Final = 40.0
"""How long a text may take to come on the screen."""
_QUIET_SECONDS: Final = 0.6
"""A screen that has not changed for so long is drawn."""
_POLL_SECONDS: Final = 0.05
_READ_BYTES: Final = 65536
_NOT_FOR_PYTE: Final = re.compile(
    rb"\x1b\[[<=>][0-9;:]*[a-zA-Z]"  # keyboards, and versions of terminals
    rb"|\x1b\[\?[0-9;]*(?:u|\$p)"  # questions about them
    rb"|\x1b[P_^X][^\x1b]*\x1b\\"  # what a terminal is told beside its screen
    rb"|\x1b\[[0-9;]*[ST](?![\x20-\x7e]*\x1b\\)"  # scrolling, which pyte lacks
)
"""Sequences that pyte would print."""


class _Screen(pyte.Screen):
    """A screen that answers what a program asks of its terminal."""

    def __init__(self, rows: int, write: Callable[[bytes], object]) -> None:
        super().__init__(COLUMNS, rows)
        self._write = write

    def report_device_status(self, mode: int, **private: bool) -> None:
        """Say where the cursor is."""
        if not private:
            super().report_device_status(mode)

    def write_process_input(self, data: str) -> None:
        """Send an answer to the program."""
        self._write(data.encode())


class Terminal:
    """A terminal of 80 columns, and the program in it."""

    def __init__(
        self, command: Sequence[str], folder: Path, environment: Mapping[str, str], rows: int = ROWS
    ) -> None:
        """Start the program."""
        self._controller, terminal = pty.openpty()
        termios.tcsetwinsize(terminal, (rows, COLUMNS))
        self._screen = _Screen(rows, lambda data: os.write(self._controller, data))
        self._stream = pyte.ByteStream(self._screen)
        self._unread = b""
        self._process = subprocess.Popen(
            command,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            cwd=folder,
            env={**environment, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509  as a terminal
        )
        os.close(terminal)
        self._home = f"HOME={environment['HOME']}".encode()

    def __enter__(self) -> Self:
        """Use it."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the program, and all that it has started: some leave a daemon behind."""
        for process in self._started():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self._process.wait()
        os.close(self._controller)

    @property
    def has_ended(self) -> bool:
        """Whether the program has ended and all that it wrote is drawn."""
        return self._process.poll() is not None and not self._read(0)

    @property
    def text(self) -> str:
        """What stands on the screen."""
        rows = [row.rstrip() for row in self._screen.display]
        return "\n".join(rows).strip("\n") + "\n"

    def press(self, *keys: str) -> None:
        """Press keys, one after the other, or type a text."""
        for key in keys:
            os.write(self._controller, _KEYS.get(key, key).encode())
            self._read(_POLL_SECONDS)

    def wait_for(self, *texts: str, seconds: float = PATIENCE_SECONDS) -> str:
        """Wait until one of these is on the screen and the screen rests; which one."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._read(_POLL_SECONDS)
            shown = squeezed(self.text)
            if found := next((it for it in texts if squeezed(it) in shown), None):
                self.rest()
                return found
            assert not self.has_ended, self._ended(texts)
        raise AssertionError(f"None of {texts} came on the screen:\n{self.text}")

    def wait_until(self, is_so: Callable[[], Any], seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until it is so, and go on drawing."""
        deadline = time.monotonic() + seconds
        while not is_so():
            assert time.monotonic() < deadline, f"It did not come to be:\n{self.text}"
            self._read(_POLL_SECONDS)

    def rest(self, seconds: float = _QUIET_SECONDS, most: float = 5.0) -> None:
        """Wait until the rows have not changed for so long; a clock that runs may change them."""
        deadline = time.monotonic() + most
        last, since = self.text, time.monotonic()
        while time.monotonic() < min(since + seconds, deadline):
            self._read(_POLL_SECONDS)
            if self.text != last:
                last, since = self.text, time.monotonic()

    def pass_time(self, seconds: float) -> None:
        """Let time pass, as a person does who reads, and go on drawing."""
        self.rest(seconds, most=seconds)

    def _started(self) -> list[int]:
        """Each process whose home is the program's."""
        found = [self._process.pid]
        for file in Path("/proc").glob("[0-9]*/environ"):
            with suppress(OSError):
                if self._home in file.read_bytes().split(b"\0"):
                    found.append(int(file.parent.name))
        return found

    def _ended(self, texts: Sequence[str]) -> str:
        return f"It ended with {self._process.returncode}, without {texts}:\n{self.text}"

    def _read(self, seconds: float) -> bool:
        """Draw what the program writes within so long."""
        if not select.select([self._controller], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self._controller, _READ_BYTES)
        except OSError:  # on Linux, the end of a terminal is an error
            return False
        data = self._unread + data
        whole = len(data)
        if (escape := data.rfind(b"\x1b", -64)) >= 0 and not _COMPLETE.match(data, escape):
            whole = escape
        self._unread = data[whole:]
        self._stream.feed(_NOT_FOR_PYTE.sub(b"", _plain(data[:whole])))
        return True


def squeezed(text: str) -> str:
    """The letters of a screen or a sentence, without blanks and the lines of boxes."""
    return re.sub(r"[\s\u2500-\u259f|]+", "", text)


_KEYS: Final = {
    "Enter": "\r",
    "Esc": "\x1b",
    "Down": "\x1b[B",
    "Up": "\x1b[A",
    "Right": "\x1b[C",
    "Space": " ",
    "Ctrl-C": "\x03",
}
_COMPLETE: Final = re.compile(
    rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[P_^X][^\x1b]*\x1b\\|[^\[\]P_^X])"
)
_COLONS: Final = re.compile(rb"\x1b\[[0-9;:]*:[0-9;:]*m")


def _plain(data: bytes) -> bytes:
    """Without colours that are written with colons, which pyte takes for text."""
    return _COLONS.sub(b"", data)
