"""Replaces files completely or not at all, and keeps a backup of their content."""

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


class InstallError(Exception):
    """A file cannot be read or written. The message is a clause that names it."""


class Halfway(Exception):
    """A file was changed and could not be restored. The message is a clause that names it."""


class Backup(NamedTuple):
    """The backup of a file, and whether it is new."""

    path: Path
    new: bool

    def discard(self) -> None:
        """Remove the backup if it is new."""
        if self.new:
            self.path.unlink(missing_ok=True)


def resolve_link(path: Path) -> Path:
    """The file that a symbolic link points to, so that the link stays."""
    return Path(os.path.realpath(path))


def read(path: Path) -> bytes | None:
    """The content of a file; None if it does not exist.

    Raises:
        InstallError: it cannot be read or is not a file.
    """
    try:
        _check_kind(path, path.stat().st_mode)
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InstallError(f"{path} cannot be read ({error.strerror})") from None


def check_writable(path: Path) -> None:
    """Check that a file can be replaced or created. Read-only counts for root too.

    Raises:
        InstallError: it is not a file; or it or its folder is read-only.
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
    """Make a file and its folder private, as far as the permissions allow that."""
    for it, mode in ((path.parent, _PRIVATE_FOLDER), (path, PRIVATE)):
        if os.name == "posix" and stat.S_IMODE(it.stat().st_mode) & ~mode:
            with suppress(PermissionError):
                it.chmod(mode)


def back_up(path: Path, content: bytes) -> Backup:
    """Write a private backup beside a file. An earlier backup is never overwritten.

    Raises:
        OSError: it cannot be written; then no part of it remains.
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
        # It may contain a key.
        backup.chmod(stat.S_IMODE(path.stat().st_mode) & PRIVATE)
    except BaseException:
        backup.unlink(missing_ok=True)
        raise
    return Backup(backup, new=True)


class Replacement:
    """New content for a file, in a temporary file in the same folder.

    Nothing changes before `commit`. Without it, temporary files and new folders are removed. The
    file gets `mode`, else the mode of the file that it replaces; a new file is private.
    """

    def __init__(self, path: Path, content: bytes, *, mode: int | None = None) -> None:
        self._path = path
        self._content = content
        self._mode = mode
        self._temporary: Path | None = None
        self._before: bytes | None = None
        self._new_file_removed = False
        self.new_folders: list[Path] = []
        """The folders that were created, the outermost first."""

    def __enter__(self) -> Self:
        try:
            self._create_folders()
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
        if self._temporary is not None or self._new_file_removed:
            self._undo()

    def commit(self) -> None:
        """Replace the file.

        Raises:
            InstallError: that failed; then nothing has changed.
        """
        if self._temporary is None:
            return
        self._before = read(self._path)
        try:
            self._temporary.replace(self._path)
        except OSError as error:
            raise InstallError(f"{self._path} cannot be replaced ({error.strerror})") from None
        self._temporary = None

    @property
    def is_in_place(self) -> bool:
        """Whether it was committed, even if `commit` was interrupted right after that."""
        if self._temporary is None:
            return True
        return not self._temporary.exists() and read(self._path) == self._content

    def roll_back(self) -> None:
        """Restore the old content, if this was committed.

        Raises:
            Halfway: it cannot be restored, or another program has written to the file.
        """
        if not self.is_in_place:
            return
        try:
            self._restore()
        except (InstallError, OSError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise Halfway(f"{self._path} was changed and could not be put back ({why})") from None

    def _restore(self) -> None:
        if read(self._path) != self._content:
            raise InstallError("another program has written to it")
        if self._before is not None:
            with Replacement(self._path, self._before) as old:
                old.commit()
            return
        self._path.unlink()
        self._new_file_removed = True

    def _create_folders(self) -> None:
        missing = [it for it in self._path.parents if not it.exists()]
        for folder in reversed(missing):
            folder.mkdir(_PRIVATE_FOLDER)
            self.new_folders.append(folder)

    def _write(self) -> None:
        number, name = tempfile.mkstemp(
            dir=self._path.parent, prefix=f".{self._path.name}.", suffix=".new"
        )
        self._temporary = Path(name)
        with os.fdopen(number, "wb") as file:
            file.write(self._content)
            file.flush()
            os.fsync(number)
        if self._path.exists():
            _copy_permissions(self._temporary, self._path.stat(), mode=self._mode)

    def _undo(self) -> None:
        if self._temporary is not None:
            self._temporary.unlink(missing_ok=True)
        for folder in reversed(self.new_folders):
            with suppress(OSError):
                folder.rmdir()


def commit_all(replacements: Sequence[Replacement]) -> None:
    """Commit all in order, or none. An interrupt after the last commit is ignored.

    Raises:
        InstallError: one failed; then nothing has changed.
        Halfway: one failed, and an earlier one could not be restored.
        KeyboardInterrupt: nothing has changed.
    """
    try:
        for it in replacements:
            it.commit()
    except (InstallError, KeyboardInterrupt) as error:
        if isinstance(error, KeyboardInterrupt) and all(it.is_in_place for it in replacements):
            return
        for it in replacements:
            it.roll_back()
        raise


def _copy_permissions(path: Path, old: os.stat_result, *, mode: int | None) -> None:
    path.chmod(stat.S_IMODE(old.st_mode) if mode is None else mode)
    if hasattr(os, "chown"):
        with suppress(PermissionError):  # only the owner of a file may change its owner
            os.chown(path, old.st_uid, old.st_gid)
