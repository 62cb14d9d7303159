"""Where each client has its configuration on each system, as `install --print` says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.support.product.commands import on_system

if TYPE_CHECKING:
    from tests.support.home_folder import Home

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


def paths(home: Home, **variables: str) -> dict[str, str]:
    """The path of every configuration and of the key, below the home folder."""
    found = {}
    for client in PATHS.keys() - {"key"}:
        done = home.install(client, "--print", settings=variables)
        lines = [it.strip() for it in done.err.splitlines() if it.startswith("  ")]
        found[client], found["key"] = (it.removeprefix(f"{home.path}/") for it in lines)
    return found


def expected(apps: str) -> dict[str, str]:
    """The documented paths, with this folder for the settings of applications."""
    return {name: it.replace("APPS", apps) for name, it in PATHS.items()}


def test_paths_on_linux_follow_the_xdg_folder(home: Home) -> None:
    """A relative folder is ignored."""
    with on_system("Linux"):
        assert paths(home) == expected(".config")
        assert paths(home, XDG_CONFIG_HOME="elsewhere") == expected(".config")
        elsewhere = str(home.path / "elsewhere")
        assert paths(home, XDG_CONFIG_HOME=elsewhere) == expected("elsewhere")


def test_paths_on_macos_ignore_the_xdg_folder(home: Home) -> None:
    zed = {"zed": ".config/zed/settings.json"}
    with on_system("Darwin"):
        found = paths(home, XDG_CONFIG_HOME=str(home.path / "elsewhere"))
    assert found == expected("Library/Application Support") | zed


def test_paths_on_windows_are_in_the_roaming_folder(home: Home) -> None:
    """A packaged Claude Desktop reads only the folder of its package."""
    windows = expected("AppData/Roaming") | {"zed": "AppData/Roaming/Zed/settings.json"}
    package = "AppData/Local/Packages/Claude_pzs8sxrjxfjjc/LocalCache/Roaming"
    with on_system("Windows", data=home.path / "AppData"):
        assert paths(home) == windows
        (home.path / package).mkdir(parents=True)
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
    home: Home, variable: str, client: str, file: str
) -> None:
    """A relative folder is ignored."""
    with on_system("Linux"):
        assert paths(home, **{variable: "elsewhere"}) == expected(".config")
        moved = paths(home, **{variable: str(home.path / "elsewhere")})
    assert moved == expected(".config") | {client: f"elsewhere/{file}"}
