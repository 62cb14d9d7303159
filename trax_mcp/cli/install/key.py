"""The key that the user gives to `install`: asks for it, asks TRaX whether it works, keeps it.

It comes from a terminal without echo or from a pipe, never from a command line. No message contains
it.
"""

import getpass
import sys
import warnings
from contextlib import aclosing
from http import HTTPStatus
from typing import Final

import anyio

from trax_mcp.api.caller import Caller
from trax_mcp.api.errors import KEYS_SCREEN, TraxError
from trax_mcp.api.models import Page, Studio
from trax_mcp.api.reads import ListStudios
from trax_mcp.cli.install.configuration import PRIVATE, InstallError, replace_file
from trax_mcp.cli.key_file import StoredKey, key_path
from trax_mcp.cli.startup import client_for
from trax_mcp.cli.terminal import console_on, waiting
from trax_mcp.settings import DEFAULT_BASE_URL, KEY_PREFIX, Settings

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


def check_key(key: str, settings: Settings) -> str:
    """Read the studios with a key, where the settings say; the result is a sentence.

    Waits for at most TRAX_TIMEOUT_SECONDS.

    Raises:
        InstallError: TRaX refuses the key.
    """
    at = "" if settings.base_url == DEFAULT_BASE_URL else f" at {settings.base_url}"
    try:
        with waiting(console_on(sys.stderr), "Asking TRaX about the key"):
            studios = anyio.run(_read_studios, key, settings)
    except TraxError as error:
        failure = error
        if failure.required_scope is not None:
            lacks = f"it lacks {failure.required_scope}, so no studio is found by its name"
            return f"Key works{at}, but {lacks}."
        # A 403 without this code can come from a gateway, which has not looked at the key.
        if failure.code == "invalid_key" or failure.http_status == HTTPStatus.UNAUTHORIZED:
            raise InstallError(
                f"TRaX{at} refuses this key: it is unknown, revoked or expired. Make a new one on"
                f" {KEYS_SCREEN}, and run this again"
            ) from None
        why = failure.happened
        return f"Key kept, but not checked: {why}. Check it later with trax-mcp doctor."
    count = len(studios.data or ())
    number = {0: "no studio yet", 1: "1 studio"}.get(count, f"{count} studios")
    more = " or more" * bool(studios.next_cursor)
    return f"Key works{at}: {number}{more}; whether it may go live shows only when you do."


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


async def _read_studios(key: str, settings: Settings) -> Page[Studio]:
    async with aclosing(client_for(settings)) as client:
        return await client.call(ListStudios(), Caller(key), retry=False)


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
