"""`trax-mcp install` and the key: its sources, its file, and that it is never shown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.client_configurations import SAMPLES
from tests.support.home_folder import (
    ADDRESS,
    ARGUMENTS,
    COMMAND,
    KEY,
    OTHER_KEY,
    entry,
    mode,
    sample_of,
)
from tests.support.terminal_screen import WIDE_COLUMNS, run_on_terminal

if TYPE_CHECKING:
    from tests.support.home_folder import Home


def test_a_key_in_the_entry_is_asked_for_once_more(home: Home) -> None:
    """Then it is out of the entry, and the output says that the backup still has it."""
    trax = {"command": "/gone/trax-mcp", "env": {"TRAX_API_KEY": OTHER_KEY}}
    file = home.write_config(
        sample_of("claude-desktop"), json.dumps({"mcpServers": {"trax": trax}}, indent=2)
    )
    before = home.file_stats()
    refused = home.install("claude-desktop")
    assert (refused.code, "no key was given" in refused.err) == (1, True)
    assert home.file_stats() == before
    moved = home.install("claude-desktop", typed=f"{KEY}\n")
    assert entry(file) == {"command": COMMAND, "args": ARGUMENTS}
    assert "the backup still has it" in moved.out
    assert "revoke it\non TRaX's Developer / API Keys screen." in moved.out
    assert OTHER_KEY in file.with_name(f"{file.name}.trax-mcp.bak").read_text(encoding="utf-8")


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


def test_the_key_of_another_address_is_not_kept(home: Home) -> None:
    """It is sent nowhere else; one that is typed is for the address that is named."""
    home.write_key(KEY, "https://trax.example")
    before = home.file_stats()
    named = {"TRAX_BASE_URL": "https://other.example"}
    done = home.install("cursor", settings=named)
    refusal = (
        "the key that you have is for https://trax.example. Give one for https://other.example."
    )
    assert (done.code, refusal in done.err) == (1, True)
    assert home.file_stats() == before
    assert home.install("cursor", typed=f"{OTHER_KEY}\n", settings=named).code == 0
    assert home.key_file.read_text(encoding="utf-8") == f"{OTHER_KEY}\nhttps://other.example\n"


def test_other_clients_that_go_to_another_address_too_are_named(home: Home) -> None:
    """They read the same key file, and a person may think of one client alone."""
    assert home.install("cursor", typed=f"{KEY}\n").code == 0
    home.install("vscode", "--sandbox")
    named = {"TRAX_BASE_URL": "https://other.example"}
    done = home.install("zed", typed=f"{OTHER_KEY}\n", settings=named)
    told = "This key is for Cursor too: from the next start at https://other.example."
    assert (done.code, told in " ".join(done.err.split())) == (0, True)


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
        ("two words\n", "a TRaX key is 1 to 512 visible ASCII characters"),
        ("sk_live_naïve\n", "a TRaX key is 1 to 512 visible ASCII characters"),
        ("x" * 5000, "a TRaX key is 1 to 512 visible ASCII characters"),
    ],
)
def test_missing_or_invalid_key_changes_nothing(home: Home, typed: str, error: str) -> None:
    """The error does not repeat the input."""
    home.write_config(sample_of("cursor"))
    before = home.file_stats()
    done = home.install("cursor", typed=typed)
    assert (done.code, done.out) == (1, "")
    prompt, _, refusal = done.err.partition("\n")
    assert prompt == "Reading the key, one line, from stdin, which is no terminal."
    assert refusal.startswith(f"trax-mcp: Nothing was changed: {error}")
    assert not typed.strip() or typed.strip() not in done.err
    assert home.file_stats() == before


def test_key_is_written_only_into_its_file(home: Home) -> None:
    """It is in no output, configuration or backup."""
    for sample in SAMPLES:
        home.write_config(sample)
        done = home.install(sample.client, typed=f"{KEY}\n")
        assert KEY not in done.out + done.err
    home.write_config(sample_of("cursor"), "{ broken")
    done = home.install("cursor", typed=f"{KEY}\n")
    assert KEY not in done.out + done.err
    holding = [name for name, content in home.all_files().items() if KEY.encode() in content]
    assert holding == [".config/trax-mcp/key"]


async def test_a_key_that_is_typed_on_a_terminal_is_not_shown(home: Home) -> None:
    """As a process: it says where keys are made, asks, and writes what was typed."""
    settings = home.settings(COLUMNS=str(WIDE_COLUMNS))
    screen = await run_on_terminal("install", "cursor", settings=settings, answer=f"{KEY}\n")
    assert screen.code == 0
    assert KEY not in screen.output
    assert "API Keys screen" in screen.text
    assert "Cursor starts trax-mcp from now on" in screen.text
    assert home.key_file.read_text(encoding="utf-8") == f"{KEY}\n{ADDRESS}\n"
