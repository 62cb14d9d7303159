"""A file is replaced whole or not at all, and what it held is kept beside it.

Knows files, modes and links, and nothing of what the files are for.
"""

import itertools
import os
import stat
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

PRIVATE: Final = 0o600
_PRIVATE_FOLDER: Final = 0o700
_WRITABLE: Final = 0o222
_READABLE_BY_OTHERS: Final = 0o044


class InstallError(Exception):
    """Why a file will not be read or written: a clause that names it."""


class Halfway(Exception):
    """What was written and could not be put back as it was: a clause that names the file."""


class Backup(NamedTuple):
    """Where it is kept what a file held, and whether that was written just now."""

    path: Path
    new: bool

    def discard(self) -> None:
        """Remove what was written just now, since nothing is replaced after all."""
        if self.new:
            self.path.unlink(missing_ok=True)


def followed(path: Path) -> Path:
    """The file itself, where the path is a link: a link must stay one."""
    return Path(os.path.realpath(path))


def read(path: Path) -> bytes | None:
    """What a file holds; None if there is none.

    Raises:
        InstallError: it cannot be read, or is no file.
    """
    try:
        _check_kind(path, path.stat().st_mode)
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InstallError(f"{path} cannot be read ({error.strerror})") from None


def check_writable(path: Path) -> None:
    """Make sure that a file may be replaced, or made. Even for those who could anyway: root.

    Raises:
        InstallError: it is no file; or it, or the folder in which it would be made, is read-only.
    """
    try:
        folder = next(it for it in path.parents if it.exists())
        if not folder.is_dir():
            raise InstallError(f"{folder} is not a folder")
        for it in (folder, path) if path.exists() else (folder,):
            if not (it.stat().st_mode & _WRITABLE and os.access(it, os.W_OK)):
                raise InstallError(f"{it} is read-only")
        if path.exists():
            _check_kind(path, path.stat().st_mode)
    except OSError as error:
        raise InstallError(f"{path} cannot be reached ({error.strerror})") from None


def _check_kind(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "something else"
        raise InstallError(f"{path} is {kind}, not a file")


def make_private(path: Path) -> None:
    """Let nobody else read a file, or look into its folder, as far as we may decide that."""
    for it, mode in ((path.parent, _PRIVATE_FOLDER), (path, PRIVATE)):
        if os.name == "posix" and stat.S_IMODE(it.stat().st_mode) & ~mode:
            with suppress(PermissionError):
                it.chmod(mode)


def is_open_to_others(path: Path) -> bool:
    """Whether somebody besides its owner may read a file; False also where that cannot be seen."""
    with suppress(OSError):
        return os.name == "posix" and bool(path.stat().st_mode & _READABLE_BY_OTHERS)
    return False


def back_up(path: Path, content: bytes) -> Backup:
    """Keep what a file held, beside it, for its owner. An earlier backup is never overwritten.

    Raises:
        OSError: it cannot be written; then nothing of it stays.
    """
    names = (f"{path.name}.bak" + (f".{it}" if it else "") for it in itertools.count())
    for backup in map(path.with_name, names):
        try:
            number = os.open(backup, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE)
        except FileExistsError:
            if backup.is_file() and backup.read_bytes() == content:
                return Backup(backup, new=False)
            continue
        break
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content)
        # There may be a key in it, and it outlives what it is a copy of.
        backup.chmod(stat.S_IMODE(path.stat().st_mode) & PRIVATE)
    except BaseException:
        backup.unlink(missing_ok=True)
        raise
    return Backup(backup, new=True)


class Replacement:
    """New content that waits beside a file, in the same folder, to take its place.

    Until `commit` nothing that was there is touched, and without it nothing stays of what was made,
    not even folders. It gets the mode that is given, else that of what it replaces; what is new is
    private.
    """

    def __init__(self, path: Path, content: bytes, *, mode: int | None = None) -> None:
        self._path = path
        self._content = content
        self._mode = mode
        self._waiting: Path | None = None
        self._before: bytes | None = None
        self._taken_back = False
        self.made: list[Path] = []
        """The folders that did not exist before, the outermost first."""

    def __enter__(self) -> Self:
        try:
            self._make_folders()
            self._write()
        except OSError as error:
            self._undo()
            raise InstallError(f"{self._path} cannot be written ({error.strerror})") from None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._waiting is not None or self._taken_back:
            self._undo()

    def commit(self) -> None:
        """Let the new content take its place.

        Raises:
            InstallError: it could not; then everything is as it was.
        """
        if self._waiting is None:
            return
        self._before = read(self._path)
        try:
            self._waiting.replace(self._path)
        except OSError as error:
            raise InstallError(f"{self._path} cannot be replaced ({error.strerror})") from None
        self._waiting = None

    @property
    def is_in_place(self) -> bool:
        """Whether it was committed, even if that was interrupted before anybody could note it."""
        if self._waiting is None:
            return True
        return not self._waiting.exists() and read(self._path) == self._content

    def take_back(self) -> None:
        """Put back what was replaced, if this was committed.

        Raises:
            Halfway: it cannot be put back, or somebody has written there since.
        """
        if not self.is_in_place:
            return
        try:
            self._put_back()
        except (InstallError, OSError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise Halfway(f"{self._path} was changed and could not be put back ({why})") from None

    def _put_back(self) -> None:
        if read(self._path) != self._content:
            raise InstallError("another program has written to it")
        if self._before is not None:
            with Replacement(self._path, self._before) as old:
                old.commit()
            return
        self._path.unlink()
        self._taken_back = True

    def _make_folders(self) -> None:
        missing = [it for it in self._path.parents if not it.exists()]
        for folder in reversed(missing):
            folder.mkdir(_PRIVATE_FOLDER)
            self.made.append(folder)

    def _write(self) -> None:
        number, name = tempfile.mkstemp(
            dir=self._path.parent, prefix=f".{self._path.name}.", suffix=".new"
        )
        self._waiting = Path(name)
        with os.fdopen(number, "wb") as file:
            file.write(self._content)
            file.flush()
            os.fsync(number)
        if self._path.exists():
            _take_after(self._waiting, self._path.stat(), mode=self._mode)

    def _undo(self) -> None:
        if self._waiting is not None:
            self._waiting.unlink(missing_ok=True)
        for folder in reversed(self.made):
            with suppress(OSError):
                folder.rmdir()


def commit_all(replacements: Sequence[Replacement]) -> None:
    """Let all take their places, in order, or none. An interrupt that comes too late is none.

    Raises:
        InstallError: one could not; then everything is as it was.
        Halfway: the same, but one that had could not be taken back.
        KeyboardInterrupt: everything is as it was.
    """
    try:
        for it in replacements:
            it.commit()
    except (InstallError, KeyboardInterrupt) as error:
        if isinstance(error, KeyboardInterrupt) and all(it.is_in_place for it in replacements):
            return
        for it in replacements:
            it.take_back()
        raise


def _take_after(path: Path, old: os.stat_result, *, mode: int | None) -> None:
    path.chmod(stat.S_IMODE(old.st_mode) if mode is None else mode)
    if hasattr(os, "chown"):
        with suppress(PermissionError):  # a group may write what only its owner may give away
            os.chown(path, old.st_uid, old.st_gid)
