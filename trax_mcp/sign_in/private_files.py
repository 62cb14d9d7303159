"""Files that only the user who runs the server may read: the sign-ins, and the server's secret."""

import os
import secrets
import stat
from pathlib import Path
from typing import Final

from trax_mcp.settings import CannotStart

_PRIVATE: Final = 0o600
_PRIVATE_FOLDER: Final = 0o700
_SECRET_BYTES: Final = 32
_LARGEST_SECRET: Final = 4096
_SECRET_SETTING: Final = "TRAX_SIGN_IN_SECRET_FILE"  # noqa: S105  a name
_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL


def create_private(path: Path, *, setting: str, content: bytes = b"") -> None:
    """Make a file that only this user can read, unless there is one. So is its folder, if made.

    Raises:
        CannotStart: it cannot be made.
    """
    try:
        path.parent.mkdir(_PRIVATE_FOLDER, parents=True, exist_ok=True)
        file = os.open(path, _CREATE, _PRIVATE)
    except FileExistsError:
        return
    except OSError as error:
        raise CannotStart(f"{setting} cannot be made: {error.strerror}.") from None
    try:
        if os.write(file, content) < len(content):
            raise CannotStart(f"{setting} cannot be written.")
        os.fsync(file)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise CannotStart(f"{setting} cannot be written: {error.strerror}.") from None
    finally:
        os.close(file)


def check_private(path: Path, *, setting: str) -> None:
    """Check that nobody else can read, change or replace a file. Windows has no such permissions.

    Raises:
        CannotStart: they can, or it is not a file.
    """
    try:
        found, folder = path.stat(), path.parent.stat()
    except OSError as error:
        raise CannotStart(f"{setting} cannot be read: {error.strerror}.") from None
    if not stat.S_ISREG(found.st_mode):
        raise CannotStart(f"{setting} must name a file.")
    if os.name != "posix":
        return
    if found.st_uid != os.geteuid():
        raise CannotStart(f"{setting} names a file of another user. It must be your own.")
    if found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise CannotStart(f"{setting} names a file that others can open. Run chmod 600 on it.")
    if folder.st_mode & stat.S_IWOTH and not folder.st_mode & stat.S_ISVTX:
        raise CannotStart(f"{setting} is in a folder that everybody can write. Move it elsewhere.")


def server_secret(path: Path) -> str:
    """The server's secret, which is made at the first start.

    Raises:
        CannotStart: it cannot be made or read, others can read it, or it is too short.
    """
    made = secrets.token_urlsafe(_SECRET_BYTES)
    create_private(path, setting=_SECRET_SETTING, content=f"{made}\n".encode())
    check_private(path, setting=_SECRET_SETTING)
    try:
        with path.open("rb") as file:
            secret = file.read(_LARGEST_SECRET).decode("ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise CannotStart(f"{_SECRET_SETTING} names a file that holds no secret.") from None
    if len(secret) < _SECRET_BYTES:
        raise CannotStart(
            f"{_SECRET_SETTING} must hold at least {_SECRET_BYTES} characters. Delete it, and the"
            " next start makes a good one."
        )
    return secret
