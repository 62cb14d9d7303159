"""`trax-mcp install` and the key: where it comes from, where it goes, and that nobody sees it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.configurations import SAMPLES
from tests.homes import (
    COMMAND,
    KEY,
    OTHER_KEY,
    Home,
    entry,
    mode,
    on_a_terminal,
    sample_of,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home folder."""
    return Home(tmp_path)


def with_key(key: str) -> str:
    """The entry that README told people to write."""
    trax = {"command": "/gone/trax-mcp", "env": {"TRAX_API_KEY": key}}
    return json.dumps({"mcpServers": {"trax": trax}}, indent=2)


async def test_a_key_in_the_entry_is_kept_unless_another_is_given(home: Home) -> None:
    """Then it is out of the configuration, and it is said that the backup still has it."""
    file = home.has(sample_of("claude-desktop"), with_key(OTHER_KEY))
    kept = await home.install("claude-desktop")
    in_entry = {"TRAX_API_KEY": OTHER_KEY, "TRAX_API_KEY_FILE": "", "TRAX_SANDBOX": ""}
    assert (kept.code, entry(file)["env"]) == (0, in_entry)
    assert not home.key_file.exists()
    moved = await home.install("claude-desktop", typed=f"{KEY}\n")
    assert (entry(file)["command"], entry(file)["env"]) == (COMMAND, home.only_the_key_file)
    assert "the backup still has it" in moved.out
    assert "revoke it\non TRaX's Developer / API Keys screen." in moved.out
    assert "the backup still has it" not in kept.out


async def test_a_key_file_is_kept_unless_another_key_is_given(home: Home) -> None:
    """It is made private if it was not; another key replaces it, for every client at once."""
    home.key_file.parent.mkdir(parents=True)
    home.key_file.write_text(KEY)
    home.key_file.chmod(0o644)
    await home.install("cursor")
    assert (home.key_file.read_text(), mode(home.key_file)) == (KEY, 0o600)
    assert mode(home.key_file.parent) == 0o700
    await home.install("vscode", typed=f"{OTHER_KEY}\n{KEY}\n")
    assert (home.key_file.read_text(), mode(home.key_file)) == (f"{OTHER_KEY}\n", 0o600)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("", "no key was given"),
        ("\n", "no key was given"),
        ("two words\n", "a TRaX key is 1 to 512 visible ASCII characters"),
        ("sk_live_naïve\n", "a TRaX key is 1 to 512 visible ASCII characters"),
        ("x" * 5000, "a TRaX key is 1 to 512 visible ASCII characters"),
    ],
)
async def test_without_a_key_nothing_is_set_up(home: Home, typed: str, told: str) -> None:
    """What was given instead is not repeated."""
    home.has(sample_of("cursor"))
    before = home.state()
    done = await home.install("cursor", typed=typed)
    assert (done.code, done.out) == (1, "")
    asked, _, refused = done.err.partition("\n")
    assert asked == "Reading the key, one line, from stdin, which is no terminal."
    assert refused.startswith(f"trax-mcp: Nothing was changed: {told}")
    assert not typed.strip() or typed.strip() not in done.err
    assert home.state() == before


async def test_the_key_is_never_said_and_never_stands_in_a_configuration(home: Home) -> None:
    """Given once, it is in its file and nowhere else: no output, no configuration, no backup."""
    for sample in SAMPLES:
        home.has(sample)
        done = await home.install(sample.client, typed=f"{KEY}\n")
        assert KEY not in done.out + done.err
    home.has(sample_of("cursor"), "{ broken")
    done = await home.install("cursor", typed=f"{KEY}\n")
    assert KEY not in done.out + done.err
    holding = [name for name, content in home.all_files().items() if KEY.encode() in content]
    assert holding == [".config/trax-mcp/key"]


async def test_no_key_is_taken_from_the_command_line(home: Home) -> None:
    """There is no place for one: others could read it there."""
    done = await home.install("cursor", KEY)
    assert (done.code, home.all_files()) == (2, {})


async def test_on_a_terminal_the_key_is_asked_for_without_echo(home: Home) -> None:
    """A terminal shows what is typed, unless it is told not to."""
    said = await on_a_terminal(home, "cursor", meanwhile=lambda: None)
    assert KEY.encode() not in said
    assert b"API Keys screen" in said
    assert home.key_file.read_text() == f"{KEY}\n"
