"""The key that the user gives to `install`: asks for it, and keeps it.

It comes from a terminal without echo or from a pipe, never from a command line. No message contains
it.
"""

import getpass
import os
import sys
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

from trax_mcp.api.caller import Caller
from trax_mcp.cli.install.configuration import PRIVATE, InstallError, WrongKey, replace_file
from trax_mcp.cli.terminal import DONE, print_note
from trax_mcp.key_file import StoredKey, read_key
from trax_mcp.private_files import key_path, shorten
from trax_mcp.settings import DEFAULT_BASE_URL, KEY_PREFIX, KEYS_SCREEN, CannotStart, read_settings

BASE_URL: Final = "TRAX_BASE_URL"
_MAX_LINE_BYTES: Final = 4096
_TRIES: Final = 3
_FROM_STDIN: Final = "Reading the key from stdin, as one line."
_NO_KEY: Final = (
    "no key was given. Type one on the terminal, send it as a line on stdin, or use --sandbox"
)


def take_key(environments: Sequence[Mapping[str, str]]) -> str:
    """Write the key that the user gives to the key file, or keep the one that it has.

    `environments` are the settings of the entries that it is for. Returns a warning if TRaX could
    not be asked about it.

    Raises:
        InstallError: there is none, or TRaX refuses it; then nothing is written.
    """
    stored = _stored_key()
    addresses = {_base_url(it, stored) for it in environments}
    if len(addresses) > 1:
        listed = " and ".join(sorted(addresses))
        raise InstallError(
            f"a key is for one address, and these are for {listed}. Install them one at a time"
        )
    (base_url,) = addresses
    is_terminal = sys.stdin.isatty()
    print_note(f"Make a key on {KEYS_SCREEN}." if is_terminal else _FROM_STDIN)
    key, warning = _ask_good_key(base_url, stored, tries=_TRIES if is_terminal else 1)
    if stored is None or (stored.key, stored.base_url) != (key, base_url):
        replace_file(key_path(), f"{key}\n{base_url}\n".encode(), mode=PRIVATE)
    elif stored.path.stat().st_mode & 0o077:
        stored.path.chmod(PRIVATE)
    print_note(f"The key is in {shorten(key_path())}, which only you can read.")
    return warning


def _stored_key() -> StoredKey | None:
    """The key to keep: with an address, since else it is sent nowhere."""
    with suppress(CannotStart):  # a new one replaces it
        stored = read_key(key_path())
        return stored if stored and stored.base_url else None
    return None


def _base_url(environment: Mapping[str, str], stored: StoredKey | None) -> str:
    """The deployment that the key is for: of the entry, of the shell, or as before.

    Raises:
        InstallError: it is no address.
    """
    named = environment.get(BASE_URL) or os.environ.get(BASE_URL, "").strip()
    base_url = named or (stored and stored.base_url) or DEFAULT_BASE_URL
    try:
        return read_settings({BASE_URL: base_url}).base_url.rstrip("/")
    except CannotStart as error:
        raise InstallError(str(error)) from None


def _ask_good_key(base_url: str, stored: StoredKey | None, *, tries: int) -> tuple[str, str]:
    """Ask for a key that TRaX accepts, so often. A warning, if there is one, comes with it."""
    from trax_mcp.cli.install.key_check import check_key  # noqa: PLC0415  only where one is tried

    try:
        key = _ask_key(base_url, stored)
        checked = check_key(key, read_settings({BASE_URL: base_url}))
    except WrongKey as problem:
        if tries == 1:
            raise
        print_note(f"{problem.sentence[0].upper()}{problem.sentence[1:]} Try again.")
        return _ask_good_key(base_url, stored, tries=tries - 1)
    if checked.is_known:
        print_note(f"{DONE} {checked.sentence}")
    return key, "" if checked.is_known else checked.sentence


def _ask_key(base_url: str, stored: StoredKey | None) -> str:
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
            "a TRaX key has 1 to 512 visible ASCII characters and no spaces, and this isn't one"
        ) from None
    if key and (not key.startswith(KEY_PREFIX) or key == KEY_PREFIX):
        raise WrongKey(f"a TRaX key begins with {KEY_PREFIX}, and this doesn't. Copy all of it")
    if key:
        return key
    if stored is None:
        raise InstallError(_NO_KEY)
    if stored.base_url != base_url:
        raise InstallError(
            f"the key that you have is for {stored.base_url}. Give one for {base_url}"
        )
    return stored.key


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
