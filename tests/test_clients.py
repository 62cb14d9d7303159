"""Where each client has its configuration, and how that is judged for a person who asks."""

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
    standing,
    survey,
)
from trax_mcp.cli.jsonc import Document
from trax_mcp.cli.key_file import key_file

if TYPE_CHECKING:
    from pathlib import Path

HERE: Final = Installation(
    (("/opt/trax/bin/trax-mcp",), ("/opt/trax/bin/python", "-m", "trax_mcp"))
)

PLACES: Final = {
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


def places(computer: Computer) -> dict[str, str]:
    """Where everything is, below the home folder."""
    found = {name: client.configuration(computer) for name, client in CLIENTS.items()}
    found["key"] = key_file(computer)
    return {name: it.relative_to(computer.home).as_posix() for name, it in found.items()}


@pytest.mark.parametrize("system", PLACES)
def test_every_system_has_its_own_places(system: str, tmp_path: Path) -> None:
    """As each client documents them."""
    assert places(Computer(system, tmp_path, {})) == PLACES[system]


@pytest.mark.parametrize(
    ("system", "variable", "moved"),
    [
        ("linux", "XDG_CONFIG_HOME", {"claude-desktop", "vscode", "key"}),
        ("win32", "APPDATA", {"claude-desktop", "vscode", "key"}),
        ("darwin", "XDG_CONFIG_HOME", set()),
        ("linux", "CLAUDE_CONFIG_DIR", {"claude-code"}),
    ],
)
def test_a_variable_moves_what_it_is_for(
    system: str, variable: str, moved: set[str], tmp_path: Path
) -> None:
    """And nothing else; a relative folder counts for nothing."""
    computer = Computer(system, tmp_path, {variable: str(tmp_path / "elsewhere")})
    found = places(computer)
    assert {it for it in found if found[it].startswith("elsewhere/")} == moved
    assert places(Computer(system, tmp_path, {variable: "elsewhere"})) == PLACES[system]


def test_a_packaged_claude_desktop_reads_what_windows_keeps_for_it(tmp_path: Path) -> None:
    """It never sees a file in the place that is documented."""
    package = "AppData/Local/Packages/Claude_pzs8sxrjxfjjc/LocalCache/Roaming"
    (tmp_path / package).mkdir(parents=True)
    desktop = f"{package}/Claude/claude_desktop_config.json"
    assert places(Computer("win32", tmp_path, {})) == PLACES["win32"] | {"claude-desktop": desktop}
    assert places(Computer("linux", tmp_path, {})) == PLACES["linux"]


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
def test_an_entry_is_judged_by_what_it_starts(
    client: str, entry: str, expected: ConfigState
) -> None:
    """Every way to start this installation is one."""
    row = CLIENTS[client]
    text = f'{{"{row.servers}": {{"trax": {entry}}}}}'
    assert standing(row, text, HERE) is expected


@pytest.mark.parametrize("client", CLIENTS)
def test_what_install_writes_is_judged_to_be_here(client: str) -> None:
    """Both speak of the same."""
    row = CLIENTS[client]
    empty = Document.read("{}", comments=row.comments)
    for entry in (Entry(HERE), Entry(HERE, sandbox=True)):
        text = entry.put_into(empty, row).text
        assert standing(row, text, HERE) is ConfigState.HERE
        assert standing(row, text, Installation((("/usr/bin/x",),))) is ConfigState.ELSEWHERE
    assert standing(row, "{}", HERE) is ConfigState.WITHOUT
    assert standing(row, None, HERE) is ConfigState.ABSENT


@pytest.mark.parametrize("client", CLIENTS)
def test_no_servers_at_all_are_none(client: str) -> None:
    """Some write null where others write an empty object."""
    row = CLIENTS[client]
    empty = Document.read(f'{{"{row.servers}": null}}', comments=row.comments)
    assert standing(row, empty.text, HERE) is ConfigState.WITHOUT
    assert standing(row, Entry(HERE).put_into(empty, row).text, HERE) is ConfigState.HERE


def test_a_survey_finds_what_counts_in_a_project_alone(tmp_path: Path) -> None:
    """After what counts everywhere, one more for each such project, and for no other client."""
    computer = Computer("linux", tmp_path, {})
    local = {"/here": "/opt/trax/bin/trax-mcp", "/there": "/gone/trax-mcp"}
    projects = {it: {"mcpServers": {"trax": {"command": to}}} for it, to in local.items()}
    for client in ("claude-code", "cursor"):
        file = CLIENTS[client].configuration(computer)
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps({"projects": projects}))
    code = CLIENTS["claude-code"]
    path = code.configuration(computer)
    found = [it for it in survey(computer, HERE) if it.standing is not ConfigState.ABSENT]
    assert found == [
        ConfiguredClient(code, path, ConfigState.WITHOUT),
        ConfiguredClient(code, path, ConfigState.HERE, "/here"),
        ConfiguredClient(code, path, ConfigState.ELSEWHERE, "/there"),
        ConfiguredClient(
            CLIENTS["cursor"], CLIENTS["cursor"].configuration(computer), ConfigState.WITHOUT
        ),
    ]


def test_a_survey_finds_what_there_is(tmp_path: Path) -> None:
    """One for each client, and no complaint about what cannot be read."""
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
    assert survey(computer, HERE) == tuple(
        ConfiguredClient(client, client.configuration(computer), it)
        for client, it in zip(CLIENTS.values(), expected, strict=True)
    )


def test_an_installation_is_started_by_its_script_or_by_its_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its absolute path, and whatever folder a client starts it in."""
    python = tmp_path / "python"
    monkeypatch.setattr("sys.executable", str(python))
    by_module = ((str(python), "-P", "-m", "trax_mcp"), (str(python), "-m", "trax_mcp"))
    assert Installation.this() == Installation(by_module)
    script = tmp_path / "trax-mcp"
    script.touch()
    assert Installation.this() == Installation(((str(script),), *by_module))
