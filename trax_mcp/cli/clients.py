"""The MCP clients that `install` supports: where each has its configuration, and its format."""

import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from platformdirs import user_config_path, user_data_path

STDIO: Final[Mapping[str, str]] = {"type": "stdio"}
UNTYPED: Final[Mapping[str, str]] = {}
LOCAL_REMOVAL: Final = "claude mcp remove trax --scope local"
"""The command that removes an entry which Claude Code has for one project only."""
_CLAUDE_PACKAGE: Final = "Packages/Claude_*/LocalCache/Roaming"


@dataclass(frozen=True, slots=True)
class Client:
    """An MCP client and the format of its configuration.

    `path` finds the configuration, which may not exist. `servers` is the key of all servers.
    `fixed_fields` is what an entry has besides the command. `projects` is the key under which, by
    folder, there are servers for one project only. `next_step` tells the user how to load the
    change.
    """

    name: str
    title: str
    path: Callable[[], Path]
    servers: str
    fixed_fields: Mapping[str, str]
    comments: bool
    next_step: str
    projects: str | None = None


def apps_folder() -> Path:
    """The system's folder for the settings of applications."""
    if platform.system() == "Darwin":  # clients there ignore XDG_CONFIG_HOME; platformdirs does not
        return Path.home() / "Library/Application Support"
    return user_config_path(roaming=True)


def _claude_desktop() -> Path:
    # github.com/anthropics/claude-code/issues/26073: on Windows, a packaged one reads only this.
    packages = user_data_path().glob(_CLAUDE_PACKAGE) if platform.system() == "Windows" else ()
    return min(packages, default=apps_folder()) / "Claude/claude_desktop_config.json"


def _claude_code() -> Path:
    folder = Path(os.environ.get("CLAUDE_CONFIG_DIR", ""))
    return (folder if folder.is_absolute() else Path.home()) / ".claude.json"


_CLIENTS: Final = (
    Client(
        name="claude-desktop",
        title="Claude Desktop",
        path=_claude_desktop,
        servers="mcpServers",
        fixed_fields=UNTYPED,
        comments=False,
        next_step="Quit Claude Desktop and open it again.",
    ),
    Client(
        name="claude-code",
        title="Claude Code",
        # Its scope "user" applies in every project, unless scope "local" has the same name.
        path=_claude_code,
        servers="mcpServers",
        fixed_fields=STDIO,
        comments=False,
        next_step="Start a new session; /mcp shows trax.",
        projects="projects",
    ),
    Client(
        name="cursor",
        title="Cursor",
        path=lambda: Path.home() / ".cursor/mcp.json",
        servers="mcpServers",
        fixed_fields=STDIO,
        comments=True,
        next_step="Restart Cursor; its settings show trax among the MCP servers.",
    ),
    Client(
        name="vscode",
        title="VS Code",
        # code.visualstudio.com/docs/copilot/reference/mcp-configuration: "user profile".
        path=lambda: apps_folder() / "Code/User/mcp.json",
        servers="servers",
        fixed_fields=STDIO,
        comments=True,
        next_step='Run "MCP: List Servers" in VS Code and start trax.',
    ),
)

CLIENTS: Final[Mapping[str, Client]] = {client.name: client for client in _CLIENTS}
"""Every supported client, by its name on the command line."""
