"""What the product offers, as data for the pages and files that list it, and for their tests."""

from __future__ import annotations

import ast
import inspect
from dataclasses import dataclass
from itertools import pairwise
from string import Template
from typing import TYPE_CHECKING, Any, Final, get_args

from trax_mcp.api import refusals
from trax_mcp.api.client import Client
from trax_mcp.api.operation import Effect, Operation, ToolInput
from trax_mcp.cli.install.clients import CLIENTS as MCP_CLIENTS
from trax_mcp.cli.install.clients import McpClient
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

    `fields` is what an entry has besides the command. `written` is whether `install`
    writes it, `place` is where it is pasted otherwise, and `tried` whether the client was seen
    to start the server.
    """

    name: str
    title: str
    servers: str
    next_step: str
    place: str
    fields: Mapping[str, str]
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
    if kind.effect is Effect.GUARDED and issubclass(kind, Operation):
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


def _texts_below_fields(kind: type[object]) -> dict[str, str]:
    """The string that stands below each field of a class, in one line."""
    (declared,) = ast.parse(inspect.getsource(kind)).body
    assert isinstance(declared, ast.ClassDef)
    found = {}
    for field, text in pairwise(declared.body):
        match field, text:
            case ast.AnnAssign(target=ast.Name(name)), ast.Expr(value=ast.Constant(str(meaning))):
                found[name] = " ".join(meaning.split())
    return found


def _client(client: McpClient) -> KnownClient:
    return KnownClient(
        name=client.name,
        title=client.title,
        servers=client.servers,
        next_step=client.next_step,
        place=client.where,
        fields=client.fixed_fields,
        written=client.written,
        tried=client.tried,
    )


TOOLS_IN_ORDER: Final = [
    Tool(it.tool_name, it.call.name, _effect(it), it.summary()) for it in KINDS
]
"""All tools, in the order of their listing."""

_SETTING_MEANINGS: Final = _texts_below_fields(Settings)

SETTINGS: Final = {
    str(it.alias): Setting(
        "your key file" if name == "api_key_file" else _default(it.default),
        _SETTING_MEANINGS[name],
    )
    for name, it in Settings.model_fields.items()
}
"""All settings, in the order of their page."""

PROMPTS: Final = _prompts()
"""All prompts, in the order of their listing."""

CLIENTS: Final = {name: _client(it) for name, it in MCP_CLIENTS.items()}
"""All clients that `install` knows, by their names on the command line."""

WRITTEN_CLIENTS: Final = [it.name for it in CLIENTS.values() if it.written]
"""Those whose configuration `install` writes."""
