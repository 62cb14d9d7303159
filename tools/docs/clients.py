"""The rows of `docs/clients.md`: each MCP client, how it gets trax-mcp, asks and follows chat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trax_mcp.cli.install.clients import CLIENTS
from trax_mcp.server.ways import TABLE, Drawn, Operator
from trax_mcp.server.ways_in_words import asked_in, known_from

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from trax_mcp.cli.install.clients import McpClient

_BY_HAND: Final[Mapping[str, str]] = {
    "Copilot CLI": "[its own command](#copilot-cli)",
    "opencode": "[by hand](#opencode)",
    "Cline CLI": "[its own command](#cline-cli)",
    "Continue CLI": "[by hand](#continue-cli)",
    "Qwen Code": "[its own command](#qwen-code)",
    "Claude Code in VS Code, Claude Desktop's Code tab": "`claude-code`",
    "claude.ai": "[on a server](hosted.md#add-it-in-claudeai)",
    "ChatGPT": "[on a server](hosted.md#add-it-in-chatgpt)",
    "Goose": "`other`",
}
"""How those are set up that `install` does not know by name."""
_SHOWS_WAITING: Final[Mapping[str, bool]] = {
    "Claude Code": True,
    "Codex": False,
    "Copilot CLI": True,
    "Gemini CLI": True,
    "opencode": False,
    "Cline CLI": False,
    "Continue CLI": False,
    "Qwen Code": True,
}
"""Whether a client was seen to show that it waits for chat. Each of these did wait."""
_CHAT: Final = {True: "waits, shows how long", False: "waits, shows nothing", None: "not known"}
_SHORTER: Final[Mapping[str, str]] = {
    "the page in your browser": "the page",
    "a preview, which the assistant shows you": "a preview",
}
_OTHER: Final = (
    "any other",
    "`other`",
    "what it says that it draws, else the page",
    "as it says",
    "not known",
    "no",
)


def client_rows() -> Iterator[tuple[str, ...]]:
    """First those that `install` knows by name, as it lists them."""
    of_install = [it for it in CLIENTS.values() if it.name != "other"]
    known = {it.name: [seen for seen in TABLE if _is(it, seen)] for it in of_install}
    for it in of_install:
        yield _row(it.title, _installed(it), known[it.name])
    left = [it for it in TABLE if not any(it in seen for seen in known.values())]
    for title in dict.fromkeys(it.title for it in left):
        yield _row(title, _BY_HAND[title], [it for it in left if it.title == title])
    yield _OTHER


def _is(client: McpClient, seen: Drawn) -> bool:
    return client.name == seen.command or client.title == seen.title


def _installed(client: McpClient) -> str:
    bundle = "[the bundle](claude-desktop.md), or " if client.name == "claude-desktop" else ""
    return f"{bundle}`{client.name}`"


def _row(title: str, install: str, seen: Sequence[Drawn]) -> tuple[str, ...]:
    newest = seen[-1]
    how = known_from(newest)
    tried = f"yes, {newest.release or newest.version}" if newest.version else f"no: {how}"
    return title, install, *_asked(seen), _CHAT[_SHOWS_WAITING.get(title)], tried


def _asked(seen: Sequence[Drawn]) -> tuple[str, str]:
    """In what the newest version asks, and the earlier ones that differ; and what it draws."""
    *earlier, newest = ((it, _in_short(it)) for it in seen)
    differ = (f". In {it.version}: {asked}" for it, asked in earlier if asked != newest[1])
    return newest[1] + "".join(differ), _drawn(newest[0])


def _in_short(seen: Drawn) -> str:
    """As `doctor` says it, without what the next column says."""
    asked = asked_in(seen, Operator(has_page=not seen.is_remote))
    for words, fewer in _SHORTER.items():
        asked = asked.replace(words, fewer)
    return asked.replace(f"; for what is longer than {seen.rows} rows, ", ", or if it's longer ")


def _drawn(seen: Drawn) -> str:
    """What it draws of the things that it may be asked in."""
    draws_form = "form" in seen.declares and not seen.declines_forms
    forms = [f"forms of {seen.rows} rows"] if draws_form else []
    panels = ["panels"] if "panel" in seen.declares and seen.draws_panel else []
    return " and ".join(forms + panels) or "neither form nor panel"
