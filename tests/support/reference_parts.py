"""The parts of pages that are written from the code: tables of clients, tools, prompts, settings.

Each is Markdown, and ends with a line end.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import mcp_types as types

from trax_mcp.api.operation import Operation
from trax_mcp.api.tool_input import Effect, ToolInput
from trax_mcp.cli.clients import CLIENTS, Client
from trax_mcp.consent.rules import Rules
from trax_mcp.server.prompts import Prompts
from trax_mcp.server.tool_filter import KINDS, ToolFilter
from trax_mcp.settings import Settings

Row = tuple[str, ...]

_ENV = {"TRAX_API_KEY_FILE": "/path/to/key", "TRAX_API_KEY": ""}
"""The settings of an entry, for a key in a file."""


def reference_parts() -> Mapping[str, str]:
    """Each part by its name."""
    return {
        "clients": _table(_clients()),
        "each client": "\n".join(_client(it) for it in CLIENTS.values()),
        "tools": _table(_tools()),
        "prompts": _table(_prompts()),
        "settings": _table(_settings()),
    }


def each_tool(listings: Sequence[types.Tool]) -> str:
    """A section for each tool: its description and its arguments, as a client lists them."""
    return "\n".join(_section(it) for it in listings)


def _table(rows: Sequence[Row]) -> str:
    columns, *cells = ("| " + " | ".join(row) + " |" for row in rows)
    return "".join(f"{it}\n" for it in (columns, "|" + "---|" * len(rows[0]), *cells))


def _clients() -> Sequence[Row]:
    rows = (
        (
            f"[{it.title}](docs/install.md#{_anchor(it.title)})",
            f"`.venv/bin/trax-mcp install {it.name}`",
        )
        for it in CLIENTS.values()
    )
    return ("client", "command"), *rows


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-")


def _client(client: Client) -> str:
    entry = {**client.fixed_fields, "command": "/path/to/trax-mcp", "env": _ENV}
    json_text = json.dumps({client.servers: {"trax": entry}}, indent=2)
    return (
        f"### {client.title}\n\n"
        f"```sh\n.venv/bin/trax-mcp install {client.name}\n```\n\n"
        f"{client.next_step} The entry, if you write it yourself:\n\n"
        f"```json\n{json_text}\n```\n"
    )


def _tools() -> Sequence[Row]:
    rows = (
        (f"[`{it.tool_name}`](#{it.tool_name})", it.call.name, _effect(it), it.summary())
        for it in KINDS
    )
    return ("tool", "call", "effect", "what it does"), *rows


def _effect(kind: type[ToolInput]) -> str:
    if kind.effect is Effect.READ:
        return "reads"
    if not issubclass(kind, Operation):
        return "changes"
    if kind.effect is Effect.GUARDED:
        return "**guarded**"
    return "changes, **guarded** at times" if Rules().may_need_consent(kind) else "changes"


def _section(tool: types.Tool) -> str:
    schema = tool.input_schema
    required = schema.get("required", ())
    rows = [_argument(name, it, name in required) for name, it in schema["properties"].items()]
    table = "\n" + _table([("argument", "type", "what it is"), *rows]) if rows else ""
    scope = (tool.meta or {}).get("live.traxstreaming/scope")
    needs = f" Scope: `{scope}`." if scope else ""
    return f"### {tool.name}\n\n{tool.description}{needs}\n{table}"


def _argument(name: str, schema: Mapping[str, Any], required: bool) -> Row:  # noqa: FBT001  a cell
    mark = "" if required else "?"
    text = str(schema["description"]).replace("|", "\\|")
    return f"`{name}`{mark}", ", ".join(_type(schema)), text


def _type(schema: Mapping[str, Any]) -> Iterator[str]:
    kinds = schema.get("type", "")
    yield kinds if isinstance(kinds, str) else " or ".join(kinds)
    if "default" in schema:
        yield f"default {str(schema['default']).lower()}"
    if "maximum" in schema:
        yield f"at most {schema['maximum']}"


def _prompts() -> Sequence[Row]:
    rows = (
        (f"[`{it.name}`](../prompts/{it.name}.md)", _asked_for(it), str(it.description))
        for it in Prompts.load(ToolFilter(local=True)).listings()
    )
    return ("prompt", "you give", "what it does"), *rows


def _asked_for(prompt: types.Prompt) -> str:
    arguments = (f"`{it.name}`" + ("" if it.required else "?") for it in prompt.arguments or ())
    return ", ".join(arguments)


def _settings() -> Sequence[Row]:
    rows = (
        (f"`{it.alias}`", _default(it.default), str(it.description))
        for it in Settings.model_fields.values()
    )
    return ("name", "default", "meaning"), *rows


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
