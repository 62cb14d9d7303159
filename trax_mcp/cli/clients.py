"""The MCP clients that can be set up: one row each, with where its configuration is and its shape.

A table, and the folders of this computer. Nothing here reads or writes a configuration.
"""

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
    """A folder below which clients keep their configuration."""

    HOME = auto()
    APPS = auto()
    """Where applications keep their settings, on each system at its own place."""
    CLAUDE_CONFIG_DIR = auto()
    """Where a person has told Claude Code to keep everything; mostly nowhere."""
    CLAUDE_PACKAGE = auto()
    """What Windows shows a packaged Claude Desktop in place of APPS; elsewhere nothing."""


@dataclass(frozen=True, slots=True)
class Computer:
    """What decides where things are. `system` is Python's `sys.platform`."""

    system: str
    home: Path
    environment: Mapping[str, str]

    @classmethod
    def here(cls) -> Self:
        """This computer, for the person who runs this."""
        return cls(sys.platform, Path.home(), os.environ)

    def find(self, folder: Folder) -> Path | None:
        """Where a folder is; None if this computer has none such."""
        match folder:
            case Folder.HOME:
                return self.home
            case Folder.APPS:
                return self._apps()
            case Folder.CLAUDE_CONFIG_DIR:
                return self._named("CLAUDE_CONFIG_DIR")
            case Folder.CLAUDE_PACKAGE:
                return self._claude_package()

    def _apps(self) -> Path:
        match self.system:
            case "win32":
                return self._named("APPDATA") or self.home / "AppData" / "Roaming"
            case "darwin":
                return self.home / "Library" / "Application Support"
            case _:
                return self._named("XDG_CONFIG_HOME") or self.home / ".config"

    def _claude_package(self) -> Path | None:
        if self.system != "win32":
            return None
        local = self._named("LOCALAPPDATA") or self.home / "AppData" / "Local"
        return next(iter(sorted(local.glob(_CLAUDE_PACKAGE))), None)

    def _named(self, variable: str) -> Path | None:
        """The folder that a variable names. A relative one counts for nothing."""
        path = Path(self.environment.get(variable, ""))
        return path if path.is_absolute() else None


@dataclass(frozen=True, slots=True)
class Client:
    """An MCP client: where it looks for its servers, and how they must stand there.

    `places` are tried in order: the first one whose folder this computer has. `servers` is the key
    under which all servers stand, `shape` what an entry has besides how the server is started,
    `projects` the key under which, by folder, the same stands for one project alone.
    """

    name: str
    title: str
    places: tuple[tuple[Folder, str], ...]
    servers: str
    shape: Mapping[str, str]
    comments: bool
    now: str
    projects: str | None = None

    def configuration(self, computer: Computer) -> Path:
        """Where the configuration is, or would be."""
        found = [(computer.find(folder), path) for folder, path in self.places]
        return next(folder / path for folder, path in found if folder is not None)


_CLIENTS: Final = (
    Client(
        name="claude-desktop",
        title="Claude Desktop",
        places=(
            # github.com/anthropics/claude-code/issues/26073: a packaged one reads nothing else.
            (Folder.CLAUDE_PACKAGE, "Claude/claude_desktop_config.json"),
            (Folder.APPS, "Claude/claude_desktop_config.json"),
        ),
        servers="mcpServers",
        shape=UNTYPED,
        comments=False,
        now="Quit Claude Desktop and open it again.",
    ),
    Client(
        name="claude-code",
        title="Claude Code",
        # Its own scope "user": there in every project, unless its scope "local" has the same name.
        places=((Folder.CLAUDE_CONFIG_DIR, ".claude.json"), (Folder.HOME, ".claude.json")),
        servers="mcpServers",
        shape=STDIO,
        comments=False,
        now="Start a new session; /mcp shows trax.",
        projects="projects",
    ),
    Client(
        name="cursor",
        title="Cursor",
        places=((Folder.HOME, ".cursor/mcp.json"),),
        servers="mcpServers",
        shape=STDIO,
        comments=True,
        now="Restart Cursor; its settings show trax among the MCP servers.",
    ),
    Client(
        name="vscode",
        title="VS Code",
        # code.visualstudio.com/docs/copilot/reference/mcp-configuration: "user profile".
        places=((Folder.APPS, "Code/User/mcp.json"),),
        servers="servers",
        shape=STDIO,
        comments=True,
        now='Run "MCP: List Servers" in VS Code and start trax.',
    ),
)

CLIENTS: Final[Mapping[str, Client]] = {client.name: client for client in _CLIENTS}
"""Every client that can be set up, by its name on the command line."""
