"""Opens an address in the graphical browser of the person at this machine."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Final, TypeVar

import anyio
from anyio.abc import TaskGroup

PageT = TypeVar("PageT")

_SCREENS: Final = ("DISPLAY", "WAYLAND_DISPLAY")
_REMOTE: Final = ("SSH_CONNECTION", "SSH_TTY")
_REDIRECT: Final = """\
<!doctype html>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url={address}">
<title>TRaX</title>
"""


def has_browser() -> bool:
    """Whether a person at this machine probably sees what a browser shows.

    Containers and machines without a screen have no display.
    """
    if any(os.environ.get(it) for it in _REMOTE):
        return False
    if sys.platform in {"darwin", "win32"}:
        return True
    return any(os.environ.get(it) for it in _SCREENS)


@asynccontextmanager
async def open_if_seen(make: Callable[[TaskGroup], PageT]) -> AsyncIterator[PageT | None]:
    """A page, which is given tasks for its server. None if no person seems to see a browser."""
    if not has_browser():
        yield None
        return
    async with anyio.create_task_group() as tasks:
        yield make(tasks)
        tasks.cancel_scope.cancel()


class PrivateBrowser:
    """Opens one address after another so that, where possible, no process list shows them."""

    def __init__(self) -> None:
        self._file: _RedirectFile | None = None

    async def open(self, address: str, was_opened: Callable[[], Awaitable[bool]]) -> None:
        """Open an address through a private file, and itself where `was_opened` then says no.

        Not every browser may read that file.

        Raises:
            OSError: there is no room for the file, or no child process can be started.
        """
        self._file = _RedirectFile(address)
        try:
            open_browser(self._file.address)
            if await was_opened():
                return
        finally:
            self.close()
        open_browser(address)

    def close(self) -> None:
        """Delete the file, if it is still there."""
        if self._file is not None:
            self._file.delete()


class _RedirectFile:
    """A private file that leads a browser to an address, so that no process list shows it."""

    def __init__(self, address: str) -> None:
        self._folder = Path(mkdtemp(prefix="trax-mcp-"))  # 0700
        self._path = self._folder / "ask.html"
        file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "w", encoding="utf-8") as opened:
            opened.write(_REDIRECT.format(address=address))

    @property
    def address(self) -> str:
        """Its own address."""
        return self._path.as_uri()

    def delete(self) -> None:
        """Delete it, if it is still there."""
        self._path.unlink(missing_ok=True)
        if self._folder.exists():
            self._folder.rmdir()


def open_browser(address: str) -> None:
    """Open an address with a child process, which has no standard streams of ours.

    It is isolated (`-I`): the present folder may hold a module of the same name. The browser does
    not get our settings, such as the key.
    """
    environment = {name: it for name, it in os.environ.items() if not name.startswith("TRAX_")}
    subprocess.Popen(  # noqa: S603  the address is ours
        [sys.executable, "-I", "-m", "webbrowser", "-t", address],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
