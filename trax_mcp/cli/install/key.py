"""The key that the user gives to `install`: asks for it, and keeps it.

It comes from a terminal without echo or from a pipe, never from a command line. No message contains
it.
"""

import getpass
import sys
import warnings
from typing import Final

from trax_mcp.api.caller import Caller
from trax_mcp.cli.install.configuration import PRIVATE, InstallError, replace_file
from trax_mcp.key_file import StoredKey
from trax_mcp.private_files import key_path
from trax_mcp.settings import KEY_PREFIX

_MAX_LINE_BYTES: Final = 4096


def ask_key(*, has_key: bool) -> str:
    """Ask for a key; empty if the user gives none. `has_key`: there is one to keep.

    Raises:
        InstallError: the key is malformed, or the terminal would show it.
    """
    key = _from_terminal(has_key=has_key) if sys.stdin.isatty() else _from_pipe()
    try:
        Caller(key or None)
    except ValueError:
        raise InstallError(
            "a TRaX key is 1 to 512 visible ASCII characters without spaces, and this is none"
        ) from None
    if key and (not key.startswith(KEY_PREFIX) or key == KEY_PREFIX):
        raise InstallError(
            f"a TRaX key begins with {KEY_PREFIX}, and this does not. Copy all of it"
        )
    return key


def write_key(key: str, base_url: str, stored: StoredKey | None) -> bool:
    """Write the key file, private, with the deployment; returns whether its key is a new one.

    Raises:
        InstallError: the file cannot be written.
    """
    if stored is None or (stored.key, stored.base_url) != (key, base_url):
        replace_file(key_path(), f"{key}\n{base_url}\n".encode(), mode=PRIVATE)
    elif stored.path.stat().st_mode & 0o077:
        stored.path.chmod(PRIVATE)
    return stored is None or stored.key != key


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
