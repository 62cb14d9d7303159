"""`trax-mcp install`: what it writes into realistic client configurations, and what it keeps."""

from __future__ import annotations

import json
from asyncio import create_subprocess_exec, timeout
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Final

import pytest

from tests.configurations import SAMPLES, Sample
from tests.homes import (
    ARGUMENTS,
    COMMAND,
    KEY,
    Home,
    each_client,
    entry,
    install_on_terminal,
    mode,
    sample_of,
)
from tests.processes import PATIENCE_SECONDS, environment
from trax_mcp.cli.clients import CLIENTS
from trax_mcp.sandbox import SANDBOX_KEY
from trax_mcp.settings import read_settings

CLIENT_INFO: Final = {"name": "a client", "version": "1"}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home folder."""
    return Home(tmp_path)


def test_every_client_has_a_sample() -> None:
    """So that every client runs through the tests below."""
    assert [it.client for it in SAMPLES] == list(CLIENTS)


@each_client
async def test_install_adds_trax_and_changes_nothing_else(home: Home, sample: Sample) -> None:
    """Other servers, comments, order, indents and number formats stay."""
    file = home.write_config(sample)
    file.chmod(0o640)
    done = await home.install(sample.client, typed=f"{KEY}\n")
    assert done.code == 0, done.err
    assert home.all_files() == {
        sample.path: home.config_with_trax(sample).encode(),
        f"{sample.path}.bak": sample.text.encode(),
        ".config/trax-mcp/key": f"{KEY}\n".encode(),
    }
    assert [mode(file), mode(file.with_name(f"{file.name}.bak"))] == [0o640, 0o600]
    assert [mode(home.key_file), mode(home.key_file.parent)] == [0o600, 0o700]


@each_client
async def test_second_install_writes_nothing(home: Home, sample: Sample) -> None:
    """With the same key or without one."""
    home.write_config(sample)
    await home.install(sample.client, typed=f"{KEY}\n")
    before = home.file_stats()
    for typed in ("", "\n", f"{KEY}\n"):
        done = await home.install(sample.client, typed=typed)
        assert (done.code, done.out.splitlines()[0]) == (
            0,
            f"{CLIENTS[sample.client].title} was set up already, on your studios.",
        )
        assert home.file_stats() == before


@each_client
@pytest.mark.parametrize("arguments", [[], ["--sandbox"]], ids=["key", "sandbox"])
async def test_install_creates_a_missing_configuration(
    home: Home, sample: Sample, arguments: list[str]
) -> None:
    """Only its owner can read it; if the client's folder was missing too, the output says so."""
    done = await home.install(sample.client, *arguments, typed=f"{KEY}\n")
    file = home.path / sample.path
    expected = {"command": COMMAND, "args": [*ARGUMENTS, *arguments]} | (
        {} if arguments else {"env": home.key_file_settings}
    )
    type_field = {} if sample.client == "claude-desktop" else {"type": "stdio"}
    assert json.loads(file.read_text()) == {sample.servers: {"trax": type_field | expected}}
    assert mode(file) == 0o600
    assert home.key_file.exists() is not bool(arguments)
    assert ("no folder here yet" in done.out) is (sample.client != "claude-code")
    assert [line for line in done.out.splitlines() if len(line) > 80 and "/" not in line] == []


@each_client
async def test_print_option_prints_the_entry_and_writes_nothing(home: Home, sample: Sample) -> None:
    """Stdout has only JSON, stderr the paths; no key is asked for."""
    home.write_config(sample, "{ not even JSON")
    before = home.file_stats()
    done = await home.install(sample.client, "--print", typed=f"{KEY}\n")
    printed = json.loads(done.out)
    assert done.code == 0
    assert printed[sample.servers]["trax"]["command"] == COMMAND
    assert printed[sample.servers]["trax"]["env"] == home.key_file_settings
    assert str(home.path / sample.path) in done.err
    assert str(home.key_file) in done.err
    assert home.file_stats() == before


async def test_printed_sandbox_entry_has_no_key(home: Home) -> None:
    """It is a complete configuration."""
    done = await home.install("cursor", "--print", "--sandbox")
    expected = {"type": "stdio", "command": COMMAND, "args": [*ARGUMENTS, "--sandbox"]}
    assert json.loads(done.out) == {"mcpServers": {"trax": expected}}
    assert "key" not in done.err
    assert home.all_files() == {}


@each_client
async def test_install_keeps_a_symbolic_link(home: Home, sample: Sample) -> None:
    """The backup is next to the link's target."""
    link = home.write_config(sample)
    target = home.path / "dotfiles" / "mine.json"
    target.parent.mkdir()
    link.rename(target)
    link.symlink_to(target)
    assert (await home.install(sample.client, typed=f"{KEY}\n")).code == 0
    assert link.readlink() == target
    assert target.read_text() == home.config_with_trax(sample)
    assert target.with_name("mine.json.bak").read_text() == sample.text
    assert list(link.parent.glob(f"{link.name}.*")) == []


@each_client
async def test_install_keeps_line_ends_and_byte_order_mark(home: Home, sample: Sample) -> None:
    """As written by editors on Windows; added lines have the same line ends."""

    def windows(text: str) -> str:
        return "\ufeff" + text.replace("\n", "\r\n")

    file = home.write_config(sample, windows(sample.text))
    await home.install(sample.client, typed=f"{KEY}\n")
    assert file.read_bytes().decode() == windows(home.config_with_trax(sample))


async def test_backups_are_never_overwritten(home: Home) -> None:
    """The same content is not backed up twice."""
    cursor = sample_of("cursor")
    file = home.write_config(cursor)
    backups = [file.with_name(f"mcp.json.bak{it}") for it in ("", ".1", ".2")]
    backups[0].write_text("mine")
    await home.install("cursor", typed=f"{KEY}\n")
    home.write_config(cursor)
    await home.install("cursor")
    await home.install("cursor", "--sandbox")
    contents = [it.read_text() for it in backups]
    assert contents == ["mine", cursor.text, home.config_with_trax(cursor)]
    assert len(list(file.parent.iterdir())) == 4


OLD_ENTRY: Final = """\
{
  "mcpServers": {
    "trax": {
      "command": "/gone/trax-mcp", // moved
      "disabled": false,
      "args": ["--sandbox"],
      "env": { "TRAX_CONFIRM": "human", "TRAX_SANDBOX": "1" }
    }
  }
}
"""


async def test_install_corrects_an_old_entry_and_keeps_its_other_settings(home: Home) -> None:
    """Comments and the client's own fields stay; the sandbox is switched off."""
    file = home.write_config(sample_of("cursor"), OLD_ENTRY)
    await home.install("cursor", typed=f"{KEY}\n")
    added = f'"TRAX_SANDBOX": "", "TRAX_API_KEY_FILE": "{home.key_file}", "TRAX_API_KEY": "" }}'
    expected = (
        OLD_ENTRY.replace("/gone/trax-mcp", COMMAND)
        .replace('["--sandbox"]', json.dumps(ARGUMENTS))
        .replace('"TRAX_SANDBOX": "1" }', added)
        .replace(f"{added}\n    }}", f'{added},\n      "type": "stdio"\n    }}')
    )
    assert file.read_text() == expected


@pytest.mark.parametrize("has_entry", [False, True], ids=["new entry", "old entry"])
@pytest.mark.parametrize("inherited", ["TRAX_API_KEY", "TRAX_API_KEY_FILE", "TRAX_SANDBOX"])
@pytest.mark.parametrize("has_key", [False, True], ids=["key in a file", "key in the entry"])
async def test_entry_overrides_the_clients_own_environment(
    home: Home, *, has_entry: bool, inherited: str, has_key: bool
) -> None:
    """That environment may have another key, or the sandbox."""
    key = {"TRAX_API_KEY": SANDBOX_KEY} if has_key else {}
    if has_entry or has_key:
        trax = {"command": "/gone/trax-mcp", "env": {**key, "TRAX_CONFIRM": "human"}}
        home.write_config(sample_of("cursor"), json.dumps({"mcpServers": {"trax": trax}}))
    done = await home.install("cursor", typed="" if has_key else f"{SANDBOX_KEY}\n")
    assert done.code == 0, done.err
    env = entry(home.path / ".cursor/mcp.json")["env"]
    client_env = {inherited: "1" if inherited == "TRAX_SANDBOX" else "/elsewhere"}
    settings = read_settings({**client_env, **env})
    assert (settings.key(), settings.sandbox) == (SANDBOX_KEY, False)
    before = home.file_stats()
    await home.install("cursor")
    assert home.file_stats() == before


async def test_replaced_entry_is_reported_before_the_key_is_read(home: Home) -> None:
    """With its command and the names of its kept fields: the key would be sent to its address."""
    env = {"TRAX_BASE_URL": "https://evil.example", "TRAX_CONFIRM": "flag", "TRAX_API_KEY": "old"}
    trax = {"command": "npx\x1b[2J", "args": ["--token", "hunter2"], "env": env, "cwd": "/x"}
    file = home.write_config(sample_of("cursor"), json.dumps({"mcpServers": {"trax": trax}}))
    expected = [
        r"Cursor has a trax already. It started npx\u001b[2J.",
        "What else stands there is kept: cwd, TRAX_BASE_URL, TRAX_CONFIRM.",
        "The key will be sent to the address in TRAX_BASE_URL: is it one that you know?",
    ]
    done = await home.install("cursor", typed=f"{KEY}\n")
    assert (done.code, done.err.splitlines()[:3]) == (0, expected)
    assert "Reading the key" in done.err.splitlines()[3]
    assert entry(file)["cwd"] == "/x"
    second = await home.install("cursor", typed=f"{KEY}\n")
    assert "already" not in second.err.replace("set up already", "")
    home.write_config(sample_of("cursor"), json.dumps({"mcpServers": {"trax": trax}}))
    assert (await home.install("cursor", "--sandbox")).err.splitlines() == expected[:2]


async def test_install_reports_a_project_with_its_own_entry(home: Home) -> None:
    """There, Claude Code ignores the entry for all projects."""
    home.write_config(sample_of("claude-code"))
    done = await home.install("claude-code", typed=f"{KEY}\n")
    assert "In /home/ann/show alone, another entry counts" in done.out
    assert "claude mcp remove trax --scope local" in done.out
    home.write_config(
        sample_of("claude-code"), '{"projects": {"/a": null, "/b": {"mcpServers": null}}}'
    )
    done = await home.install("claude-code", typed=f"{KEY}\n")
    assert (done.code, "alone" in done.out) == (0, False)


@each_client
async def test_install_replaces_null_servers_with_an_object(home: Home, sample: Sample) -> None:
    """Some clients write null."""
    file = home.write_config(sample, f'{{"a": 1, "{sample.servers}": null}}')
    done = await home.install(sample.client, "--sandbox")
    assert (done.code, entry(file, sample.servers)["command"]) == (0, COMMAND)
    assert json.loads(file.read_text())["a"] == 1


async def test_install_escapes_control_sequences_in_paths(home: Home) -> None:
    """In its output and in the printed paths."""
    folder = home.path / "\x1b]0;x\x07"
    done = await home.install("vscode", "--sandbox", XDG_CONFIG_HOME=str(folder))
    printed = await home.install("vscode", "--print", XDG_CONFIG_HOME=str(folder))
    for text in (done.out, printed.err):
        assert r"\u001b]0;x\u0007" in text
        assert "\x1b" not in text


async def test_changes_made_by_the_client_during_the_key_prompt_are_kept(home: Home) -> None:
    """Claude Code often writes to its configuration."""
    code = sample_of("claude-code")
    file = home.write_config(code, "{}")
    await install_on_terminal(home, "claude-code", before_answer=lambda: home.write_config(code))
    assert file.read_text() == home.config_with_trax(code)


async def test_environment_variables_change_the_paths(home: Home) -> None:
    """As in the clients themselves."""
    apps, claude = home.path / "apps", home.path / "claude"
    variables = {"XDG_CONFIG_HOME": str(apps), "CLAUDE_CONFIG_DIR": str(claude)}
    for client in CLIENTS:
        await home.install(client, typed=f"{KEY}\n", **variables)
    assert sorted(home.all_files()) == [
        ".cursor/mcp.json",
        "apps/Claude/claude_desktop_config.json",
        "apps/Code/User/mcp.json",
        "apps/trax-mcp/key",
        "claude/.claude.json",
    ]


@each_client
@pytest.mark.parametrize("arguments", [[], ["--sandbox"]], ids=["key", "sandbox"])
async def test_written_entry_starts_a_server(
    home: Home, sample: Sample, arguments: list[str]
) -> None:
    """From any folder, with only the entry's own environment."""
    await home.install(sample.client, *arguments, typed=f"{SANDBOX_KEY}\n")
    trax = entry(home.path / sample.path, sample.servers)
    assert Path(trax["command"]).is_absolute()
    process = await create_subprocess_exec(
        *(trax["command"], *trax["args"]),
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        env=environment(trax.get("env", {})),
        cwd=home.path,
    )
    params = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": CLIENT_INFO}
    request = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
    async with timeout(PATIENCE_SECONDS):
        out, err = await process.communicate(json.dumps(request).encode() + b"\n")
    assert process.returncode == 0, err
    assert json.loads(out)["result"]["serverInfo"]["name"] == "trax-mcp"
