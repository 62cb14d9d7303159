"""`trax-mcp install`: what is written, on configurations as clients have them, and what is kept."""

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
    mode,
    on_a_terminal,
    sample_of,
)
from tests.processes import PATIENCE_SECONDS, environment
from trax_mcp.cli.clients import CLIENTS
from trax_mcp.sandbox import SANDBOX_KEY
from trax_mcp.settings import read_settings

INFO: Final = {"name": "a client", "version": "1"}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home folder."""
    return Home(tmp_path)


def test_every_client_has_a_sample() -> None:
    """A new row of the table is tried with everything below."""
    assert [it.client for it in SAMPLES] == list(CLIENTS)


@each_client
async def test_trax_is_added_and_nothing_else_changes(home: Home, sample: Sample) -> None:
    """Character by character: other servers, comments, order, indents, numbers as typed."""
    file = home.has(sample)
    file.chmod(0o640)
    done = await home.install(sample.client, typed=f"{KEY}\n")
    assert done.code == 0, done.err
    assert home.all_files() == {
        sample.place: home.grown(sample).encode(),
        f"{sample.place}.bak": sample.text.encode(),
        ".config/trax-mcp/key": f"{KEY}\n".encode(),
    }
    assert [mode(file), mode(file.with_name(f"{file.name}.bak"))] == [0o640, 0o600]
    assert [mode(home.key_file), mode(home.key_file.parent)] == [0o600, 0o700]


@each_client
async def test_to_do_it_again_writes_nothing(home: Home, sample: Sample) -> None:
    """No file is touched, no second backup is made, with the same key or with none."""
    home.has(sample)
    await home.install(sample.client, typed=f"{KEY}\n")
    before = home.state()
    for typed in ("", "\n", f"{KEY}\n"):
        done = await home.install(sample.client, typed=typed)
        assert (done.code, done.out.splitlines()[0]) == (
            0,
            f"{CLIENTS[sample.client].title} was set up already, on your studios.",
        )
        assert home.state() == before


@each_client
@pytest.mark.parametrize("arguments", [[], ["--sandbox"]], ids=["key", "sandbox"])
async def test_a_configuration_that_is_missing_is_made(
    home: Home, sample: Sample, arguments: list[str]
) -> None:
    """For its owner alone; where the client had no folder, it is said that it was made."""
    done = await home.install(sample.client, *arguments, typed=f"{KEY}\n")
    file = home.path / sample.place
    made = {"command": COMMAND, "args": [*ARGUMENTS, *arguments]} | (
        {} if arguments else {"env": home.only_the_key_file}
    )
    shape = {} if sample.client == "claude-desktop" else {"type": "stdio"}
    assert json.loads(file.read_text()) == {sample.servers: {"trax": shape | made}}
    assert mode(file) == 0o600
    assert home.key_file.exists() is not bool(arguments)
    assert ("no folder here yet" in done.out) is (sample.client != "claude-code")
    assert [line for line in done.out.splitlines() if len(line) > 80 and "/" not in line] == []


@each_client
async def test_it_can_be_printed_instead(home: Home, sample: Sample) -> None:
    """Only JSON on stdout, the places on stderr; nothing is asked, read or written."""
    home.has(sample, "{ not even JSON")
    before = home.state()
    done = await home.install(sample.client, "--print", typed=f"{KEY}\n")
    printed = json.loads(done.out)
    assert done.code == 0
    assert printed[sample.servers]["trax"]["command"] == COMMAND
    assert printed[sample.servers]["trax"]["env"] == home.only_the_key_file
    assert str(home.path / sample.place) in done.err
    assert str(home.key_file) in done.err
    assert home.state() == before


async def test_what_is_printed_for_the_sandbox_knows_no_key(home: Home) -> None:
    """It is the whole configuration of a client that has no other server."""
    done = await home.install("cursor", "--print", "--sandbox")
    wanted = {"type": "stdio", "command": COMMAND, "args": [*ARGUMENTS, "--sandbox"]}
    assert json.loads(done.out) == {"mcpServers": {"trax": wanted}}
    assert "key" not in done.err
    assert home.all_files() == {}


@each_client
async def test_a_link_stays_a_link_to_the_same_file(home: Home, sample: Sample) -> None:
    """As people have it who keep their settings elsewhere; the backup is beside the file itself."""
    link = home.has(sample)
    target = home.path / "dotfiles" / "mine.json"
    target.parent.mkdir()
    link.rename(target)
    link.symlink_to(target)
    assert (await home.install(sample.client, typed=f"{KEY}\n")).code == 0
    assert link.readlink() == target
    assert target.read_text() == home.grown(sample)
    assert target.with_name("mine.json.bak").read_text() == sample.text
    assert list(link.parent.glob(f"{link.name}.*")) == []


@each_client
async def test_line_ends_and_a_byte_order_mark_stay(home: Home, sample: Sample) -> None:
    """As editors on Windows leave them; what is added has the same."""

    def windows(text: str) -> str:
        return "\ufeff" + text.replace("\n", "\r\n")

    file = home.has(sample, windows(sample.text))
    await home.install(sample.client, typed=f"{KEY}\n")
    assert file.read_bytes().decode() == windows(home.grown(sample))


async def test_no_backup_is_ever_overwritten(home: Home) -> None:
    """What was there before the first time can still be had; the same is not kept twice."""
    cursor = sample_of("cursor")
    file = home.has(cursor)
    backups = [file.with_name(f"mcp.json.bak{it}") for it in ("", ".1", ".2")]
    backups[0].write_text("mine")
    await home.install("cursor", typed=f"{KEY}\n")
    home.has(cursor)
    await home.install("cursor")
    await home.install("cursor", "--sandbox")
    kept = [it.read_text() for it in backups]
    assert kept == ["mine", cursor.text, home.grown(cursor)]
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


async def test_an_entry_from_before_is_corrected_and_keeps_the_rest(home: Home) -> None:
    """Its own settings, what the client put there, and comments; only the sandbox is left."""
    file = home.has(sample_of("cursor"), OLD_ENTRY)
    await home.install("cursor", typed=f"{KEY}\n")
    added = f'"TRAX_SANDBOX": "", "TRAX_API_KEY_FILE": "{home.key_file}", "TRAX_API_KEY": "" }}'
    wanted = (
        OLD_ENTRY.replace("/gone/trax-mcp", COMMAND)
        .replace('["--sandbox"]', json.dumps(ARGUMENTS))
        .replace('"TRAX_SANDBOX": "1" }', added)
        .replace(f"{added}\n    }}", f'{added},\n      "type": "stdio"\n    }}')
    )
    assert file.read_text() == wanted


@pytest.mark.parametrize("there", [False, True], ids=["new", "from before"])
@pytest.mark.parametrize("handed_on", ["TRAX_API_KEY", "TRAX_API_KEY_FILE", "TRAX_SANDBOX"])
@pytest.mark.parametrize("kept", [False, True], ids=["key in a file", "key in the entry"])
async def test_what_a_client_hands_on_does_not_count(
    home: Home, *, there: bool, handed_on: str, kept: bool
) -> None:
    """Its own environment may have a key of another kind, or the sandbox: the entry decides."""
    own = {"TRAX_API_KEY": SANDBOX_KEY} if kept else {}
    if there or kept:
        trax = {"command": "/gone/trax-mcp", "env": {**own, "TRAX_CONFIRM": "human"}}
        home.has(sample_of("cursor"), json.dumps({"mcpServers": {"trax": trax}}))
    done = await home.install("cursor", typed="" if kept else f"{SANDBOX_KEY}\n")
    assert done.code == 0, done.err
    env = entry(home.path / ".cursor/mcp.json")["env"]
    handed = {handed_on: "1" if handed_on == "TRAX_SANDBOX" else "/elsewhere"}
    settings = read_settings({**handed, **env})
    assert (settings.key(), settings.sandbox) == (SANDBOX_KEY, False)
    before = home.state()
    await home.install("cursor")
    assert home.state() == before


async def test_whose_place_is_taken_is_said_before_the_key_is_given(home: Home) -> None:
    """What it started, and what else is kept, by name: the key would go to its address."""
    env = {"TRAX_BASE_URL": "https://evil.example", "TRAX_CONFIRM": "flag", "TRAX_API_KEY": "old"}
    trax = {"command": "npx\x1b[2J", "args": ["--token", "hunter2"], "env": env, "cwd": "/x"}
    file = home.has(sample_of("cursor"), json.dumps({"mcpServers": {"trax": trax}}))
    told = [
        r"Cursor has a trax already. It started npx\u001b[2J.",
        "What else stands there is kept: cwd, TRAX_BASE_URL, TRAX_CONFIRM.",
        "The key will be sent to the address in TRAX_BASE_URL: is it one that you know?",
    ]
    done = await home.install("cursor", typed=f"{KEY}\n")
    assert (done.code, done.err.splitlines()[:3]) == (0, told)
    assert "Reading the key" in done.err.splitlines()[3]
    assert entry(file)["cwd"] == "/x"
    again = await home.install("cursor", typed=f"{KEY}\n")
    assert "already" not in again.err.replace("set up already", "")
    home.has(sample_of("cursor"), json.dumps({"mcpServers": {"trax": trax}}))
    assert (await home.install("cursor", "--sandbox")).err.splitlines() == told[:2]


async def test_a_project_that_has_an_entry_of_its_own_is_told_of(home: Home) -> None:
    """Claude Code starts that one there, whatever is added for all projects."""
    home.has(sample_of("claude-code"))
    done = await home.install("claude-code", typed=f"{KEY}\n")
    assert "In /home/ann/show alone, another entry counts" in done.out
    assert "claude mcp remove trax --scope local" in done.out
    home.has(sample_of("claude-code"), '{"projects": {"/a": null, "/b": {"mcpServers": null}}}')
    done = await home.install("claude-code", typed=f"{KEY}\n")
    assert (done.code, "alone" in done.out) == (0, False)


@each_client
async def test_no_servers_at_all_are_none(home: Home, sample: Sample) -> None:
    """Some write null in place of an empty object."""
    file = home.has(sample, f'{{"a": 1, "{sample.servers}": null}}')
    done = await home.install(sample.client, "--sandbox")
    assert (done.code, entry(file, sample.servers)["command"]) == (0, COMMAND)
    assert json.loads(file.read_text())["a"] == 1


async def test_a_path_that_a_terminal_would_obey_is_spelt_out(home: Home) -> None:
    """A folder may be called anything."""
    folder = home.path / "\x1b]0;x\x07"
    done = await home.install("vscode", "--sandbox", XDG_CONFIG_HOME=str(folder))
    printed = await home.install("vscode", "--print", XDG_CONFIG_HOME=str(folder))
    for told in (done.out, printed.err):
        assert r"\u001b]0;x\u0007" in told
        assert "\x1b" not in told


async def test_what_a_client_writes_while_a_person_types_is_not_lost(home: Home) -> None:
    """Claude Code writes to its configuration all the time."""
    code = sample_of("claude-code")
    file = home.has(code, "{}")
    await on_a_terminal(home, "claude-code", meanwhile=lambda: home.has(code))
    assert file.read_text() == home.grown(code)


async def test_the_places_that_variables_name_are_used(home: Home) -> None:
    """As the clients themselves do."""
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
async def test_what_is_written_starts_a_server(
    home: Home, sample: Sample, arguments: list[str]
) -> None:
    """From any folder, with nothing but what stands in the entry."""
    await home.install(sample.client, *arguments, typed=f"{SANDBOX_KEY}\n")
    trax = entry(home.path / sample.place, sample.servers)
    assert Path(trax["command"]).is_absolute()
    process = await create_subprocess_exec(
        *(trax["command"], *trax["args"]),
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        env=environment(trax.get("env", {})),
        cwd=home.path,
    )
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": INFO}
    request = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}
    async with timeout(PATIENCE_SECONDS):
        out, err = await process.communicate(json.dumps(request).encode() + b"\n")
    assert process.returncode == 0, err
    assert json.loads(out)["result"]["serverInfo"]["name"] == "trax-mcp"
