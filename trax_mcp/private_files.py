"""Private files: where they are, and the one way in which they are made and read.

Who else may open a file depends on what is in it, so that is an argument. A file may belong to the
system instead of the user of the server, as those of systemd and Kubernetes do. No message holds
what is in a file.
"""

import os
import platform
import secrets
import stat
from pathlib import Path
from typing import Final, NamedTuple

from platformdirs import user_config_path, user_data_path
from pydantic import SecretStr

from trax_mcp.settings import CannotStart, Settings, check_store, check_token

_MAX_BYTES: Final = 4096
_MOST_TOKENS: Final = 2
_TOKEN_FILE: Final = "TRAX_MCP_TOKEN_FILE"  # noqa: S105  a name
_STORE_FILE: Final = "TRAX_STORE_URL_FILE"
_STORE_SECRET_FILE: Final = "TRAX_STORE_SECRET_FILE"  # noqa: S105  a name
_SIGN_IN_SECRET_FILE: Final = "TRAX_SIGN_IN_SECRET_FILE"  # noqa: S105  a name
_LEAST_SECRET: Final = 32
_ROOT: Final = 0
# Without a writer, opening a pipe would wait for ever.
_READ: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)


class Missing(CannotStart):
    """There is no such file."""


class Policy(NamedTuple):
    """Who else may open a private file: what others must not do, and whether it may be root's."""

    refused: int
    may_be_roots: bool = False


OWN: Final = Policy(stat.S_IRWXG | stat.S_IRWXO)
"""This user alone may open it."""
OF_OPERATOR: Final = Policy(stat.S_IRWXG | stat.S_IRWXO, may_be_roots=True)
"""This user or the system may open it. In a file of the system, the group may read."""
PUBLIC: Final = Policy(stat.S_IWGRP | stat.S_IWOTH, may_be_roots=True)
"""Others may read it, and not change it."""


def apps_folder() -> Path:
    """The system's folder for the settings of applications."""
    if platform.system() == "Darwin":  # clients there ignore XDG_CONFIG_HOME; platformdirs does not
        return Path.home() / "Library/Application Support"
    return user_config_path(roaming=True)


def key_path() -> Path:
    """The path of the key file that `install` writes."""
    return apps_folder() / "trax-mcp/key"


def passkey_path(settings: Settings) -> Path:
    """The file with the public half of the passkey."""
    return settings.passkey_file or key_path().with_name("passkey.json")


def sign_in_path(settings: Settings) -> Path:
    """The file that keeps who is signed in."""
    return settings.sign_in_file or user_data_path("trax-mcp", appauthor=False) / "sign-in.sqlite"


def sign_in_secret_path(settings: Settings) -> Path:
    """The file with the secret of this server."""
    return settings.sign_in_secret_file or key_path().with_name("sign-in.secret")


def shorten(path: Path) -> str:
    """A path with `~` in place of the home folder."""
    home = Path.home()
    return str(Path("~") / path.relative_to(home)) if path.is_relative_to(home) else str(path)


def read_private(path: Path, named: str, policy: Policy | None = OWN) -> str:
    """Read a small file of text. `named` begins each message. No policy: all may open it.

    Raises:
        Missing: there is none.
        CannotStart: it cannot be read, is too large, or the policy refuses it.
    """
    try:
        file = os.open(path, _READ)
        try:
            _check(os.fstat(file), named, policy)
            content = os.read(file, _MAX_BYTES + 1)
        finally:
            os.close(file)
    except OSError as error:
        kind = Missing if isinstance(error, FileNotFoundError) else CannotStart
        raise kind(f"{named} a file that cannot be read: {error.strerror}.") from None
    if len(content) > _MAX_BYTES:
        raise CannotStart(f"{named} a file of more than {_MAX_BYTES} bytes.")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise CannotStart(f"{named} a file that isn't text in UTF-8.") from None


def create_private(path: Path, named: str, content: str = "") -> None:
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
        raise CannotStart(f"{named} a file that cannot be made: {error.strerror}.") from None
    try:
        with os.fdopen(file, "wb") as opened:
            opened.write(content.encode())
            opened.flush()
            os.fsync(file)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise CannotStart(f"{named} a file that cannot be written: {error.strerror}.") from None


def check_private(path: Path, named: str) -> None:
    """Check that nobody else can read or change a file.

    Raises:
        CannotStart: they can, or it is not a file.
    """
    try:
        found = path.stat()
    except OSError as error:
        raise CannotStart(f"{named} a file that cannot be read: {error.strerror}.") from None
    _check(found, named, OWN)


def _check(found: os.stat_result, named: str, policy: Policy | None) -> None:
    """Refuse what is not a file, or what the policy refuses. Windows has no such permissions."""
    if not stat.S_ISREG(found.st_mode):
        raise CannotStart(f"{named} something that is not a file.")
    if policy is None or os.name != "posix":
        return
    refused = policy.refused
    if policy.may_be_roots and found.st_uid == _ROOT:
        refused &= ~stat.S_IRGRP
    elif found.st_uid != os.geteuid():
        raise CannotStart(f"{named} a file of another user. It must be your own.")
    if found.st_mode & refused:
        done = "open" if refused & stat.S_IROTH else "change"
        raise CannotStart(f"{named} a file that others can {done}. Run chmod 600 on it.")


def mcp_tokens(settings: Settings) -> tuple[str, ...]:
    """The tokens of which HTTP callers must bring one: the one that is set, or those of the file.

    None only where neither is set.

    Raises:
        CannotStart: the file cannot be relied on, or holds no token, a wrong one, or too many.
    """
    if settings.mcp_token is not None:
        return (settings.mcp_token.get_secret_value(),)
    if settings.mcp_token_file is None:
        return ()
    lines = _lines(settings.mcp_token_file, setting=_TOKEN_FILE)
    if not 0 < len(lines) <= _MOST_TOKENS:
        raise CannotStart(f"{_TOKEN_FILE} must hold one token or two, each on a line of its own.")
    try:
        return tuple(check_token(SecretStr(it)).get_secret_value() for it in lines)
    except ValueError as error:
        raise CannotStart(f"{_TOKEN_FILE} holds a wrong token: it {error}.") from None


def store_url(settings: Settings) -> str | None:
    """The address of the engine that replicas share: the one that is set, or that of the file.

    Raises:
        CannotStart: the file cannot be relied on, or holds no address of one.
    """
    if settings.store_url is not None:
        return settings.store_url.get_secret_value()
    if settings.store_url_file is None:
        return None
    lines = _lines(settings.store_url_file, setting=_STORE_FILE)
    if len(lines) != 1:
        raise CannotStart(f"{_STORE_FILE} must hold one line: the address.")
    try:
        return check_store(SecretStr(lines[0])).get_secret_value()
    except ValueError as error:
        raise CannotStart(f"{_STORE_FILE} holds a wrong address: it {error}.") from None


def store_secret(settings: Settings) -> str:
    """The secret with which replicas seal what they share.

    Raises:
        CannotStart: there is none, the file cannot be relied on, or it holds too little.
    """
    if settings.store_secret_file is None:
        raise CannotStart(
            f"TRAX_STORE_URL needs {_STORE_SECRET_FILE}, the same file for all replicas. Run"
            " openssl rand -hex 32 to make what it holds."
        )
    lines = _lines(settings.store_secret_file, setting=_STORE_SECRET_FILE)
    if len(lines) != 1 or len(lines[0]) < _LEAST_SECRET:
        raise CannotStart(
            f"{_STORE_SECRET_FILE} must hold one line of at least {_LEAST_SECRET} characters. Run"
            " openssl rand -hex 32 to make it."
        )
    return lines[0]


def sign_in_secret(path: Path) -> str:
    """The secret of a server at which people sign in. It is made at the first start.

    Raises:
        CannotStart: it cannot be made or read, others can read it, or it is too short.
    """
    named = f"{_SIGN_IN_SECRET_FILE} names"
    create_private(path, named, f"{secrets.token_urlsafe(_LEAST_SECRET)}\n")
    secret = read_private(path, named).strip()
    if len(secret) < _LEAST_SECRET or not secret.isascii():
        raise CannotStart(
            f"{_SIGN_IN_SECRET_FILE} must hold at least {_LEAST_SECRET} ASCII characters. Delete"
            " it, and the next start makes a good one."
        )
    return secret


def _lines(path: Path, *, setting: str) -> list[str]:
    """The lines of a file of the operator, without empty ones."""
    lines = read_private(path, f"{setting} names", OF_OPERATOR).splitlines()
    return [stripped for it in lines if (stripped := it.strip())]
