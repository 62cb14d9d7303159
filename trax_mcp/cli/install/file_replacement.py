"""Reads a file, and replaces it completely or not at all."""

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

PRIVATE: Final = 0o600
_PRIVATE_FOLDER: Final = 0o700
_WRITABLE: Final = 0o222


class InstallError(Exception):
    """A file cannot be read or written, or there is no key. The message is a clause."""


def resolve_link(path: Path) -> Path:
    """The file that a symbolic link points to, so that the link stays."""
    return Path(os.path.realpath(path))


def read(path: Path) -> bytes | None:
    """The content of a file; None if it does not exist.

    Raises:
        InstallError: it cannot be read or is not a file.
    """
    try:
        _check_kind(path)
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
        _check_kind(path)
        folder = next(it for it in path.parents if it.exists())
        if not folder.is_dir():
            raise InstallError(f"{folder} is not a folder")
        for it in (folder, path) if path.exists() else (folder,):
            if not (it.stat().st_mode & _WRITABLE and os.access(it, os.W_OK)):
                raise InstallError(f"{it} is read-only")
    except OSError as error:
        raise InstallError(f"{path} cannot be reached ({error.strerror})") from None


def replace(path: Path, content: bytes, *, mode: int | None = None) -> None:
    """Replace a file, or create it and its folder.

    It gets `mode`, else the mode of the file that it replaces; a new file is private.

    Raises:
        InstallError: that failed; then the file is as it was.
    """
    try:
        path.parent.mkdir(_PRIVATE_FOLDER, parents=True, exist_ok=True)
        number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".new")
        try:
            with os.fdopen(number, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(number)
            if path.exists():
                _copy_permissions(path, name, mode=mode)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InstallError(f"{path} cannot be written ({error.strerror})") from None


def make_private(path: Path) -> None:
    """Make a file and its folder private, as far as the permissions allow that."""
    with suppress(OSError):
        path.parent.chmod(_PRIVATE_FOLDER)
        path.chmod(PRIVATE)


def _check_kind(path: Path) -> None:
    if path.exists() and not path.is_file():
        kind = "a folder" if path.is_dir() else "something else"
        raise InstallError(f"{path} is {kind}, not a file")


def _copy_permissions(path: Path, to: str, *, mode: int | None) -> None:
    old = path.stat()
    Path(to).chmod(stat.S_IMODE(old.st_mode) if mode is None else mode)
    if hasattr(os, "chown"):
        with suppress(PermissionError):  # only the owner of a file may change its owner
            os.chown(to, old.st_uid, old.st_gid)
