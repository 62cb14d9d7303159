"""Configurations as the clients' own people have them: other servers, other settings, old habits.

Texts to put where a client would have them. They know nothing of what is added to them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

COMMAND: Final = "@COMMAND@"
KEY_FILE: Final = "@KEY_FILE@"
"""What stands for a path in what is added."""


@dataclass(frozen=True)
class Sample:
    """A client's configuration: where it is below the home folder on Linux, and what it holds.

    To add trax, `gap` becomes `filled`, and nothing else changes.
    """

    client: str
    place: str
    servers: str
    text: str
    gap: str
    filled: str

    def grown(self, *, command: str, key_file: str) -> str:
        """The text with trax added."""
        filled = self.filled.replace(COMMAND, command).replace(KEY_FILE, key_file)
        assert self.text.count(self.gap) == 1
        return self.text.replace(self.gap, filled)


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

CLAUDE_DESKTOP_GAP: Final = """\
"hunter2" }
    }
  },"""

CLAUDE_DESKTOP_FILLED: Final = """\
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

CLAUDE_CODE_GAP: Final = """\
"hasCompletedOnboarding": true
"""

CLAUDE_CODE_FILLED: Final = """\
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

CURSOR_GAP: Final = """\
["@playwright/mcp@latest"]
\t\t}
"""

CURSOR_FILLED: Final = """\
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

VSCODE_GAP: Final = """\
        // Add further ones here.
"""

VSCODE_FILLED: Final = """\
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
        place=".config/Claude/claude_desktop_config.json",
        servers="mcpServers",
        text=CLAUDE_DESKTOP,
        gap=CLAUDE_DESKTOP_GAP,
        filled=CLAUDE_DESKTOP_FILLED,
    ),
    Sample(
        client="claude-code",
        place=".claude.json",
        servers="mcpServers",
        text=CLAUDE_CODE,
        gap=CLAUDE_CODE_GAP,
        filled=CLAUDE_CODE_FILLED,
    ),
    Sample(
        client="cursor",
        place=".cursor/mcp.json",
        servers="mcpServers",
        text=CURSOR,
        gap=CURSOR_GAP,
        filled=CURSOR_FILLED,
    ),
    Sample(
        client="vscode",
        place=".config/Code/User/mcp.json",
        servers="servers",
        text=VSCODE,
        # What comes first has a comma at its end already, which then is ours.
        gap=VSCODE_GAP,
        filled=VSCODE_FILLED,
    ),
)
"""One for each client that can be set up."""
