"""Sample configurations of the MCP clients, with other servers and settings."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tests import ROOT
from tests.support.product.reference import CLIENTS

if TYPE_CHECKING:
    from collections.abc import Mapping

_FOLDER: Final = ROOT / "tests/cli/configurations"


@dataclass(frozen=True)
class Sample:
    """A client's configuration, and its path below the home folder on Linux.

    `fields` is what an entry has besides the command.
    """

    client: str
    path: str
    fields: Mapping[str, str]

    @property
    def servers(self) -> str:
        """The key under which its servers stand."""
        return CLIENTS[self.client].servers

    @property
    def text(self) -> str:
        """The whole configuration."""
        return (_FOLDER / f"{self.client}.json").read_bytes().decode()

    def with_trax(self, entry: dict[str, Any]) -> str:
        """The text with this entry added and nothing else changed."""
        document = json.loads(self.text)
        document.setdefault(self.servers, {})["trax"] = entry
        _, second, *_ = self.text.splitlines()
        indent = second[: len(second) - len(second.lstrip())]
        end = "\n" if self.text.endswith("\n") else ""
        return json.dumps(document, indent=indent, ensure_ascii=False) + end


_TYPED: Final = {"type": "stdio"}
SAMPLES: Final = (
    Sample("claude-desktop", ".config/Claude/claude_desktop_config.json", {}),
    Sample("claude-code", ".claude.json", _TYPED),
    Sample("cursor", ".cursor/mcp.json", _TYPED),
    Sample("vscode", ".config/Code/User/mcp.json", _TYPED),
    Sample("windsurf", ".codeium/windsurf/mcp_config.json", {}),
    Sample("zed", ".config/zed/settings.json", {}),
    Sample("gemini-cli", ".gemini/settings.json", {}),
)
"""One for each client whose configuration is written."""
WITH_COMMENTS: Final = (_FOLDER / "vscode-with-comments.jsonc").read_text("utf-8")
"""A configuration of VS Code."""
