"""Where each client has its configuration, and how its trax entry is classified."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pytest

from trax_mcp.cli.clients import CLIENTS, Computer
from trax_mcp.cli.entries import (
    ConfigState,
    ConfiguredClient,
    Entry,
    Installation,
    config_state,
    read_configurations,
)
from trax_mcp.cli.jsonc import Document
from trax_mcp.cli.key_file import key_file

if TYPE_CHECKING:
    from pathlib import Path

INSTALLATION: Final = Installation(
    (("/opt/trax/bin/trax-mcp",), ("/opt/trax/bin/python", "-m", "trax_mcp"))
)

PATHS: Final = {
    "linux": {
        "claude-desktop": ".config/Claude/claude_desktop_config.json",
        "claude-code": ".claude.json",
        "cursor": ".cursor/mcp.json",
        "vscode": ".config/Code/User/mcp.json",
        "key": ".config/trax-mcp/key",
    },
    "darwin": {
        "claude-desktop": "Library/Application Support/Claude/claude_desktop_config.json",
        "claude-code": ".claude.json",
        "cursor": ".cursor/mcp.json",
        "vscode": "Library/Application Support/Code/User/mcp.json",
        "key": "Library/Application Support/trax-mcp/key",
    },
    "win32": {
        "claude-desktop": "AppData/Roaming/Claude/claude_desktop_config.json",
        "claude-code": ".claude.json",
        "cursor": ".cursor/mcp.json",
        "vscode": "AppData/Roaming/Code/User/mcp.json",
        "key": "AppData/Roaming/trax-mcp/key",
    },
}


def paths(computer: Computer) -> dict[str, str]:
    """The path of every configuration and of the key, below the home folder."""
    found = {name: client.configuration(computer) for name, client in CLIENTS.items()}
    found["key"] = key_file(computer)
    return {name: it.relative_to(computer.home).as_posix() for name, it in found.items()}


@pytest.mark.parametrize("system", PATHS)
def test_paths_follow_the_operating_system(system: str, tmp_path: Path) -> None:
    """They are those that each client documents."""
    assert paths(Computer(system, tmp_path, {})) == PATHS[system]


@pytest.mark.parametrize(
    ("system", "variable", "moved"),
    [
        ("linux", "XDG_CONFIG_HOME", {"claude-desktop", "vscode", "key"}),
        ("win32", "APPDATA", {"claude-desktop", "vscode", "key"}),
        ("darwin", "XDG_CONFIG_HOME", set()),
        ("linux", "CLAUDE_CONFIG_DIR", {"claude-code"}),
    ],
)
def test_environment_variable_moves_only_its_own_files(
    system: str, variable: str, moved: set[str], tmp_path: Path
) -> None:
    """A relative folder is ignored."""
    computer = Computer(system, tmp_path, {variable: str(tmp_path / "elsewhere")})
    resolved = paths(computer)
    assert {it for it in resolved if resolved[it].startswith("elsewhere/")} == moved
    assert paths(Computer(system, tmp_path, {variable: "elsewhere"})) == PATHS[system]


def test_packaged_claude_desktop_uses_its_windows_package_folder(tmp_path: Path) -> None:
    """It cannot read the documented path."""
    package = "AppData/Local/Packages/Claude_pzs8sxrjxfjjc/LocalCache/Roaming"
    (tmp_path / package).mkdir(parents=True)
    desktop = f"{package}/Claude/claude_desktop_config.json"
    assert paths(Computer("win32", tmp_path, {})) == PATHS["win32"] | {"claude-desktop": desktop}
    assert paths(Computer("linux", tmp_path, {})) == PATHS["linux"]


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ('{"command": "/opt/trax/bin/trax-mcp"}', ConfigState.HERE),
        ('{"command": "/opt/trax/bin/trax-mcp", "args": ["--sandbox"]}', ConfigState.HERE),
        ('{"command": "/opt/trax/bin/python", "args": ["-m", "trax_mcp"]}', ConfigState.HERE),
        ('{"command": "/opt/trax/bin/python", "args": ["-m", "other"]}', ConfigState.ELSEWHERE),
        ('{"command": "/opt/trax/bin/trax-mcp", "args": ["http"]}', ConfigState.ELSEWHERE),
        ('{"command": "trax-mcp", "args": 3}', ConfigState.ELSEWHERE),
        ('{"url": "http://127.0.0.1:8765/mcp"}', ConfigState.ELSEWHERE),
        ('"trax"', ConfigState.ELSEWHERE),
        ("null", ConfigState.WITHOUT),
        ("{", ConfigState.BROKEN),
    ],
)
def test_entry_state_depends_on_the_command_it_starts(
    client: str, entry: str, expected: ConfigState
) -> None:
    """Every command that starts this installation counts as here."""
    row = CLIENTS[client]
    text = f'{{"{row.servers}": {{"trax": {entry}}}}}'
    assert config_state(row, text, INSTALLATION) is expected


@pytest.mark.parametrize("client", CLIENTS)
def test_entry_written_by_install_is_classified_as_here(client: str) -> None:
    """For any other installation it is elsewhere."""
    row = CLIENTS[client]
    empty = Document.read("{}", comments=row.comments)
    for entry in (Entry(INSTALLATION), Entry(INSTALLATION, sandbox=True)):
        text = entry.add_to(empty, row).text
        assert config_state(row, text, INSTALLATION) is ConfigState.HERE
        assert config_state(row, text, Installation((("/usr/bin/x",),))) is ConfigState.ELSEWHERE
    assert config_state(row, "{}", INSTALLATION) is ConfigState.WITHOUT
    assert config_state(row, None, INSTALLATION) is ConfigState.ABSENT


@pytest.mark.parametrize("client", CLIENTS)
def test_null_servers_count_as_an_empty_object(client: str) -> None:
    """Some clients write null."""
    row = CLIENTS[client]
    empty = Document.read(f'{{"{row.servers}": null}}', comments=row.comments)
    assert config_state(row, empty.text, INSTALLATION) is ConfigState.WITHOUT
    assert (
        config_state(row, Entry(INSTALLATION).add_to(empty, row).text, INSTALLATION)
        is ConfigState.HERE
    )


def test_project_entries_are_listed_after_the_global_entry(tmp_path: Path) -> None:
    """One for each project that has an entry, for Claude Code only."""
    computer = Computer("linux", tmp_path, {})
    local = {"/here": "/opt/trax/bin/trax-mcp", "/there": "/gone/trax-mcp"}
    projects = {it: {"mcpServers": {"trax": {"command": to}}} for it, to in local.items()}
    for client in ("claude-code", "cursor"):
        file = CLIENTS[client].configuration(computer)
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps({"projects": projects}))
    code = CLIENTS["claude-code"]
    path = code.configuration(computer)
    found = [
        it
        for it in read_configurations(computer, INSTALLATION)
        if it.state is not ConfigState.ABSENT
    ]
    assert found == [
        ConfiguredClient(code, path, ConfigState.WITHOUT),
        ConfiguredClient(code, path, ConfigState.HERE, "/here"),
        ConfiguredClient(code, path, ConfigState.ELSEWHERE, "/there"),
        ConfiguredClient(
            CLIENTS["cursor"], CLIENTS["cursor"].configuration(computer), ConfigState.WITHOUT
        ),
    ]


def test_every_client_is_listed_with_the_state_of_its_configuration(tmp_path: Path) -> None:
    """An unreadable configuration is no error."""
    computer = Computer("linux", tmp_path, {})
    contents = {
        "claude-code": b'{"mcpServers": {"trax": {"command": "/opt/trax/bin/trax-mcp"}}}',
        "cursor": b"\xff\xfe",
    }
    for name, content in contents.items():
        file = CLIENTS[name].configuration(computer)
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content)
    (tmp_path / ".config/Code/User/mcp.json").mkdir(parents=True)
    expected = (ConfigState.ABSENT, ConfigState.HERE, ConfigState.BROKEN, ConfigState.BROKEN)
    assert read_configurations(computer, INSTALLATION) == tuple(
        ConfiguredClient(client, client.configuration(computer), it)
        for client, it in zip(CLIENTS.values(), expected, strict=True)
    )


def test_installation_is_started_by_its_script_or_its_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By an absolute path, so that it starts from any folder."""
    python = tmp_path / "python"
    monkeypatch.setattr("sys.executable", str(python))
    by_module = ((str(python), "-P", "-m", "trax_mcp"), (str(python), "-m", "trax_mcp"))
    assert Installation.this() == Installation(by_module)
    script = tmp_path / "trax-mcp"
    script.touch()
    assert Installation.this() == Installation(((str(script),), *by_module))
