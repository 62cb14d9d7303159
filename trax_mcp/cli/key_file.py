"""The file that holds a person's TRaX key, and how they are asked for one.

The key comes from a terminal without echo or from a pipe, never from a command line. It goes into
the file and nowhere else: not into a message, not into an error.
"""

import getpass
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from trax_mcp.api.caller import Caller
from trax_mcp.cli.clients import Computer, Folder
from trax_mcp.cli.replacement import InstallError
from trax_mcp.settings import CannotStart, read_settings

_LONGEST_LINE_BYTES: Final = 4096


def key_file(computer: Computer) -> Path:
    """Where the key belongs on this computer."""
    apps = computer.find(Folder.APPS) or computer.home
    return apps / "trax-mcp" / "key"


def key_from(environment: Mapping[str, str]) -> str | None:
    """The key that a server with these settings would use; None if it would find none."""
    try:
        key = read_settings(environment).key()
    except CannotStart:
        return None
    return None if key is None or _problem(key) else key


def ask_key(*, kept: bool) -> str | None:
    """Ask for a key; None if none is given. `kept` says that there is one to keep.

    Raises:
        InstallError: what was given cannot be a key, or cannot be asked for without showing it.
    """
    key = _typed(kept=kept) if sys.stdin.isatty() else _piped()
    problem = _problem(key) if key else None
    if problem:
        raise InstallError(problem)
    return key or None


def _typed(*, kept: bool) -> str:
    keep = " (Enter keeps the one you have)" if kept else ""
    try:
        with warnings.catch_warnings(action="error", category=getpass.GetPassWarning):
            return getpass.getpass(f"Your TRaX key{keep}: ").strip()
    except EOFError:
        return ""
    except getpass.GetPassWarning:
        raise InstallError("this terminal would show the key; pipe it in instead") from None


def _piped() -> str:
    """The first line. Some shells put a byte order mark before it."""
    line = sys.stdin.buffer.readline(_LONGEST_LINE_BYTES)
    return line.decode("utf-8-sig", "replace").strip()


def _problem(key: str) -> str | None:
    try:
        Caller(key)
    except ValueError:
        return "a TRaX key is 1 to 512 visible ASCII characters without spaces, and this is none"
    return None
