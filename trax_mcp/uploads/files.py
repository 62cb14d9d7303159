"""Opens media files below the folders that the operator allows.

A path is resolved, compared with the folders, and opened from the folder on, part by part, without
following a link: one may have come since. Paths outside are refused by their text alone, because
even looking at one can mount a disk. A hard link belongs to the folder that holds it.
"""

import os
import stat
from codecs import getincrementaldecoder
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from io import FileIO
from pathlib import Path
from typing import Final

from anyio import to_thread

CHUNK_BYTES: Final = 1 << 18
"""The most bytes in memory at a time."""

_MEDIA_KINDS: Final = frozenset({"video", "image", "audio"})
_HEAD_BYTES: Final = 8192
"""The bytes that `filetype` inspects."""

# Does not block if the file was replaced with a pipe or device after the check.
_FLAGS: Final = ("O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY", "O_BINARY")
# With `O_PATH`, a folder is entered whose names may not be listed.
_FOLDER_FLAGS: Final = ("O_PATH", "O_DIRECTORY", "O_NOFOLLOW")
_OPENS_IN_FOLDERS: Final = os.open in os.supports_dir_fd
"""Not on Windows, where few people may make links."""


class MediaFileError(Exception):
    """A file cannot be uploaded. `why` follows "The file"; `remedy` says what to do."""

    def __init__(self, why: str, remedy: str) -> None:
        super().__init__(why)
        self.why, self.remedy = why, remedy


@dataclass(frozen=True, slots=True)
class MediaFile:
    """An open video, image or audio file, as it was when it was opened.

    `size` is in bytes, and `modified` in nanoseconds of Unix.
    """

    name: str
    media_type: str
    size: int
    modified: int
    content: FileIO = field(repr=False)

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The content in chunks, from its start. The last one comes only if nothing has changed.

        Raises:
            MediaFileError: it has changed, or cannot be read.
        """
        self.content.seek(0)
        left = self.size
        while left:
            chunk = await to_thread.run_sync(partial(_read, self.content, min(left, CHUNK_BYTES)))
            left -= len(chunk)
            now = os.fstat(self.content.fileno())
            has_changed = (now.st_size, now.st_mtime_ns) != (self.size, self.modified)
            if not chunk or (not left and has_changed):
                raise MediaFileError("changed while it was sent", "Wait until it's complete.")
            yield chunk


@asynccontextmanager
async def open_media_file(path: str, folders: Sequence[Path]) -> AsyncIterator[MediaFile]:
    """Open a file below one of the folders, by its absolute path or relative to a folder.

    An absolute path must begin with a folder as configured, or with its real path. Links elsewhere
    that lead into a folder are not accepted.

    Raises:
        MediaFileError: it does not exist, is not below a folder, or is not video, image or audio.
    """
    name, content = await to_thread.run_sync(_find, path, folders)
    with content:
        head = await to_thread.run_sync(_read, content, _HEAD_BYTES)
        opened = os.fstat(content.fileno())
        yield MediaFile(name, _media_type(head), opened.st_size, opened.st_mtime_ns, content)


def _find(path: str, folders: Sequence[Path]) -> tuple[str, FileIO]:
    """The name of a file and the open file, from the first folder that has it."""
    found = [real for folder in folders if (real := _resolve(path, folder)) is not None]
    for real_folder, parts in found:
        try:
            # On disk a name may hold bytes that are not UTF-8.
            name = os.fsencode(real_folder.joinpath(*parts).name).decode(errors="replace")
            return name, _open(real_folder, parts)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            raise _unreadable() from None
    if found:
        raise MediaFileError("is not there", "Check its path.")
    allowed = ", ".join(map(str, folders)) or "none"
    raise MediaFileError("isn't in a folder that may be read", f"TRAX_MEDIA_DIRS allows {allowed}.")


def _resolve(path: str, folder: Path) -> tuple[Path, Sequence[str]] | None:
    """The folder and the parts of a path below it, without links and `..`.

    The answer does not depend on what exists outside the folder.
    """
    try:
        real_folder = Path(os.path.realpath(folder))
        # Without `..`, which could leave the folder while links are resolved.
        wanted = Path(os.path.normpath(folder / Path(path).expanduser()))
        if "\0" in path or not any(map(wanted.is_relative_to, (folder, real_folder))):
            return None
        real = Path(os.path.realpath(wanted))
        is_below = real.is_relative_to(real_folder)
        return (real_folder, real.relative_to(real_folder).parts) if is_below else None
    except (OSError, RuntimeError, ValueError):
        return None


def _open(folder: Path, parts: Sequence[str]) -> FileIO:
    """Open a regular file below a folder.

    Its folders are opened one in the other, so that none can be exchanged for a link meanwhile.
    """
    if not _OPENS_IN_FOLDERS:
        return _open_regular(str(folder.joinpath(*parts)), None)
    if not parts:
        raise _not_regular()
    *between, name = parts
    flags = _flags(_FOLDER_FLAGS)
    inner = os.open(folder, flags)
    try:
        for it in between:
            outer, inner = inner, os.open(it, flags, dir_fd=inner)
            os.close(outer)
        return _open_regular(name, inner)
    finally:
        os.close(inner)


def _open_regular(path: str, folder: int | None) -> FileIO:
    """Opening a device can have effects, so it is looked at first."""
    if stat.S_ISREG(os.stat(path, dir_fd=folder, follow_symlinks=False).st_mode):
        content = FileIO(os.open(path, os.O_RDONLY | _flags(_FLAGS), dir_fd=folder))
        if stat.S_ISREG(os.fstat(content.fileno()).st_mode):
            return content
        content.close()
    raise _not_regular()


def _flags(names: Sequence[str]) -> int:
    return sum(getattr(os, it, 0) for it in names)  # some systems lack some


def _not_regular() -> MediaFileError:
    return MediaFileError("isn't a regular file", "Name a file, not a folder, pipe or device.")


def _read(content: FileIO, size: int) -> bytes:
    try:
        return content.read(size)
    except OSError:
        raise _unreadable() from None


def _unreadable() -> MediaFileError:
    return MediaFileError("can't be read", "Check who may read it.")


def _media_type(head: bytes) -> str:
    # Imported on first use, so that the server starts faster.
    import filetype  # type: ignore[import-untyped]  # noqa: PLC0415  it has no types

    mime = None if _is_text(head) else filetype.guess_mime(head)
    if not mime or mime.partition("/")[0] not in _MEDIA_KINDS:
        remedy = "Name a video, picture or sound file."
        raise MediaFileError("doesn't contain video, image or audio", remedy)
    return str(mime)


def _is_text(head: bytes) -> bool:
    """Whether it is text. A text file can begin with the two or three letters of a signature."""
    try:
        getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return b"\0" not in head
