"""A file that the operator allowed, opened: what is checked is what was opened, not its path.

From an allowed folder each step is opened inside the one before and no link is followed, so that
nothing leads out and a swap between a check and its use changes nothing. A path that by its letters
lies outside is refused unseen: to look at it alone may wake a disk or send a password to a server.
A hard link is a file of the folder that holds it. The room knows nothing of TRaX, nor where the
bytes go.
"""

import os
import stat
import sys
from codecs import getincrementaldecoder
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Final

from anyio import to_thread

PIECE_BYTES: Final = 1 << 18
"""How much is read at once: so little is in memory, whatever the size of the file."""

_KINDS: Final = frozenset({"video", "image", "audio"})
_HEAD_BYTES: Final = 8192
"""As much as the library looks at."""


class UnfitFileError(Exception):
    """Why a file cannot be uploaded: a clause that follows "The file", and what to do about it."""

    def __init__(self, why: str, remedy: str) -> None:
        super().__init__(why)
        self.why, self.remedy = why, remedy


@dataclass(frozen=True, slots=True)
class MediaFile:
    """An open video, image or audio file, and how it was when it was opened."""

    name: str
    media_type: str
    descriptor: int = field(repr=False)
    seen: os.stat_result = field(repr=False)

    @property
    def size(self) -> int:
        """In bytes."""
        return self.seen.st_size

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """All of it, in pieces. The last is held back unless the file is still as it was.

        Raises:
            UnfitFileError: it has changed since it was opened, or can be read no further.
        """
        left = self.size
        while left:
            piece = await to_thread.run_sync(_read, self.descriptor, min(left, PIECE_BYTES))
            left -= len(piece)
            if not piece or (not left and self._is_changed()):
                raise UnfitFileError("changed while it was sent", "Wait until it is complete.")
            yield piece

    def _is_changed(self) -> bool:
        now = os.fstat(self.descriptor)
        return (now.st_size, now.st_mtime_ns) != (self.seen.st_size, self.seen.st_mtime_ns)


@asynccontextmanager
async def opened(path: str, folders: Sequence[Path]) -> AsyncIterator[MediaFile]:
    """Open a file below one of the folders, by its whole path or by its path from there.

    A whole path must begin with a folder as it is set, or with where that really is; a link that
    stands elsewhere is no way in.

    Raises:
        UnfitFileError: it is not there or not below them, or no video, image or audio file.
    """
    file = await to_thread.run_sync(_open, path, folders)
    try:
        yield file
    finally:
        os.close(file.descriptor)


def _open(path: str, folders: Sequence[Path]) -> MediaFile:
    name, descriptor = _find(path, folders)
    with ExitStack() as unless_fit:
        unless_fit.callback(os.close, descriptor)
        file = _judge(name, descriptor)
        unless_fit.pop_all()
    return file


def _judge(name: str, descriptor: int) -> MediaFile:
    """What was opened, if it may be uploaded."""
    seen = os.fstat(descriptor)
    if not stat.S_ISREG(seen.st_mode):
        raise _not_regular()
    media_type = _media_type(_read(descriptor, _HEAD_BYTES))
    if media_type is None:
        remedy = "Name one whose content is a video, a picture or sound."
        raise UnfitFileError("is not video, image or audio by its content", remedy)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return MediaFile(name, media_type, descriptor, seen)


def _read(descriptor: int, size: int) -> bytes:
    try:
        return os.read(descriptor, size)
    except OSError:
        raise _unreadable() from None


def _media_type(head: bytes) -> str | None:
    # Not at the start of the server, which needs it for nothing else.
    import filetype  # type: ignore[import-untyped]  # noqa: PLC0415  it has no types

    found = None if _is_text(head) else filetype.guess_mime(head)
    return str(found) if found and found.partition("/")[0] in _KINDS else None


def _is_text(head: bytes) -> bool:
    """Some signatures are two or three letters long, and notes or keys may begin with them."""
    try:
        getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return b"\0" not in head


def _find(path: str, folders: Sequence[Path]) -> tuple[str, int]:
    """The name of a file and its open descriptor, from the first folder that has it."""
    inside = False
    for folder in folders:
        if (steps := _steps(path, folder)) is None:
            continue
        inside = True
        try:
            return _readable_name(steps[-1]), _descend(folder, steps)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            raise _unreadable() from None
    if inside:
        raise UnfitFileError("is not there", "Check its path.")
    told = ", ".join(str(folder) for folder in folders) or "none"
    raise UnfitFileError("is in no folder that may be read", f"TRAX_MEDIA_DIRS allows {told}.")


def _steps(path: str, folder: Path) -> Sequence[str] | None:
    """The way down from a folder, without links or `..`; None if the path leads elsewhere.

    Nothing is opened here, and nothing said of what is there: what lies outside stays unknown.
    """
    try:
        wanted = folder / Path(path).expanduser()
        if not (is_below(wanted, folder) or is_below(wanted, os.path.realpath(folder))):
            return None
        # Without `..`, so that the way there does not begin with a way out.
        found = Path(os.path.realpath(os.path.normpath(wanted)))
        return found.relative_to(os.path.realpath(folder)).parts or (".",)
    except (OSError, RuntimeError, ValueError):
        return None


def is_below(path: PurePath, folder: str | PurePath) -> bool:
    r"""Whether a path is a folder or lies below it, by its letters alone: nothing is looked at.

    On Windows, `\\server\share` and `\\?\...` lie below nothing that is not called so.
    """
    if "\0" in str(path):  # some versions of normpath end there
        return False
    return type(path)(os.path.normpath(path)).is_relative_to(os.path.normpath(folder))


def _readable_name(name: str) -> str:
    """Names on disk are bytes, and not all of them are text."""
    return os.fsencode(name).decode(errors="replace")


def _not_regular() -> UnfitFileError:
    return UnfitFileError("is no regular file", "Name one that is, no folder, pipe or device.")


def _unreadable() -> UnfitFileError:
    return UnfitFileError("cannot be read", "Check who may read it.")


if sys.platform == "win32":
    import ctypes
    import msvcrt
    from ctypes import wintypes

    _LONGEST_PATH: Final = 1 << 15

    def _descend(folder: Path, steps: Sequence[str]) -> int:
        """Open a file, and see where what was opened lies: steps cannot be taken one by one.

        Raises:
            OSError: it is not there, not to be read, or not certainly below the folder.
        """
        descriptor = os.open(folder.joinpath(*steps), os.O_RDONLY | os.O_BINARY | os.O_NOINHERIT)
        if Path(os.path.realpath(folder)) in _location(descriptor).parents:
            return descriptor
        os.close(descriptor)
        raise PermissionError

    def _location(descriptor: int) -> Path:
        """The final path of what is open, from the handle itself; an empty one if in doubt."""
        ask = ctypes.WinDLL("kernel32").GetFinalPathNameByHandleW
        ask.argtypes = [wintypes.HANDLE, wintypes.LPWSTR, wintypes.DWORD, wintypes.DWORD]
        ask.restype = wintypes.DWORD
        told = ctypes.create_unicode_buffer(_LONGEST_PATH)
        length = ask(msvcrt.get_osfhandle(descriptor), told, _LONGEST_PATH, 0)
        known = 0 < length < _LONGEST_PATH
        return Path(told.value.removeprefix("\\\\?\\")) if known else Path()

else:
    _STEP: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    _LAST: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    """A pipe or a device that got there since it was looked at must not hold us up."""

    def _descend(folder: Path, steps: Sequence[str]) -> int:
        """Open a file step by step, each inside the one before, and follow no link.

        Raises:
            OSError: it is not there, not to be read, or a link.
            UnfitFileError: it is not a file; it is not opened then, since that alone may do things.
        """
        *between, last = steps
        here = os.open(folder, _STEP)
        try:
            for step in between:
                inner = os.open(step, _STEP | os.O_NOFOLLOW, dir_fd=here)
                os.close(here)
                here = inner
            if not stat.S_ISREG(os.stat(last, dir_fd=here, follow_symlinks=False).st_mode):
                raise _not_regular()
            return os.open(last, _LAST | os.O_NOFOLLOW, dir_fd=here)
        finally:
            os.close(here)
