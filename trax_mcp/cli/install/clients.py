"""The MCP clients that `install` knows: where each has its configuration, and its format."""

import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from platformdirs import user_data_path

from trax_mcp.private_files import apps_folder

STDIO: Final[Mapping[str, str]] = {"type": "stdio"}
LOCAL_REMOVAL: Final = "claude mcp remove trax --scope local"
"""The command that removes an entry which Claude Code has for one project only."""
_CLAUDE_PACKAGE: Final = "Packages/Claude_*/LocalCache/Roaming"


@dataclass(frozen=True, slots=True, kw_only=True)
class McpClient:
    """An MCP client, and what an entry for it looks like.

    `path` finds its configuration, which may not exist; without it, `where` is the place in which a
    user pastes the entry. `toml`: the configuration is read and not written. `servers` is the key
    of all servers, and `projects` the key under which, by folder, there are servers for one project
    only. `fixed_fields` is what an entry has besides the command. `next_step` tells the user how to
    load the change. `tried` is whether the client itself was seen to start this server from what
    `install` writes; the others follow their documentation.
    """

    name: str
    title: str
    path: Callable[[], Path] | None = None
    where: str = "its configuration"
    toml: bool = False
    servers: str = "mcpServers"
    projects: str | None = None
    fixed_fields: Mapping[str, str] = field(default_factory=dict)
    next_step: str
    tried: bool = False

    @property
    def written(self) -> bool:
        """Whether `install` writes the configuration. If not, it prints what goes into it."""
        return self.path is not None and not self.toml

    @property
    def is_here(self) -> bool:
        """Whether this computer has its configuration, or the folder for it."""
        file = self.path and self.path()
        folders = [file.parent] if file and file.parent != Path.home() else []
        return any(it.exists() for it in (file, *folders) if it)


def _claude_desktop() -> Path:
    # github.com/anthropics/claude-code/issues/26073: on Windows, a packaged one reads only this.
    packages = user_data_path().glob(_CLAUDE_PACKAGE) if platform.system() == "Windows" else ()
    return min(packages, default=apps_folder()) / "Claude/claude_desktop_config.json"


def _claude_code() -> Path:
    return _folder_from("CLAUDE_CONFIG_DIR", Path.home()) / ".claude.json"


def _codex() -> Path:
    return _folder_from("CODEX_HOME", Path.home() / ".codex") / "config.toml"


def _zed() -> Path:
    # zed.dev/docs/configuring-zed, "User Settings File": on macOS too it is in ~/.config.
    if platform.system() == "Darwin":
        return Path.home() / ".config/zed/settings.json"
    return apps_folder() / ("Zed" if platform.system() == "Windows" else "zed") / "settings.json"


def _folder_from(variable: str, default: Path) -> Path:
    folder = Path(os.environ.get(variable, ""))
    return folder if folder.is_absolute() else default


_CLIENTS: Final[tuple[McpClient, ...]] = (
    McpClient(
        name="claude-desktop",
        title="Claude Desktop",
        path=_claude_desktop,
        next_step="Quit Claude Desktop and open it again.",
    ),
    McpClient(
        name="claude-code",
        title="Claude Code",
        # Its scope "user" applies in every project, unless scope "local" has the same name.
        path=_claude_code,
        fixed_fields=STDIO,
        next_step="Start a new session; /mcp shows trax.",
        tried=True,  # 2.1.332: `claude mcp list` connects
        projects="projects",
    ),
    McpClient(
        name="cursor",
        title="Cursor",
        path=lambda: Path.home() / ".cursor/mcp.json",
        fixed_fields=STDIO,
        next_step="Restart Cursor; its settings show trax among the MCP servers.",
    ),
    McpClient(
        name="vscode",
        title="VS Code",
        # code.visualstudio.com/docs/copilot/reference/mcp-configuration: "user profile".
        path=lambda: apps_folder() / "Code/User/mcp.json",
        servers="servers",
        fixed_fields=STDIO,
        next_step='Run "MCP: List Servers" in VS Code and start trax.',
    ),
    McpClient(
        name="windsurf",
        title="Windsurf",
        # docs.windsurf.com/windsurf/cascade/mcp, "mcp_config.json".
        path=lambda: Path.home() / ".codeium/windsurf/mcp_config.json",
        next_step="Press the refresh button among Cascade's MCP servers, or restart Windsurf.",
    ),
    McpClient(
        name="zed",
        title="Zed",
        # zed.dev/docs/ai/mcp, "As Custom Servers". The file that Zed makes begins with comments.
        path=_zed,
        servers="context_servers",
        next_step="Open the settings of Zed's Agent Panel: a green dot next to trax says it runs.",
    ),
    McpClient(
        name="gemini-cli",
        title="Gemini CLI",
        # geminicli.com/docs/tools/mcp-server, "Configure the MCP server in settings.json".
        path=lambda: Path.home() / ".gemini/settings.json",
        # Its folder trust switches all servers off elsewhere.
        next_step="Start Gemini CLI again in a folder that you trust; /mcp shows trax.",
        tried=True,  # 0.61.0: `gemini mcp list` connects
    ),
    McpClient(
        name="codex",
        title="Codex",
        # developers.openai.com/codex/mcp, "Connect Codex to an MCP server".
        path=_codex,
        toml=True,
        servers="mcp_servers",
        next_step="Start Codex again; /mcp shows trax.",
        tried=True,  # 0.171.0: `codex exec` starts it
    ),
    McpClient(
        name="jetbrains",
        title="JetBrains AI Assistant",
        # jetbrains.com/help/ai-assistant/mcp.html, "Connect to an MCP server".
        where="Settings > Tools > AI Assistant > Model Context Protocol (MCP) > Add > As JSON",
        next_step="Press OK and Apply; the list of servers shows trax.",
    ),
    McpClient(
        name="other",
        title="your client",
        where="the place that your client's documentation names for MCP servers (stdio)",
        next_step="Restart your client.",
    ),
)

CLIENTS: Final[Mapping[str, McpClient]] = {client.name: client for client in _CLIENTS}
"""Every client that `install` knows, by its name on the command line."""
FILE_CLIENTS: Final = {client.name: client for client in _CLIENTS if client.path}
"""Those whose configuration can be read."""
