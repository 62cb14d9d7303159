"""Files with secrets of the operator. None is read that others on this computer can open.

A file may belong to the system instead of the user of the server, as those of systemd and
Kubernetes do; then its group may read it. No message holds what is in a file.
"""

import os
import stat
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from trax_mcp.settings import CannotStart, Settings, check_store, check_token

_MAX_BYTES: Final = 4096
_MOST_TOKENS: Final = 2
_TOKEN_FILE: Final = "TRAX_MCP_TOKEN_FILE"  # noqa: S105  a name
_STORE_FILE: Final = "TRAX_STORE_URL_FILE"
_STORE_SECRET_FILE: Final = "TRAX_STORE_SECRET_FILE"  # noqa: S105  a name
_LEAST_SECRET: Final = 32
_ROOT: Final = 0
# Without a writer, opening a pipe would wait for ever.
_READ: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)


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


def refuse_if_open(found: os.stat_result, *, setting: str, may_be_roots: bool = False) -> None:
    """Refuse what is no file, or what others can read or change. Windows has no such permissions.

    Raises:
        CannotStart: it is refused.
    """
    if not stat.S_ISREG(found.st_mode):
        raise CannotStart(f"{setting} must name a file.")
    if os.name != "posix":
        return
    others = stat.S_IRWXG | stat.S_IRWXO
    if may_be_roots and found.st_uid == _ROOT:
        others &= ~stat.S_IRGRP
    elif found.st_uid != os.geteuid():
        raise CannotStart(f"{setting} names a file of another user. It must be your own.")
    if found.st_mode & others:
        raise CannotStart(f"{setting} names a file that others can open. Run chmod 600 on it.")


def _lines(path: Path, *, setting: str) -> list[str]:
    """The lines of a private file, without empty ones."""
    try:
        file = os.open(path, _READ)
        try:
            refuse_if_open(os.fstat(file), setting=setting, may_be_roots=True)
            content = os.read(file, _MAX_BYTES + 1)
        finally:
            os.close(file)
    except OSError as error:
        raise CannotStart(f"{setting} cannot be read: {error.strerror}.") from None
    try:
        lines = content.decode().splitlines()
    except UnicodeDecodeError:
        raise CannotStart(f"{setting} must be text in UTF-8.") from None
    if len(content) > _MAX_BYTES:
        raise CannotStart(f"{setting} must hold at most {_MAX_BYTES} bytes.")
    return [stripped for it in lines if (stripped := it.strip())]
