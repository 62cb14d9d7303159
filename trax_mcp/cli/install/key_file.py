"""The file with the user's TRaX key, and the prompt for it.

The key comes from a terminal without echo or from a pipe, never from a command line. No message and
no error contains it.
"""

import getpass
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from trax_mcp.api.caller import Caller
from trax_mcp.cli.install.clients import apps_folder
from trax_mcp.cli.install.file_replacement import InstallError
from trax_mcp.settings import KEY_PREFIX, CannotStart, read_settings

_MAX_LINE_BYTES: Final = 4096


def key_file() -> Path:
    """The path of the key file."""
    return apps_folder() / "trax-mcp/key"


def key_from(environment: Mapping[str, str]) -> str | None:
    """The key that a server with these settings would use, if there is a valid one."""
    try:
        key = read_settings(environment).key()
    except CannotStart:
        return None
    return None if key is None or not _is_sendable(key) else key


def ask_key(*, has_key: bool) -> str | None:
    """Ask for a key; None if the user gives none. `has_key`: there is one to keep.

    Raises:
        InstallError: the key is malformed, or the terminal would show it.
    """
    key = _from_terminal(has_key=has_key) if sys.stdin.isatty() else _from_pipe()
    problem = _find_problem(key) if key else None
    if problem:
        raise InstallError(problem)
    return key or None


def _from_terminal(*, has_key: bool) -> str:
    hint = " (Enter keeps the one you have)" if has_key else ""
    try:
        with warnings.catch_warnings(action="error", category=getpass.GetPassWarning):
            return getpass.getpass(f"Your TRaX key{hint}: ").strip()
    except EOFError:
        return ""
    except getpass.GetPassWarning:
        raise InstallError("this terminal would show the key; pipe it in instead") from None


def _from_pipe() -> str:
    """The first line; some shells send a byte order mark before it."""
    line = sys.stdin.buffer.readline(_MAX_LINE_BYTES)
    return line.decode("utf-8-sig", "replace").strip()


def _find_problem(key: str) -> str | None:
    if not _is_sendable(key):
        return "a TRaX key is 1 to 512 visible ASCII characters without spaces, and this is none"
    if not key.removeprefix(KEY_PREFIX) or not key.startswith(KEY_PREFIX):
        return f"a TRaX key begins with {KEY_PREFIX}, and this does not. Copy the whole key"
    return None


def _is_sendable(key: str) -> bool:
    try:
        Caller(key)
    except ValueError:
        return False
    return True
