"""Sample configurations of the MCP clients, with other servers, settings and comments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

COMMAND: Final = "@COMMAND@"
KEY_FILE: Final = "@KEY_FILE@"
"""Placeholders in the added text."""


@dataclass(frozen=True)
class Sample:
    """A client's configuration, and its path below the home folder on Linux.

    To add trax, `before` becomes `after`; nothing else changes.
    """

    client: str
    path: str
    servers: str
    text: str
    before: str
    after: str

    def with_trax(self, *, command: str, key_file: str) -> str:
        """The text after trax was added."""
        after = self.after.replace(COMMAND, command).replace(KEY_FILE, key_file)
        assert self.text.count(self.before) == 1
        return self.text.replace(self.before, after)


CLAUDE_DESKTOP: Final = """\
{
  "globalShortcut": "Ctrl+Space",
  "mcpServers": {
    "filesystem": {
      "command": "npx",
      "args": ["-y", "@modelcontextprotocol/server-filesystem", "/home/ann/Videos"]
    },
    "obs": {
      "command": "/usr/local/bin/obs-mcp",
      "env": { "OBS_PASSWORD": "hunter2" }
    }
  },
  "preferences": {
    "menuBarEnabled": false,
    "zoom": 1.10,
    "legacyQuickEntryEnabled": true
  }
}
"""

CLAUDE_CODE: Final = """\
{
  "numStartups": 184,
  "installMethod": "native",
  "tipsHistory": {
    "new-user-warmup": 1,
    "shift-enter": 27
  },
  "userID": "5f0c3c2e6f6a0d7be9d4f5e3c9d1a7b84f0b5c8d2e9a6f3b1c4d7e0a8b5c2f9d",
  "firstStartTime": "2026-01-28T11:38:57.179Z",
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
\t\t// For the web site, not for the show.
\t\t"playwright": {
\t\t\t"command": "npx",
\t\t\t"args": ["@playwright/mcp@latest"]
\t\t}
\t}
}
"""

VSCODE: Final = """\
// Shared by all my profiles.
{
    "inputs": [
        { "type": "promptString", "id": "token", "description": "// no", "password": true }
    ],
    "servers": {
        "github": {
            "type": "http",
            "url": "https://api.githubcopilot.com/mcp/", // the slash matters
        },
        /* "memory": {
            "command": "npx"
        }, */
        "everything": { "type": "stdio", "command": "npx", "args": ["-y", "everything"] }, // last
        // Add further ones here.
    },
}
"""

CLAUDE_DESKTOP_BEFORE: Final = """\
"hunter2" }
    }
  },"""

CLAUDE_DESKTOP_AFTER: Final = """\
"hunter2" }
    },
    "trax": {
      "command": "@COMMAND@",
      "args": [],
      "env": {
        "TRAX_API_KEY_FILE": "@KEY_FILE@",
        "TRAX_API_KEY": "",
        "TRAX_SANDBOX": ""
      }
    }
  },"""

CLAUDE_CODE_BEFORE: Final = """\
"hasCompletedOnboarding": true
"""

CLAUDE_CODE_AFTER: Final = """\
"hasCompletedOnboarding": true,
  "mcpServers": {
    "trax": {
      "type": "stdio",
      "command": "@COMMAND@",
      "args": [],
      "env": {
        "TRAX_API_KEY_FILE": "@KEY_FILE@",
        "TRAX_API_KEY": "",
        "TRAX_SANDBOX": ""
      }
    }
  }
"""

CURSOR_BEFORE: Final = """\
["@playwright/mcp@latest"]
\t\t}
"""

CURSOR_AFTER: Final = """\
["@playwright/mcp@latest"]
\t\t},
\t\t"trax": {
\t\t\t"type": "stdio",
\t\t\t"command": "@COMMAND@",
\t\t\t"args": [],
\t\t\t"env": {
\t\t\t\t"TRAX_API_KEY_FILE": "@KEY_FILE@",
\t\t\t\t"TRAX_API_KEY": "",
\t\t\t\t"TRAX_SANDBOX": ""
\t\t\t}
\t\t}
"""

VSCODE_BEFORE: Final = """\
        // Add further ones here.
"""

VSCODE_AFTER: Final = """\
        // Add further ones here.
        "trax": {
            "type": "stdio",
            "command": "@COMMAND@",
            "args": [],
            "env": {
                "TRAX_API_KEY_FILE": "@KEY_FILE@",
                "TRAX_API_KEY": "",
                "TRAX_SANDBOX": ""
            }
        },
"""

SAMPLES: Final = (
    Sample(
        client="claude-desktop",
        path=".config/Claude/claude_desktop_config.json",
        servers="mcpServers",
        text=CLAUDE_DESKTOP,
        before=CLAUDE_DESKTOP_BEFORE,
        after=CLAUDE_DESKTOP_AFTER,
    ),
    Sample(
        client="claude-code",
        path=".claude.json",
        servers="mcpServers",
        text=CLAUDE_CODE,
        before=CLAUDE_CODE_BEFORE,
        after=CLAUDE_CODE_AFTER,
    ),
    Sample(
        client="cursor",
        path=".cursor/mcp.json",
        servers="mcpServers",
        text=CURSOR,
        before=CURSOR_BEFORE,
        after=CURSOR_AFTER,
    ),
    Sample(
        client="vscode",
        path=".config/Code/User/mcp.json",
        servers="servers",
        text=VSCODE,
        # The entry above already ends with a trailing comma.
        before=VSCODE_BEFORE,
        after=VSCODE_AFTER,
    ),
)
"""One for each supported client."""
