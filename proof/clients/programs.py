"""The clients: how each is set up in a home of its own, started, and answered by keys."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from proof.clients.dialects import Call
from tests import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from proof.clients.model import Step
    from proof.clients.wire import Server

INSTALLED: Final = ROOT / os.environ.get("CLIENTS_FOLDER", "build/clients") / "node_modules"
_TOOLS: Final = ROOT / "build/tools/bin"
_KEY: Final = "not-a-key"
_NOWHERE: Final = "http://127.0.0.1:9"
_NO_NETWORK: Final = {
    "HTTP_PROXY": _NOWHERE,
    "HTTPS_PROXY": _NOWHERE,
    "NO_PROXY": "127.0.0.1,localhost",
}
"""What is not on loopback is not reached."""
_MACHINE: Final = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), "unknown")


@dataclass(frozen=True)
class Place:
    """A home and a project for a client, its model's address, and the server that it starts."""

    home: Path
    project: Path
    model: str
    server: Server

    def write(self, name: str, content: str | Mapping[str, Any]) -> None:
        """Write a file in the home."""
        file = self.home / name
        file.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else json.dumps(content)
        file.write_text(text, encoding="utf-8")


class Program:
    """A client. `permission` is on the screen while it asks whether a tool may be called."""

    name: ClassVar[str]
    package: ClassVar[str]
    program: ClassVar[str]
    prompt: ClassVar[str]
    permission: ClassVar[str | None] = None
    allow: ClassVar[Sequence[str]] = ("Enter",)
    has_forms: ClassVar[bool] = True
    approve: ClassVar[Sequence[str]] = ("Down", "Enter")
    preselected: ClassVar[str] = "\u276f"
    """The mark of the preselected choice."""
    variables: ClassVar[Mapping[str, str]] = {}
    quiet: ClassVar[Sequence[str]] = ()

    @property
    def version(self) -> str | None:
        """The version that is installed, if it is."""
        manifest = INSTALLED / self.package / "package.json"
        if not manifest.exists() or not (INSTALLED / self.program).exists():
            return None
        return str(json.loads(manifest.read_text(encoding="utf-8"))["version"])

    @property
    def path(self) -> str:
        """Its program."""
        return str(INSTALLED / self.program)

    def environment(self, place: Place) -> dict[str, str]:
        """The variables that it sees, and no others. No browser can be opened there."""
        system = os.environ["PATH"]
        return {
            "HOME": str(place.home),
            "PATH": f"{_TOOLS}:{system}",
            "LANG": "C.UTF-8",
            "SHELL": "/bin/sh",
            "TZ": "UTC",
            "USER": "ann",
            "DO_NOT_TRACK": "1",
            **_NO_NETWORK,
            **{key: value.format(model=place.model) for key, value in self.variables.items()},
        }

    def set_up(self, place: Place) -> None:
        """Write its configuration."""
        raise NotImplementedError

    def in_terminal(self) -> list[str]:
        """The command that opens it."""
        return [self.path]

    def once(self, prompt: str) -> list[str]:
        """The command that does one turn without a screen, with trax-mcp's tools allowed."""
        raise NotImplementedError

    def named(self, step: Step) -> Call:
        """A call of a tool, by the name that this client gives it."""
        return Call(f"mcp__trax__{step.tool}", step.arguments)


class ClaudeCode(Program):
    """Claude Code."""

    name = "claude-code"
    package = "@anthropic-ai/claude-code"
    program = f"@anthropic-ai/claude-code-linux-{_MACHINE}/claude"
    prompt = "\u276f"
    permission = "Do you want to proceed?"
    approve = ("Right", "Down", "Enter", "Enter")
    variables: ClassVar = {
        "ANTHROPIC_BASE_URL": "{model}",
        "ANTHROPIC_API_KEY": _KEY,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
        "ENABLE_TOOL_SEARCH": "false",
    }

    def set_up(self, place: Place) -> None:
        """Past its first questions, with a key and a project that it knows."""
        program, *arguments = place.server.command
        server = {"command": program, "args": arguments, "env": place.server.settings}
        project = {"hasTrustDialogAccepted": True, "hasCompletedProjectOnboarding": True}
        known = {
            "hasCompletedOnboarding": True,
            "theme": "dark",
            "customApiKeyResponses": {"approved": [_KEY[-20:]], "rejected": []},
            "projects": {str(place.project): project},
            "mcpServers": {"trax": {"type": "stdio", **server}},
        }
        place.write(".claude.json", known)
        # Auto mode, its own choice, asks a judge at Anthropic that a script cannot play.
        place.write(".claude/settings.json", {"permissions": {"defaultMode": "default"}})

    def once(self, prompt: str) -> list[str]:
        """`claude -p`."""
        return [self.path, "-p", prompt, "--allowedTools", "mcp__trax"]


class Codex(Program):
    """Codex."""

    name = "codex"
    package = "@openai/codex"
    program = ".bin/codex"
    prompt = "\u203a"
    permission = "Allow"
    preselected = "\u203a"

    def set_up(self, place: Place) -> None:
        """With a provider on loopback."""
        settings = ", ".join(
            f"{key} = {json.dumps(it)}" for key, it in place.server.settings.items()
        )
        program, *arguments = place.server.command
        place.write(
            ".codex/config.toml",
            f"""
model = "scripted"
model_provider = "loopback"
check_for_update_on_startup = false

[analytics]
enabled = false

[model_providers.loopback]
name = "loopback"
base_url = "{place.model}/v1"
wire_api = "responses"
experimental_bearer_token = "{_KEY}"

[mcp_servers.trax]
command = {json.dumps(program)}
args = {json.dumps(arguments)}
env = {{ {settings} }}
required = true

[projects.{json.dumps(str(place.project))}]
trust_level = "trusted"
""",
        )

    def once(self, prompt: str) -> list[str]:
        """`codex exec`."""
        allowed = 'mcp_servers.trax.default_tools_approval_mode="approve"'
        return [self.path, "exec", "--skip-git-repo-check", "-c", allowed, prompt]

    def named(self, step: Step) -> Call:
        """In the namespace of the server."""
        return Call(step.tool, step.arguments, "mcp__trax")


class Copilot(Program):
    """GitHub Copilot CLI."""

    name = "copilot"
    package = "@github/copilot"
    program = ".bin/copilot"
    prompt = "\u276f"
    permission = "Do you want to"
    variables: ClassVar = {
        "COPILOT_PROVIDER_BASE_URL": "{model}/v1",
        "COPILOT_PROVIDER_API_KEY": _KEY,
        "COPILOT_MODEL": "scripted",
        "COPILOT_OFFLINE": "true",
        "COPILOT_AUTO_UPDATE": "false",
    }

    def set_up(self, place: Place) -> None:
        """With a folder that it trusts."""
        program, *arguments = place.server.command
        server = {
            "type": "local",
            "command": program,
            "args": arguments,
            "tools": ["*"],
            "env": place.server.settings,
        }
        place.write(".copilot/mcp-config.json", {"mcpServers": {"trax": server}})
        place.write(".copilot/config.json", {"trusted_folders": [str(place.project)]})

    def once(self, prompt: str) -> list[str]:
        """`copilot -p`."""
        return [self.path, "-p", prompt, "--allow-tool=trax"]

    def named(self, step: Step) -> Call:
        """With the server's name in front."""
        return Call(f"trax-{step.tool}", step.arguments)


class OpenCode(Program):
    """Opencode, which asks nothing before a call."""

    name = "opencode"
    package = "opencode-ai"
    program = f"opencode-linux-{_MACHINE}/bin/opencode"
    prompt = "Ask anything"
    has_forms = False
    variables: ClassVar = {
        "OPENCODE_DISABLE_AUTOUPDATE": "1",
        "OPENCODE_DISABLE_MODELS_FETCH": "1",
        "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
        "OPENCODE_DISABLE_DEFAULT_PLUGINS": "1",
    }

    def set_up(self, place: Place) -> None:
        """With a provider on loopback."""
        server = {"type": "local", "command": list(place.server.command), "enabled": True}
        provider = {
            "npm": "@ai-sdk/openai-compatible",
            "name": "loopback",
            "options": {"baseURL": f"{place.model}/v1", "apiKey": _KEY},
            "models": {"scripted": {"name": "scripted"}},
        }
        settings = {
            "model": "loopback/scripted",
            "small_model": "loopback/scripted",
            "autoupdate": False,
            "share": "disabled",
            "provider": {"loopback": provider},
            "mcp": {"trax": server | {"environment": place.server.settings}},
        }
        place.write(".config/opencode/opencode.json", settings)

    def once(self, prompt: str) -> list[str]:
        """`opencode run`."""
        return [self.path, "run", prompt]

    def named(self, step: Step) -> Call:
        """With the server's name in front."""
        return Call(f"trax_{step.tool}", step.arguments)


class QwenCode(Program):
    """Qwen Code."""

    name = "qwen-code"
    package = "@qwen-code/qwen-code"
    program = ".bin/qwen"
    prompt = "Type your message"
    permission = "Allow execution of MCP tool"
    has_forms = False
    variables: ClassVar = {
        "OPENAI_API_KEY": _KEY,
        "OPENAI_BASE_URL": "{model}/v1",
        "OPENAI_MODEL": "scripted",
    }

    def set_up(self, place: Place) -> None:
        """Without statistics."""
        program, *arguments = place.server.command
        server = {"command": program, "args": arguments, "env": place.server.settings}
        settings = {
            "security": {"auth": {"selectedType": "openai"}, "folderTrust": {"enabled": False}},
            "privacy": {"usageStatisticsEnabled": False},
            "general": {"enableAutoUpdate": False},
            "tools": {"approvalMode": "default", "useRipgrep": False},
            "model": {"name": "scripted"},
            "mcpServers": {"trax": server},
        }
        place.write(".qwen/settings.json", settings)

    def once(self, prompt: str) -> list[str]:
        """`qwen -p`."""
        return [self.path, "-p", prompt, "--approval-mode", "yolo"]


PROGRAMS: Final[tuple[Program, ...]] = (ClaudeCode(), Codex(), Copilot(), OpenCode(), QwenCode())
