"""Files that only the user who runs the server may read: the sign-ins, and the server's secret."""

import os
import secrets
from pathlib import Path
from typing import Final

from trax_mcp.secret_files import refuse_if_open
from trax_mcp.settings import CannotStart

_SECRET_BYTES: Final = 32
_LARGEST_SECRET: Final = 4096
_SECRET_SETTING: Final = "TRAX_SIGN_IN_SECRET_FILE"  # noqa: S105  a name


def create_private(path: Path, *, setting: str, content: bytes = b"") -> None:
    """Make a file that only this user can read, unless there is one. So is its folder, if made.

    Raises:
        CannotStart: it cannot be made.
    """
    try:
        path.parent.mkdir(0o700, parents=True, exist_ok=True)
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    except OSError as error:
        raise CannotStart(f"{setting} cannot be made: {error.strerror}.") from None
    try:
        with os.fdopen(file, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(file)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise CannotStart(f"{setting} cannot be written: {error.strerror}.") from None


def check_private(path: Path, *, setting: str) -> None:
    """Check that nobody else can read or change a file. Windows has no such permissions.

    Raises:
        CannotStart: they can, or it is not a file.
    """
    try:
        found = path.stat()
    except OSError as error:
        raise CannotStart(f"{setting} cannot be read: {error.strerror}.") from None
    refuse_if_open(found, setting=setting)


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
