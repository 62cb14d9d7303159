"""Where each client has its configuration, and which entry starts this installation."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pytest

from trax_mcp.cli.install import clients
from trax_mcp.cli.install.client_configuration import (
    Configuration,
    start_commands,
    starts_this_installation,
)
from trax_mcp.cli.install.clients import FILE_CLIENTS
from trax_mcp.cli.install.file_replacement import InstallError
from trax_mcp.cli.install.key_file import key_file

if TYPE_CHECKING:
    from pathlib import Path

PATHS: Final = {
    "claude-desktop": "APPS/Claude/claude_desktop_config.json",
    "claude-code": ".claude.json",
    "cursor": ".cursor/mcp.json",
    "vscode": "APPS/Code/User/mcp.json",
    "windsurf": ".codeium/windsurf/mcp_config.json",
    "zed": "APPS/zed/settings.json",
    "gemini-cli": ".gemini/settings.json",
    "codex": ".codex/config.toml",
    "key": "APPS/trax-mcp/key",
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder on Linux."""
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable in ("XDG_CONFIG_HOME", "CLAUDE_CONFIG_DIR", "CODEX_HOME"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path


def paths(home: Path) -> dict[str, str]:
    """The path of every configuration and of the key, below the home folder."""
    found = {name: client.path() for name, client in FILE_CLIENTS.items()} | {"key": key_file()}
    return {name: it.relative_to(home).as_posix() for name, it in found.items()}


def expected(apps: str) -> dict[str, str]:
    """The documented paths, with this folder for the settings of applications."""
    return {name: it.replace("APPS", apps) for name, it in PATHS.items()}


def test_paths_on_linux_follow_the_xdg_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative folder is ignored."""
    assert paths(home) == expected(".config")
    monkeypatch.setenv("XDG_CONFIG_HOME", "elsewhere")
    assert paths(home) == expected(".config")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "elsewhere"))
    assert paths(home) == expected("elsewhere")


def test_paths_on_macos_ignore_the_xdg_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the clients there do."""
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "elsewhere"))
    zed = {"zed": ".config/zed/settings.json"}
    assert paths(home) == expected("Library/Application Support") | zed


def test_paths_on_windows_are_in_the_roaming_folder(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A packaged Claude Desktop reads only the folder of its package."""
    data = home / "AppData"
    monkeypatch.setattr("platform.system", lambda: "Windows")
    monkeypatch.setattr(
        clients, "user_config_path", lambda *, roaming: data / ("Roaming" if roaming else "Local")
    )
    monkeypatch.setattr(clients, "user_data_path", lambda: data / "Local")
    windows = expected("AppData/Roaming") | {"zed": "AppData/Roaming/Zed/settings.json"}
    assert paths(home) == windows
    package = "AppData/Local/Packages/Claude_pzs8sxrjxfjjc/LocalCache/Roaming"
    (home / package).mkdir(parents=True)
    desktop = f"{package}/Claude/claude_desktop_config.json"
    assert paths(home) == windows | {"claude-desktop": desktop}


@pytest.mark.parametrize(
    ("variable", "client", "file"),
    [
        ("CLAUDE_CONFIG_DIR", "claude-code", ".claude.json"),
        ("CODEX_HOME", "codex", "config.toml"),
    ],
)
def test_variable_of_a_client_moves_its_configuration(
    home: Path, monkeypatch: pytest.MonkeyPatch, variable: str, client: str, file: str
) -> None:
    """A relative folder is ignored."""
    monkeypatch.setenv(variable, "elsewhere")
    assert paths(home) == expected(".config")
    monkeypatch.setenv(variable, str(home / "elsewhere"))
    assert paths(home) == expected(".config") | {client: f"elsewhere/{file}"}


@pytest.mark.parametrize("client", FILE_CLIENTS.values(), ids=lambda it: it.name)
def test_a_configuration_has_the_entry_of_each_client(
    home: Path, client: clients.FileClient
) -> None:
    """There is none without a file, without servers, and without trax."""
    file = client.path()
    assert Configuration.read(client).entry == {}
    file.parent.mkdir(parents=True, exist_ok=True)
    for text in ("", *without_trax(client)):
        file.write_text(text)
        assert Configuration.read(client).entry == {}
    file.write_text(with_trax(client))
    assert Configuration.read(client).entry == {"command": "x"}


def without_trax(client: clients.FileClient) -> tuple[str, ...]:
    """Configurations without an entry."""
    if client.format == "toml":
        return (f"[{client.servers}]", 'model = "x"')
    return ("{}", f'{{"{client.servers}": null}}', f'{{"{client.servers}": {{}}}}')


def with_trax(client: clients.FileClient) -> str:
    """A configuration with an entry."""
    if client.format == "toml":
        return f'[{client.servers}.trax]\ncommand = "x"'
    return json.dumps({client.servers: {"trax": {"command": "x"}}})


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b'{"mcpServers": {"trax": 3}}'])
def test_configuration_that_cannot_be_read_is_an_error(home: Path, content: bytes) -> None:
    """Rather than one without an entry."""
    file = FILE_CLIENTS["cursor"].path()
    file.parent.mkdir()
    file.write_bytes(content)
    with pytest.raises(InstallError):
        _ = Configuration.read(FILE_CLIENTS["cursor"]).entry


@pytest.mark.parametrize(
    ("entry", "starts"),
    [
        ({"command": "/opt/trax/trax-mcp"}, True),
        ({"command": "/opt/trax/trax-mcp", "args": ["--sandbox"]}, True),
        ({"command": "/opt/trax/python", "args": ["-m", "trax_mcp"]}, True),
        ({"command": "/opt/trax/python", "args": ["-P", "-m", "trax_mcp"]}, True),
        ({"command": "/opt/trax/python", "args": ["-m", "other"]}, False),
        ({"command": "/opt/trax/trax-mcp", "args": ["http"]}, False),
        ({"command": "/opt/trax/trax-mcp", "args": 3}, False),
        ({"command": ["/opt/trax/trax-mcp"]}, False),
        ({"url": "http://127.0.0.1:8765/mcp"}, False),
    ],
)
def test_entry_starts_this_installation_by_any_of_its_commands(
    *, entry: dict[str, object], starts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With or without the sandbox."""
    python = ("/opt/trax/python", "-P", "-m", "trax_mcp"), ("/opt/trax/python", "-m", "trax_mcp")
    commands = (("/opt/trax/trax-mcp",), *python)
    monkeypatch.setattr(
        "trax_mcp.cli.install.client_configuration.start_commands", lambda: commands
    )
    assert starts_this_installation(entry) is starts


def test_installation_is_started_by_its_script_or_its_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By an absolute path, so that it starts from any folder."""
    python = tmp_path / "python"
    monkeypatch.setattr("sys.executable", str(python))
    by_module = ((str(python), "-P", "-m", "trax_mcp"), (str(python), "-m", "trax_mcp"))
    assert start_commands() == by_module
    script = tmp_path / "trax-mcp"
    script.touch()
    assert start_commands() == ((str(script),), *by_module)
