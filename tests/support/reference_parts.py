"""The parts of pages that are written from the code: tables of clients, tools, prompts, settings.

Each is Markdown, and ends with a line end.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import mcp_types as types

from trax_mcp.api.operation import Operation
from trax_mcp.api.tool_input import Effect, ToolInput
from trax_mcp.cli.install.client_configuration import StartOptions, format_entry, new_entry
from trax_mcp.cli.install.clients import CLIENTS, FileClient, McpClient
from trax_mcp.consent.rules import Rules
from trax_mcp.server.prompts import Prompts
from trax_mcp.server.tool_filter import KINDS, ToolFilter
from trax_mcp.settings import Settings

Row = tuple[str, ...]


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
            f"[{_title(it)}](docs/install.md#{_title(it).lower().replace(' ', '-')})",
            f"`.venv/bin/trax-mcp install {it.name}`",
        )
        for it in CLIENTS.values()
    )
    return ("client", "command"), *rows


def _title(client: McpClient) -> str:
    return "Any other client" if client.name == "other" else client.title


def _client(client: McpClient) -> str:
    """How a client is set up, by the command and by hand, with the user's own studios."""
    if isinstance(client, FileClient) and client.written:
        how = f"{client.next_step} To write it yourself, put this into its configuration:"
    else:
        place = client.where or "its configuration"
        how = f"It takes your key, and prints this. Paste it into {place}. {client.next_step}"
    tried = "Tried with this client. " if client.tried else ""
    command = f"```sh\n.venv/bin/trax-mcp install {client.name}\n```"
    return f"### {_title(client)}\n\n{command}\n\n{tried}{how}\n\n{_entry(client)}"


def _entry(client: McpClient) -> str:
    options = StartOptions(key_file=Path("/path/to/key"))
    entry = {**new_entry(client, {}, options), "command": "/path/to/trax-mcp", "args": []}
    is_toml = isinstance(client, FileClient) and client.format == "toml"
    return f"```{'toml' if is_toml else 'json'}\n{format_entry(client, entry)}\n```\n"


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
