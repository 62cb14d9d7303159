"""`trax-mcp install`: what it writes into realistic client configurations, and what it keeps."""

from __future__ import annotations

import json
from asyncio import create_subprocess_exec, timeout
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Final

import pytest

from tests.support.client_configurations import SAMPLES, WITH_COMMENTS, Sample
from tests.support.home_folder import (
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
from tests.support.server_process import PATIENCE_SECONDS, environment
from trax_mcp.cli.install.clients import CLIENTS, FILE_CLIENTS
from trax_mcp.sandbox import SANDBOX_KEY
from trax_mcp.settings import read_settings

pytestmark = pytest.mark.slow

CLIENT_INFO: Final = {"name": "a client", "version": "1"}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home folder."""
    return Home(tmp_path)


def test_every_client_has_a_sample() -> None:
    """So that every client runs through the tests below."""
    assert [it.client for it in SAMPLES] == [
        name for name, client in FILE_CLIENTS.items() if client.written
    ]


@each_client
async def test_install_adds_trax_and_changes_nothing_else(home: Home, sample: Sample) -> None:
    """Other servers, their order and the indents stay; the backup is private."""
    file = home.write_config(sample)
    file.chmod(0o640)
    done = await home.install(sample.client, typed=f"{KEY}\n")
    assert done.code == 0, done.err
    assert home.all_files() == {
        sample.path: home.config_with_trax(sample).encode(),
        f"{sample.path}.trax-mcp.bak": sample.text.encode(),
        ".config/trax-mcp/key": f"{KEY}\n".encode(),
    }
    backup = file.with_name(f"{file.name}.trax-mcp.bak")
    assert [mode(file), mode(backup)] == [0o640, 0o600]
    assert [mode(home.key_file), mode(home.key_file.parent)] == [0o600, 0o700]


async def test_a_second_install_writes_nothing(home: Home) -> None:
    """With the same key or without one."""
    sample = sample_of("vscode")
    home.write_config(sample)
    await home.install(sample.client, typed=f"{KEY}\n")
    before = home.file_stats()
    for typed in ("", f"{KEY}\n"):
        done = await home.install(sample.client, typed=typed)
        assert (done.code, done.out.splitlines()[0]) == (
            0,
            f"{CLIENTS[sample.client].title} was set up already, on your studios.",
        )
        assert home.file_stats() == before


@each_client
async def test_install_creates_a_missing_configuration(home: Home, sample: Sample) -> None:
    """Only its owner can read it; if the client's folder was missing too, the output says so."""
    done = await home.install(sample.client, "--sandbox", typed=f"{KEY}\n")
    file = home.path / sample.path
    command = {"command": COMMAND, "args": [*ARGUMENTS, "--sandbox"]}
    trax = {**sample.fields, **command}
    assert json.loads(file.read_text()) == {sample.servers: {"trax": trax}}
    assert mode(file) == 0o600
    assert not home.key_file.exists()
    assert ("no folder here yet" in done.out) is (sample.client != "claude-code")
    assert [line for line in done.out.splitlines() if len(line) > 80 and "/" not in line] == []


async def test_the_print_option_prints_the_entry_and_writes_nothing(home: Home) -> None:
    """Stdout has only JSON, stderr the paths; no key is asked for."""
    sample = sample_of("vscode")
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


async def test_install_keeps_a_symbolic_link(home: Home) -> None:
    """The backup is next to the link's target."""
    cursor = sample_of("cursor")
    link = home.write_config(cursor)
    target = home.path / "dotfiles" / "mine.json"
    target.parent.mkdir()
    link.rename(target)
    link.symlink_to(target)
    assert (await home.install("cursor", typed=f"{KEY}\n")).code == 0
    assert link.readlink() == target
    assert target.read_text() == home.config_with_trax(cursor)
    assert target.with_name("mine.json.trax-mcp.bak").read_text() == cursor.text
    assert list(link.parent.iterdir()) == [link]


async def test_backup_is_private_and_of_the_last_change(home: Home) -> None:
    """There is one, even if someone has opened it to others."""
    cursor = sample_of("cursor")
    backup = home.write_config(cursor).with_name("mcp.json.trax-mcp.bak")
    await home.install("cursor", typed=f"{KEY}\n")
    backup.chmod(0o644)
    await home.install("cursor", "--sandbox")
    assert backup.read_text() == home.config_with_trax(cursor)
    assert mode(backup) == 0o600
    assert len(list(backup.parent.iterdir())) == 2


async def test_install_keeps_line_ends_and_reads_a_byte_order_mark(home: Home) -> None:
    """As written by editors on Windows; some clients cannot read the mark, so it goes."""
    cursor = sample_of("cursor")
    file = home.write_config(cursor, "\ufeff" + cursor.text.replace("\n", "\r\n"))
    await home.install("cursor", typed=f"{KEY}\n")
    assert file.read_bytes().decode() == home.config_with_trax(cursor).replace("\n", "\r\n")


@pytest.mark.parametrize("text", ["", " \n", "null", '{"mcpServers": null}'])
async def test_empty_configuration_counts_as_an_empty_object(home: Home, text: str) -> None:
    """Some clients write null, or create an empty file."""
    file = home.write_config(sample_of("cursor"), text)
    assert (await home.install("cursor", "--sandbox")).code == 0
    assert entry(file)["command"] == COMMAND


async def test_a_lone_surrogate_is_kept(home: Home) -> None:
    """JavaScript clients write one when they cut a text inside an emoji."""
    file = home.write_config(sample_of("claude-code"), '{\n  "history": "é \\ud83d"\n}')
    assert (await home.install("claude-code", "--sandbox")).code == 0
    assert '"history": "é \\ud83d"' in file.read_text()


@pytest.mark.parametrize(
    ("client", "text"),
    [
        ("vscode", WITH_COMMENTS),
        ("cursor", '{"mcpServers": {"a": {"command": "b"}}, "mcpServers": {}}'),
    ],
    ids=["comments", "a name twice"],
)
async def test_a_configuration_that_would_lose_content_is_not_changed(
    home: Home, client: str, text: str
) -> None:
    """The key is written, and the entry is printed. Pasted by hand, it counts as set up."""
    sample = sample_of(client)
    file = home.write_config(sample, text)
    done = await home.install(client, typed=f"{KEY}\n")
    assert done.code == 1
    assert done.err.startswith("Reading the key, one line, from stdin, which is no terminal.\n")
    assert f"trax-mcp: {file} was left alone: comments in it, or names" in done.err
    next_step = CLIENTS[client].next_step
    assert done.err.endswith(
        f"Your key was written to {home.key_file}.\nAdd this by hand:\n{next_step}\n"
    )
    assert home.all_files() == {
        sample.path: text.encode(),
        ".config/trax-mcp/key": f"{KEY}\n".encode(),
    }
    pasted = json.loads(done.out)[sample.servers]
    name = f'"{sample.servers}": {{'
    before, after = text.rsplit(name, 1)
    rest = f", {after}" if after.strip().startswith('"') else after
    file.write_text(f"{before}{name}{json.dumps(pasted)[1:-1]}{rest}")
    again = await home.install(client)
    assert (again.code, "was set up already" in again.out) == (0, True)


async def test_entry_among_comments_is_left_to_the_user(home: Home) -> None:
    """Its settings are not printed: they may be secret."""
    text = (
        '{"mcpServers": { // mine\n"trax": {"command": "/gone", "env": {"TRAX_API_KEY": "old"}}}}'
    )
    home.write_config(sample_of("cursor"), text)
    done = await home.install("cursor")
    assert (done.code, "old" in done.out + done.err) == (1, False)
    assert "Change its trax to this by hand; what else it has may stay:\n" in done.err
    assert json.loads(done.out)["mcpServers"]["trax"]["command"] == COMMAND


async def test_trailing_commas_are_no_content(home: Home) -> None:
    """Clients that take comments take them too."""
    file = home.write_config(sample_of("cursor"), '{"a": ["x,}", 1,], "mcpServers": {},}')
    assert (await home.install("cursor", "--sandbox")).code == 0
    assert json.loads(file.read_text())["a"] == ["x,}", 1]


async def test_install_corrects_an_old_entry_and_keeps_its_other_settings(home: Home) -> None:
    """The client's own fields stay; the sandbox is switched off."""
    env = {"TRAX_CONFIRM": "human", "TRAX_SANDBOX": "1"}
    old = {"command": "/gone/trax-mcp", "disabled": False, "args": ["--sandbox"], "env": env}
    file = home.write_config(sample_of("cursor"), json.dumps({"mcpServers": {"trax": old}}))
    await home.install("cursor", typed=f"{KEY}\n")
    assert entry(file) == {
        "type": "stdio",
        "command": COMMAND,
        "args": ARGUMENTS,
        "disabled": False,
        "env": {"TRAX_CONFIRM": "human", **home.key_file_settings},
    }


@pytest.mark.parametrize(
    "env", [None, {"TRAX_CONFIRM": "human"}, {"TRAX_API_KEY": SANDBOX_KEY}], ids=str
)
async def test_entry_overrides_the_clients_own_environment(
    home: Home, env: dict[str, str] | None
) -> None:
    """That environment may have another key, or the sandbox."""
    if env is not None:
        trax = {"command": "/gone/trax-mcp", "env": env}
        home.write_config(sample_of("cursor"), json.dumps({"mcpServers": {"trax": trax}}))
    has_key = env is not None and "TRAX_API_KEY" in env
    done = await home.install("cursor", typed="" if has_key else f"{SANDBOX_KEY}\n")
    assert done.code == 0, done.err
    written = entry(home.path / ".cursor/mcp.json")["env"]
    for inherited in ("TRAX_API_KEY", "TRAX_API_KEY_FILE", "TRAX_SANDBOX"):
        client_env = {inherited: "1" if inherited == "TRAX_SANDBOX" else "/elsewhere"}
        settings = read_settings({**client_env, **written})
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
        "The key will be sent to https://evil.example: is it an address that you know?",
    ]
    done = await home.install("cursor", typed=f"{KEY}\n")
    assert (done.code, done.err.splitlines()[:3]) == (0, expected)
    assert "Reading the key" in done.err.splitlines()[3]
    assert entry(file)["cwd"] == "/x"
    second = await home.install("cursor", typed=f"{KEY}\n")
    assert "already" not in second.err.replace("set up already", "")
    home.write_config(sample_of("cursor"), json.dumps({"mcpServers": {"trax": trax}}))
    assert (await home.install("cursor", "--sandbox")).err.splitlines() == expected[:2]


async def test_a_key_in_a_replaced_command_is_not_shown(home: Home) -> None:
    """Only the arguments and values of an entry are never shown."""
    trax = {"command": f"env TRAX_API_KEY={SANDBOX_KEY} trax-mcp"}
    home.write_config(sample_of("cursor"), json.dumps({"mcpServers": {"trax": trax}}))
    done = await home.install("cursor", "--sandbox")
    assert "It started env TRAX_API_KEY=[key] trax-mcp." in done.err


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
    for sample in SAMPLES:
        await home.install(sample.client, typed=f"{KEY}\n", **variables)
    assert sorted(home.all_files()) == [
        ".codeium/windsurf/mcp_config.json",
        ".cursor/mcp.json",
        ".gemini/settings.json",
        "apps/Claude/claude_desktop_config.json",
        "apps/Code/User/mcp.json",
        "apps/trax-mcp/key",
        "apps/zed/settings.json",
        "claude/.claude.json",
    ]


@pytest.mark.parametrize("arguments", [[], ["--sandbox"]], ids=["key", "sandbox"])
async def test_written_entry_starts_a_server(home: Home, arguments: list[str]) -> None:
    """From any folder, with only the entry's own environment."""
    await home.install("cursor", *arguments, typed=f"{SANDBOX_KEY}\n")
    trax = entry(home.path / ".cursor/mcp.json")
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
