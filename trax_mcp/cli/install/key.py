"""The key that the user gives to `install`: asks for it, and keeps it.

It comes from a terminal without echo or from a pipe, never from a command line. No message contains
it.
"""

import getpass
import sys
import warnings
from typing import Final

from trax_mcp.api.caller import Caller
from trax_mcp.cli.install.configuration import PRIVATE, InstallError, WrongKey, replace_file
from trax_mcp.key_file import StoredKey
from trax_mcp.private_files import key_path
from trax_mcp.settings import KEY_PREFIX

_MAX_LINE_BYTES: Final = 4096
_NO_KEY: Final = (
    "no key was given. Give one on the terminal or as a line on stdin, or take --sandbox,"
    " which needs none"
)


def ask_key(base_url: str, stored: StoredKey | None) -> str:
    """Ask for a key for this deployment. If the user gives none, it is the stored one.

    Raises:
        WrongKey: it is malformed.
        InstallError: there is none for this deployment, or the terminal would show it.
    """
    key = _from_terminal(has_key=stored is not None) if sys.stdin.isatty() else _from_pipe()
    try:
        Caller(key or None)
    except ValueError:
        raise WrongKey(
            "a TRaX key is 1 to 512 visible ASCII characters without spaces, and this is none"
        ) from None
    if key and (not key.startswith(KEY_PREFIX) or key == KEY_PREFIX):
        raise WrongKey(f"a TRaX key begins with {KEY_PREFIX}, and this does not. Copy all of it")
    if key:
        return key
    if stored is None:
        raise InstallError(_NO_KEY)
    if stored.base_url != base_url:
        raise InstallError(
            f"the key that you have is for {stored.base_url}. Give one for {base_url}"
        )
    return stored.key


def write_key(key: str, base_url: str, stored: StoredKey | None) -> None:
    """Write the key file, private, with the deployment.

    Raises:
        InstallError: the file cannot be written.
    """
    if stored is None or (stored.key, stored.base_url) != (key, base_url):
        replace_file(key_path(), f"{key}\n{base_url}\n".encode(), mode=PRIVATE)
    elif stored.path.stat().st_mode & 0o077:
        stored.path.chmod(PRIVATE)


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
