"""What the product offers, as data for the pages and files that list it, and for their tests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any, Final, get_args

from trax_mcp.api import refusals
from trax_mcp.api.client import Client
from trax_mcp.api.operation import Operation
from trax_mcp.api.tool_input import Effect, ToolInput
from trax_mcp.cli.install.client_configuration import StartOptions, format_entry, new_entry
from trax_mcp.cli.install.clients import CLIENTS as MCP_CLIENTS
from trax_mcp.cli.install.clients import FileClient, McpClient
from trax_mcp.consent.calls import Reason, Status
from trax_mcp.consent.rules import Rules
from trax_mcp.server.app import Service
from trax_mcp.server.offer import KINDS, TOOLS, Offer
from trax_mcp.server.prompts import Prompt as ProductPrompt
from trax_mcp.server.prompts import read_prompts
from trax_mcp.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import mcp_types as types

CODES: Final[frozenset[str]] = frozenset((*get_args(Reason), *get_args(Status), *refusals.MEANINGS))
"""Statuses and reasons of calls that did not run, and the codes of TRaX's errors."""

_ALL: Final = Offer(local=True)
_KEY_FILE: Final = Path("/path/to/key")


@dataclass(frozen=True)
class Tool:
    """A tool: the call that it is based on, its effect in words, and its summary."""

    name: str
    call: str
    effect: str
    summary: str


@dataclass(frozen=True)
class Setting:
    """A setting's default, in Markdown, and its meaning."""

    default: str
    meaning: str


@dataclass(frozen=True)
class Prompt:
    """A prompt as a client lists it, and its text with `${arguments.name}` for an argument."""

    listing: types.Prompt
    text: str


@dataclass(frozen=True)
class KnownClient:
    """An MCP client that `install` knows.

    `entry` is the whole configuration with an entry for this server. `written` is whether `install`
    writes it, `place` is where it is pasted otherwise, and `tried` whether the client was seen
    to start the server.
    """

    name: str
    title: str
    servers: str
    next_step: str
    place: str
    kind: str
    entry: str
    written: bool
    tried: bool


def tool_names(*, read_only: bool = False, local: bool = False) -> list[str]:
    """The tools that are offered, in order. `local`: with folders for media."""
    return [it.tool_name for it in Offer(read_only=read_only, local=local).kinds()]


def listings() -> list[types.Tool]:
    """All tools as a client lists them, if all are offered."""
    client = Client(base_url="http://127.0.0.1", timeout_seconds=1)
    return Service(client, _ALL).tools.listings()


def check_front_matter(declared: Mapping[str, Any]) -> None:
    """Check what a prompt's file begins with; all tools in it exist."""
    assert set(ProductPrompt.model_validate({**declared, "text": ""}).tools) <= TOOLS.keys()


def _effect(kind: type[ToolInput]) -> str:
    if kind.effect is Effect.READ:
        return "reads"
    if not issubclass(kind, Operation):
        return "changes"
    if kind.effect is Effect.GUARDED:
        return "**guarded**"
    return "changes, **guarded** at times" if Rules().may_need_consent(kind) else "changes"


def _prompts() -> Sequence[Prompt]:
    found = []
    for prompt in read_prompts():
        arguments = [it.name for it in prompt.listing.arguments or ()]
        filled_in = {name: f"${{arguments.{name}}}" for name in arguments}
        found.append(Prompt(prompt.listing, Template(prompt.text).substitute(filled_in)))
    return found


def _default(value: object) -> str:
    match value:
        case None | ():
            return "none"
        case bool():
            return "on" if value else "off"
        case tuple():
            return f"`{','.join(value)}`"
        case _:
            return f"`{value}`"


def _client(client: McpClient) -> KnownClient:
    options = StartOptions(key_file=_KEY_FILE)
    entry = {**new_entry(client, {}, options), "command": "/path/to/trax-mcp", "args": []}
    file_format = client.format if isinstance(client, FileClient) else "json"
    return KnownClient(
        name=client.name,
        title=client.title,
        servers=client.servers,
        next_step=client.next_step,
        place=client.where or "its configuration",
        kind="toml" if file_format == "toml" else "json",
        entry=format_entry(client, entry),
        written=isinstance(client, FileClient) and client.written,
        tried=client.tried,
    )


TOOLS_IN_ORDER: Final = [
    Tool(it.tool_name, it.call.name, _effect(it), it.summary()) for it in KINDS
]
"""All tools, in the order of their listing."""

SETTINGS: Final = {
    str(it.alias): Setting(_default(it.default), str(it.description))
    for it in Settings.model_fields.values()
}
"""All settings, in the order of their page."""

PROMPTS: Final = _prompts()
"""All prompts, in the order of their listing."""

CLIENTS: Final = {name: _client(it) for name, it in MCP_CLIENTS.items()}
"""All clients that `install` knows, by their names on the command line."""

WRITTEN_CLIENTS: Final = [it.name for it in CLIENTS.values() if it.written]
"""Those whose configuration `install` writes."""
