"""`trax-mcp install`: what it writes into realistic client configurations, and what it keeps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from tests.support.home_folder import (
    ADDRESS,
    ARGUMENTS,
    COMMAND,
    KEY,
    each_client,
    entry,
    mode,
    sample_of,
)
from tests.support.product.local_servers import upstream
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.server_process import environment

if TYPE_CHECKING:
    from tests.support.client_configurations import Sample
    from tests.support.home_folder import Home


@each_client
def test_install_adds_trax_and_changes_nothing_else(home: Home, sample: Sample) -> None:
    """Other servers, their order and the indents stay; the backup is private."""
    file = home.write_config(sample)
    file.chmod(0o640)
    done = home.install(sample.client, typed=f"{KEY}\n")
    assert done.code == 0, done.err
    assert home.all_files() == {
        sample.path: home.config_with_trax(sample).encode(),
        f"{sample.path}.trax-mcp.bak": sample.text.encode(),
        ".config/trax-mcp/key": f"{KEY}\n{ADDRESS}\n".encode(),
    }
    backup = file.with_name(f"{file.name}.trax-mcp.bak")
    assert [mode(file), mode(backup)] == [0o640, 0o600]
    assert [mode(home.key_file), mode(home.key_file.parent)] == [0o600, 0o700]


@pytest.mark.parametrize("client", ["cursor", "claude-code"])
def test_install_creates_a_missing_configuration(home: Home, client: str) -> None:
    """Only its owner can read it; if the client's folder was missing too, the output says so."""
    sample = sample_of(client)
    done = home.install(client, "--sandbox", typed=None)
    file = home.path / sample.path
    trax = {**sample.fields, "command": COMMAND, "args": [*ARGUMENTS, "--sandbox"]}
    assert json.loads(file.read_text(encoding="utf-8")) == {sample.servers: {"trax": trax}}
    assert mode(file) == 0o600
    assert not home.key_file.exists()
    assert ("Is it installed?" in done.out) is (client != "claude-code")


def test_install_keeps_a_symbolic_link(home: Home) -> None:
    """The backup is next to the link's target."""
    cursor = sample_of("cursor")
    link = home.write_config(cursor)
    target = home.path / "dotfiles" / "mine.json"
    target.parent.mkdir()
    link.rename(target)
    link.symlink_to(target)
    assert home.install("cursor", typed=f"{KEY}\n").code == 0
    assert link.readlink() == target
    assert target.read_text(encoding="utf-8") == home.config_with_trax(cursor)
    assert target.with_name("mine.json.trax-mcp.bak").read_text(encoding="utf-8") == cursor.text
    assert list(link.parent.iterdir()) == [link]


def test_backup_is_private_and_of_the_last_change(home: Home) -> None:
    """There is one, even if someone has opened it to others."""
    cursor = sample_of("cursor")
    backup = home.write_config(cursor).with_name("mcp.json.trax-mcp.bak")
    home.install("cursor", typed=f"{KEY}\n")
    backup.chmod(0o644)
    home.install("cursor", "--sandbox")
    assert backup.read_text(encoding="utf-8") == home.config_with_trax(cursor)
    assert mode(backup) == 0o600
    assert len(list(backup.parent.iterdir())) == 2


def test_install_keeps_line_ends_and_reads_a_byte_order_mark(home: Home) -> None:
    """As written by editors on Windows; some clients cannot read the mark, so it goes."""
    cursor = sample_of("cursor")
    file = home.write_config(cursor, "\ufeff" + cursor.text.replace("\n", "\r\n"))
    home.install("cursor", typed=f"{KEY}\n")
    assert file.read_bytes().decode() == home.config_with_trax(cursor).replace("\n", "\r\n")


@pytest.mark.parametrize("text", ["", "null", '{"mcpServers": null}'])
def test_empty_configuration_counts_as_an_empty_object(home: Home, text: str) -> None:
    """Some clients write null, or create an empty file."""
    file = home.write_config(sample_of("cursor"), text)
    assert home.install("cursor", "--sandbox").code == 0
    assert entry(file)["command"] == COMMAND


def test_install_corrects_an_old_entry_and_keeps_its_other_settings(home: Home) -> None:
    """The client's own fields stay. What named the key and the sandbox goes."""
    env = {"TRAX_ASK": "form,panel,page", "TRAX_SANDBOX": "1", "TRAX_API_KEY_FILE": "/gone"}
    old = {"command": "/gone/trax-mcp", "disabled": False, "args": ["--sandbox"], "env": env}
    file = home.write_entry("cursor", **old)
    home.install("cursor", typed=f"{KEY}\n")
    assert entry(file) == {
        "type": "stdio",
        "command": COMMAND,
        "args": ARGUMENTS,
        "disabled": False,
        "env": {"TRAX_ASK": "form,panel,page"},
    }


def test_changes_made_by_the_client_during_the_key_prompt_are_kept(home: Home) -> None:
    """Claude Code often writes to its configuration."""
    code = sample_of("claude-code")
    file = home.write_config(code, "{}")

    def type_key() -> str:
        home.write_config(code)
        return KEY

    assert home.install("claude-code", typed=type_key, terminal=True).code == 0
    assert file.read_text(encoding="utf-8") == home.config_with_trax(code)


async def test_written_entry_starts_a_server_with_the_key(home: Home) -> None:
    """As a process, from any folder. The log names the file of the key, and not the key."""
    async with upstream() as trax:
        there = {"TRAX_BASE_URL": trax.base_url}
        await home.run_beside("install", "cursor", typed=f"{SANDBOX_KEY}\n", settings=there)
        written = entry(home.path / ".cursor/mcp.json")
        assert written.keys() == {"type", "command", "args"}
        assert Path(written["command"]).is_absolute()
        log = home.path / "log"
        start = StdioServerParameters(
            command=written["command"],
            args=written["args"],
            env=environment(home.settings()),
            cwd=home.path,
        )
        with log.open("w", encoding="utf-8") as errlog:
            async with Client(stdio_client(start, errlog=errlog)) as client:
                found = await client.call_tool("find_studio", {"query": "friday"})
    assert found.structured_content is not None
    assert found.structured_content["matches"][0]["name"] == "Friday Night Show"
    assert f"The TRaX key is read from {home.key_file}." in log.read_text(encoding="utf-8")
    assert SANDBOX_KEY not in log.read_text(encoding="utf-8")
