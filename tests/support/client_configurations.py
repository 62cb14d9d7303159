"""Sample configurations of the MCP clients, with other servers and settings."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final


@dataclass(frozen=True)
class Sample:
    """A client's configuration, and its path below the home folder on Linux.

    `fields` is what an entry has besides the command.
    """

    client: str
    path: str
    servers: str
    text: str
    indent: str
    fields: dict[str, str] = field(default_factory=dict)

    def with_trax(self, entry: dict[str, Any]) -> str:
        """The text with this entry added and nothing else changed."""
        document = json.loads(self.text)
        document.setdefault(self.servers, {})["trax"] = entry
        end = "\n" if self.text.endswith("\n") else ""
        return json.dumps(document, indent=self.indent, ensure_ascii=False) + end


CLAUDE_DESKTOP: Final = """\
{
  "globalShortcut": "Ctrl+Space",
  "mcpServers": {
    "filesystem": {
      "command": "npx",
      "args": [
        "-y",
        "/home/añn/Videos"
      ]
    },
    "obs": {
      "command": "/usr/local/bin/obs-mcp",
      "env": {
        "OBS_PASSWORD": "hunter2"
      }
    }
  },
  "preferences": {
    "zoom": 1.25,
    "legacyQuickEntryEnabled": true
  }
}
"""

CLAUDE_CODE: Final = """\
{
  "numStartups": 184,
  "projects": {
    "/home/ann/show": {
      "allowedTools": [],
      "mcpServers": {
        "trax": {
          "type": "stdio",
          "command": "/an/older/one",
          "args": []
        }
      },
      "lastCost": 0.30000000000000004
    }
  },
  "hasCompletedOnboarding": true
}"""

CURSOR: Final = """\
{
\t"mcpServers": {
\t\t"playwright": {
\t\t\t"command": "npx",
\t\t\t"args": [
\t\t\t\t"@playwright/mcp@latest"
\t\t\t]
\t\t}
\t}
}
"""

VSCODE: Final = """\
{
    "inputs": [
        {
            "type": "promptString",
            "id": "token",
            "description": "// no comment",
            "password": true
        }
    ],
    "servers": {
        "github": {
            "type": "http",
            "url": "https://api.githubcopilot.com/mcp/"
        }
    }
}
"""

WINDSURF: Final = """\
{
  "mcpServers": {
    "remote": {
      "serverUrl": "https://mcp.example.com/mcp"
    }
  }
}
"""

ZED: Final = """\
{
  "theme": "One Dark",
  "context_servers": {
    "docs": {
      "command": "npx",
      "args": [
        "docs-mcp"
      ],
      "env": {}
    }
  },
  "ui_font_size": 16
}
"""

GEMINI_CLI: Final = """\
{
  "security": {
    "auth": {
      "selectedType": "gemini-api-key"
    }
  },
  "mcpServers": {
    "docs": {
      "httpUrl": "https://mcp.example.com/mcp",
      "timeout": 5000
    }
  }
}
"""

WITH_COMMENTS: Final = """\
// Shared by all my profiles.
{
    "servers": {
        "github": { "url": "https://api.githubcopilot.com/mcp/", }, // the slash matters
        /* "memory": { "command": "npx" }, */
    },
}
"""
"""A configuration of VS Code."""

SAMPLES: Final = (
    Sample(
        client="claude-desktop",
        path=".config/Claude/claude_desktop_config.json",
        servers="mcpServers",
        text=CLAUDE_DESKTOP,
        indent="  ",
    ),
    Sample(
        client="claude-code",
        path=".claude.json",
        servers="mcpServers",
        text=CLAUDE_CODE,
        indent="  ",
        fields={"type": "stdio"},
    ),
    Sample(
        client="cursor",
        path=".cursor/mcp.json",
        servers="mcpServers",
        text=CURSOR,
        indent="\t",
        fields={"type": "stdio"},
    ),
    Sample(
        client="vscode",
        path=".config/Code/User/mcp.json",
        servers="servers",
        text=VSCODE,
        indent="    ",
        fields={"type": "stdio"},
    ),
    Sample(
        client="windsurf",
        path=".codeium/windsurf/mcp_config.json",
        servers="mcpServers",
        text=WINDSURF,
        indent="  ",
    ),
    Sample(
        client="zed",
        path=".config/zed/settings.json",
        servers="context_servers",
        text=ZED,
        indent="  ",
    ),
    Sample(
        client="gemini-cli",
        path=".gemini/settings.json",
        servers="mcpServers",
        text=GEMINI_CLI,
        indent="  ",
    ),
)
"""One for each client whose configuration is written."""
