"""Opens media files below the folders that the operator allows.

Checks apply to the open file, not to its path. Each directory is opened relative to its parent
without following links, so that replacing a directory between a check and its use changes nothing.
Paths outside are refused without touching the file system, because even looking at one can mount a
disk. A hard link belongs to the folder that holds it.
"""

import os
import stat
from codecs import getincrementaldecoder
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from anyio import to_thread

MEDIA_FILES_SUPPORTED: Final = os.open in os.supports_dir_fd
"""Whether files can be opened relative to a folder: everywhere but on Windows."""

CHUNK_BYTES: Final = 1 << 18
"""The most bytes in memory at a time."""

_MEDIA_KINDS: Final = frozenset({"video", "image", "audio"})
_HEAD_BYTES: Final = 8192
"""The bytes that `filetype` inspects."""


class MediaFileError(Exception):
    """A file cannot be uploaded. `why` follows "The file"; `remedy` says what to do."""

    def __init__(self, why: str, remedy: str) -> None:
        super().__init__(why)
        self.why, self.remedy = why, remedy


@dataclass(frozen=True, slots=True)
class MediaFile:
    """An open video, image or audio file, and its status when it was opened."""

    name: str
    media_type: str
    descriptor: int = field(repr=False)
    status: os.stat_result = field(repr=False)

    @property
    def size(self) -> int:
        """In bytes."""
        return self.status.st_size

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The content in chunks. The last chunk is only yielded if the file has not changed.

        Raises:
            MediaFileError: the file has changed since it was opened, or cannot be read.
        """
        left = self.size
        while left:
            chunk = await to_thread.run_sync(_read, self.descriptor, min(left, CHUNK_BYTES))
            left -= len(chunk)
            if not chunk or (not left and self._is_changed()):
                raise MediaFileError("changed while it was sent", "Wait until it is complete.")
            yield chunk

    def _is_changed(self) -> bool:
        now = os.fstat(self.descriptor)
        return (now.st_size, now.st_mtime_ns) != (self.status.st_size, self.status.st_mtime_ns)


@asynccontextmanager
async def open_media_file(path: str, folders: Sequence[Path]) -> AsyncIterator[MediaFile]:
    """Open a file below one of the folders, by its absolute path or relative to a folder.

    An absolute path must begin with a folder as configured, or with its real path. Links elsewhere
    that lead into a folder are not accepted.

    Raises:
        MediaFileError: it does not exist, is not below a folder, or is not video, image or audio.
    """
    file = await to_thread.run_sync(_open, path, folders)
    try:
        yield file
    finally:
        os.close(file.descriptor)


def _open(path: str, folders: Sequence[Path]) -> MediaFile:
    name, descriptor = _find(path, folders)
    try:
        return _check(name, descriptor)
    except BaseException:
        os.close(descriptor)
        raise


def _check(name: str, descriptor: int) -> MediaFile:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise _not_regular()
    media_type = _media_type(_read(descriptor, _HEAD_BYTES))
    os.lseek(descriptor, 0, os.SEEK_SET)
    return MediaFile(name, media_type, descriptor, status)


def _read(descriptor: int, size: int) -> bytes:
    try:
        return os.read(descriptor, size)
    except OSError:
        raise _unreadable() from None


def _media_type(head: bytes) -> str:
    # Imported on first use, so that the server starts faster.
    import filetype  # type: ignore[import-untyped]  # noqa: PLC0415  it has no types

    mime = None if _is_text(head) else filetype.guess_mime(head)
    if not mime or mime.partition("/")[0] not in _MEDIA_KINDS:
        remedy = "Name one whose content is a video, a picture or sound."
        raise MediaFileError("is not video, image or audio by its content", remedy)
    return str(mime)


def _is_text(head: bytes) -> bool:
    """Whether it is text. A text file can begin with the two or three letters of a signature."""
    try:
        getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return b"\0" not in head


def _find(path: str, folders: Sequence[Path]) -> tuple[str, int]:
    """The name and open descriptor of a file, from the first folder that has it."""
    is_inside = False
    for folder in folders:
        if (parts := _relative_parts(path, folder)) is None:
            continue
        is_inside = True
        try:
            return _readable_name(parts[-1]), _open_below(folder, parts)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            raise _unreadable() from None
    if is_inside:
        raise MediaFileError("is not there", "Check its path.")
    allowed = ", ".join(str(folder) for folder in folders) or "none"
    raise MediaFileError("is in no folder that may be read", f"TRAX_MEDIA_DIRS allows {allowed}.")


def _relative_parts(path: str, folder: Path) -> Sequence[str] | None:
    """The parts of a path below a folder, without links and `..`. None if it is not below.

    The answer does not depend on what exists outside the folder.
    """
    try:
        wanted = folder / Path(path).expanduser()
        if not (_is_below(wanted, folder) or _is_below(wanted, os.path.realpath(folder))):
            return None
        # Without `..`, which could leave the folder while links are resolved.
        real = Path(os.path.realpath(os.path.normpath(wanted)))
        return real.relative_to(os.path.realpath(folder)).parts or (".",)
    except (OSError, RuntimeError, ValueError):
        return None


def _is_below(path: Path, folder: str | Path) -> bool:
    """Whether a path is the folder or below it, by its text alone."""
    if "\0" in str(path):  # some versions of normpath stop there
        return False
    return Path(os.path.normpath(path)).is_relative_to(os.path.normpath(folder))


def _readable_name(name: str) -> str:
    """A file name as text. On disk it may hold bytes that are not UTF-8."""
    return os.fsencode(name).decode(errors="replace")


def _not_regular() -> MediaFileError:
    return MediaFileError("is no regular file", "Name one that is, no folder, pipe or device.")


def _unreadable() -> MediaFileError:
    return MediaFileError("cannot be read", "Check who may read it.")


def _open_below(folder: Path, parts: Sequence[str]) -> int:
    """Open each part relative to its parent, without following links.

    Raises:
        OSError: it does not exist, cannot be read, or is a link.
        MediaFileError: it is not a regular file. Opening a device can have effects.
    """
    open_folder = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    # Does not block if the file was replaced with a pipe or device after the check.
    open_file = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    *parents, name = parts
    here = os.open(folder, open_folder)
    try:
        for parent in parents:
            inner = os.open(parent, open_folder | os.O_NOFOLLOW, dir_fd=here)
            os.close(here)
            here = inner
        if not stat.S_ISREG(os.stat(name, dir_fd=here, follow_symlinks=False).st_mode):
            raise _not_regular()
        return os.open(name, open_file | os.O_NOFOLLOW, dir_fd=here)
    finally:
        os.close(here)
