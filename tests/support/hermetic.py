"""Makes a process of tests the same however it was started, and on whatever machine."""

from __future__ import annotations

import os
import resource
import signal
import socket
import time
from typing import Final

import pytest

_KEPT: Final = frozenset(
    (
        *("PATH", "HOME", "LC_ALL", "TMPDIR", "TZ", "VIRTUAL_ENV", "SYSTEMROOT", "LD_LIBRARY_PATH"),
        # What the targets of the Makefile tell the tests, and what mutmut tells a child.
        *("PROOF_PEOPLE", "MODEL_HISTORIES", "MODEL_SEED"),
        *("APP_BRIDGE", "CLIENTS_FOLDER", "FRAMEWORKS_FOLDER", "MUTANT_UNDER_TEST"),
    )
)
_KEPT_PREFIXES: Final = ("PYTHON", "PYTEST_", "COV_", "COVERAGE_", "PLAYWRIGHT_")

_OPEN_FILES: Final = 4096
"""As many as the floods need, and some more."""


def inherited_variables() -> dict[str, str]:
    """The environment variables that a test and its children see. All others are left out."""
    return {
        name: value
        for name, value in os.environ.items()
        if name in _KEPT or name.startswith(_KEPT_PREFIXES)
    }


def isolate_from_machine() -> None:
    """Do so, once, before the tests run: their children inherit it."""
    kept = inherited_variables()
    os.environ.clear()
    # No zone that a test might take for UTC.
    os.environ.update(kept | {"TZ": "Asia/Kolkata", "LC_ALL": "C.UTF-8"})
    time.tzset()
    os.umask(0o022)
    _catch_ignored_signals()
    _allow_open_files()


def need_open_files(number: int) -> None:
    """Skip the test if the system allows fewer open files."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < number:
        pytest.skip(f"{number} files must be open, and {soft} may")


def need_ipv6() -> None:
    """Skip the test if this machine has no IPv6 address, not even its own."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as error:
        pytest.skip(f"there is no IPv6: {error.strerror}")


def _catch_ignored_signals() -> None:
    """Ignored signals would stay ignored in children; a caught one is at its default there.

    A shell ignores SIGINT in a background job, and nohup ignores SIGHUP.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


def _allow_open_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
