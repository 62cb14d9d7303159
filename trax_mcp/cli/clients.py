"""The MCP clients that `install` supports: where each has its configuration, and its format."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Final, Self

STDIO: Final[Mapping[str, str]] = {"type": "stdio"}
UNTYPED: Final[Mapping[str, str]] = {}
_CLAUDE_PACKAGE: Final = "Packages/Claude_*/LocalCache/Roaming"


class Folder(Enum):
    """A folder in which clients have their configuration."""

    HOME = auto()
    APPS = auto()
    """The system's folder for the settings of applications."""
    CLAUDE_CONFIG_DIR = auto()
    """The folder that this variable of Claude Code names; rarely set."""
    CLAUDE_PACKAGE = auto()
    """On Windows, the folder that a packaged Claude Desktop sees in place of APPS."""


@dataclass(frozen=True, slots=True)
class Computer:
    """What the folders depend on. `system` is Python's `sys.platform`."""

    system: str
    home: Path
    environment: Mapping[str, str]

    @classmethod
    def here(cls) -> Self:
        """This computer and the current user."""
        return cls(sys.platform, Path.home(), os.environ)

    def find(self, folder: Folder) -> Path | None:
        """The path of a folder; None if this computer does not have it."""
        match folder:
            case Folder.HOME:
                return self.home
            case Folder.APPS:
                return self._apps()
            case Folder.CLAUDE_CONFIG_DIR:
                return self._from_variable("CLAUDE_CONFIG_DIR")
            case Folder.CLAUDE_PACKAGE:
                return self._claude_package()

    def _apps(self) -> Path:
        match self.system:
            case "win32":
                return self._from_variable("APPDATA") or self.home / "AppData" / "Roaming"
            case "darwin":
                return self.home / "Library" / "Application Support"
            case _:
                return self._from_variable("XDG_CONFIG_HOME") or self.home / ".config"

    def _claude_package(self) -> Path | None:
        if self.system != "win32":
            return None
        local = self._from_variable("LOCALAPPDATA") or self.home / "AppData" / "Local"
        return next(iter(sorted(local.glob(_CLAUDE_PACKAGE))), None)

    def _from_variable(self, variable: str) -> Path | None:
        """The folder that a variable names; None unless it is an absolute path."""
        path = Path(self.environment.get(variable, ""))
        return path if path.is_absolute() else None


@dataclass(frozen=True, slots=True)
class Client:
    """An MCP client and the format of its configuration.

    `locations`: the first one whose folder this computer has is used. `servers` is the key of all
    servers. `fixed_fields` is what an entry has besides the command. `projects` is the key under
    which, by folder, there are servers for one project only. `next_step` tells the user how to
    load the change.
    """

    name: str
    title: str
    locations: tuple[tuple[Folder, str], ...]
    servers: str
    fixed_fields: Mapping[str, str]
    comments: bool
    next_step: str
    projects: str | None = None

    def configuration(self, computer: Computer) -> Path:
        """The path of the configuration, which may not exist."""
        candidates = [(computer.find(folder), path) for folder, path in self.locations]
        return next(folder / path for folder, path in candidates if folder is not None)


_CLIENTS: Final = (
    Client(
        name="claude-desktop",
        title="Claude Desktop",
        locations=(
            # github.com/anthropics/claude-code/issues/26073: a packaged one reads only this.
            (Folder.CLAUDE_PACKAGE, "Claude/claude_desktop_config.json"),
            (Folder.APPS, "Claude/claude_desktop_config.json"),
        ),
        servers="mcpServers",
        fixed_fields=UNTYPED,
        comments=False,
        next_step="Quit Claude Desktop and open it again.",
    ),
    Client(
        name="claude-code",
        title="Claude Code",
        # Its scope "user" applies in every project, unless scope "local" has the same name.
        locations=((Folder.CLAUDE_CONFIG_DIR, ".claude.json"), (Folder.HOME, ".claude.json")),
        servers="mcpServers",
        fixed_fields=STDIO,
        comments=False,
        next_step="Start a new session; /mcp shows trax.",
        projects="projects",
    ),
    Client(
        name="cursor",
        title="Cursor",
        locations=((Folder.HOME, ".cursor/mcp.json"),),
        servers="mcpServers",
        fixed_fields=STDIO,
        comments=True,
        next_step="Restart Cursor; its settings show trax among the MCP servers.",
    ),
    Client(
        name="vscode",
        title="VS Code",
        # code.visualstudio.com/docs/copilot/reference/mcp-configuration: "user profile".
        locations=((Folder.APPS, "Code/User/mcp.json"),),
        servers="servers",
        fixed_fields=STDIO,
        comments=True,
        next_step='Run "MCP: List Servers" in VS Code and start trax.',
    ),
)

CLIENTS: Final[Mapping[str, Client]] = {client.name: client for client in _CLIENTS}
"""Every supported client, by its name on the command line."""
