"""`trax-mcp install` and the key: its sources, its file, and that it is never shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.home_folder import (
    ADDRESS,
    KEY,
    OTHER_KEY,
    mode,
    sample_of,
)
from tests.support.terminal_screen import WIDE_COLUMNS, run_on_terminal

if TYPE_CHECKING:
    from tests.support.home_folder import Home


def test_key_file_is_kept_unless_another_key_is_given(home: Home) -> None:
    """It is made private. Another key replaces it for all clients."""
    home.write_key(KEY)
    home.key_file.chmod(0o644)
    home.install("cursor")
    written = f"{KEY}\n{ADDRESS}\n"
    assert (home.key_file.read_text(encoding="utf-8"), mode(home.key_file)) == (written, 0o600)
    home.install("vscode", typed=f"{OTHER_KEY}\n{KEY}\n")
    written = f"{OTHER_KEY}\n{ADDRESS}\n"
    assert (home.key_file.read_text(encoding="utf-8"), mode(home.key_file)) == (written, 0o600)


def test_a_key_file_without_an_address_is_not_kept(home: Home) -> None:
    """Nothing says where its key belongs, so it is sent nowhere."""
    home.write_key(KEY, None)
    before = home.file_stats()
    refused = home.install("cursor")
    assert (refused.code, "no key was given" in refused.err) == (1, True)
    assert home.file_stats() == before
    assert home.install("cursor", typed=f"{OTHER_KEY}\n").code == 0
    assert home.key_file.read_text(encoding="utf-8") == f"{OTHER_KEY}\n{ADDRESS}\n"


@pytest.mark.parametrize(
    ("typed", "error"),
    [
        ("\n", "no key was given"),
        ("two words\n", "a TRaX key has 1 to 512 visible ASCII characters"),
        ("sk_live_naïve\n", "a TRaX key has 1 to 512 visible ASCII characters"),
        ("x" * 5000, "a TRaX key has 1 to 512 visible ASCII characters"),
    ],
)
def test_missing_or_invalid_key_changes_nothing(home: Home, typed: str, error: str) -> None:
    """The error does not repeat the input."""
    home.write_config(sample_of("cursor"))
    before = home.file_stats()
    done = home.install("cursor", typed=typed)
    assert (done.code, done.out) == (1, "")
    prompt, _, refusal = done.err.partition("\n")
    assert prompt == "Reading the key from stdin, as one line."
    assert refusal.startswith(f"trax-mcp: Nothing was changed: {error}")
    assert not typed.strip() or typed.strip() not in done.err
    assert home.file_stats() == before


async def test_a_key_that_is_typed_on_a_terminal_is_not_shown(home: Home) -> None:
    """As a process: it says where keys are made, asks, and writes what was typed."""
    settings = home.settings(COLUMNS=str(WIDE_COLUMNS))
    screen = await run_on_terminal(
        "install", "cursor", settings=settings, answers=[("Your TRaX key", f"{KEY}\n")]
    )
    assert screen.code == 0
    assert KEY not in screen.output
    assert "API Keys screen" in screen.text
    assert "Cursor is set up for your studios." in screen.text
    assert home.key_file.read_text(encoding="utf-8") == f"{KEY}\n{ADDRESS}\n"
