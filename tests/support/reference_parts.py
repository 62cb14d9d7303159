"""The parts of pages that are written from the code: tables of clients, tools, prompts, settings.

Each is Markdown, and ends with a line end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.product.declared_consent import consent_table
from tests.support.product.reference import (
    CLIENTS,
    PROMPTS,
    SETTINGS,
    TOOLS_IN_ORDER,
    KnownClient,
    listings,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import mcp_types as types

    Row = tuple[str, ...]


def reference_parts() -> Mapping[str, str]:
    """Each part by its name."""
    tools = [
        (f"[`{it.name}`](#{it.name})", it.call, it.effect, it.summary) for it in TOOLS_IN_ORDER
    ]
    settings = [(f"`{name}`", it.default, it.meaning) for name, it in SETTINGS.items()]
    return {
        "clients": _table(("client", "command"), map(_client_row, CLIENTS.values())),
        "each client": "\n".join(map(_client, CLIENTS.values())),
        "tools": _table(("tool", "call", "effect", "what it does"), tools),
        "each tool": "\n".join(map(_section, listings())),
        "prompts": _table(
            ("prompt", "you give", "what it does"), (_prompt_row(it.listing) for it in PROMPTS)
        ),
        "settings": _table(("name", "default", "meaning"), settings),
        "what needs a yes": _table(("tool", "always", "while on air"), _consent_rows()),
    }


def _table(columns: Row, rows: Iterable[Row]) -> str:
    head, *cells = ("| " + " | ".join(row) + " |" for row in (columns, *rows))
    return "".join(f"{it}\n" for it in (head, "|" + "---|" * len(columns), *cells))


def _client_row(client: KnownClient) -> Row:
    anchor = _title(client).lower().replace(" ", "-")
    return (
        f"[{_title(client)}](docs/install.md#{anchor})",
        f"`.venv/bin/trax-mcp install {client.name}`",
    )


def _title(client: KnownClient) -> str:
    return "Any other client" if client.name == "other" else client.title


def _client(client: KnownClient) -> str:
    """How a client is set up, by the command and by hand, with the user's own studios."""
    if client.written:
        how = f"{client.next_step} To write it yourself, put this into its configuration:"
    else:
        paste = f"It takes your key, and prints this. Paste it into {client.place}."
        how = f"{paste} {client.next_step}"
    tried = "Tried with this client. " if client.tried else ""
    command = f"```sh\n.venv/bin/trax-mcp install {client.name}\n```"
    entry = f"```{client.kind}\n{client.entry}\n```\n"
    return f"### {_title(client)}\n\n{command}\n\n{tried}{how}\n\n{entry}"


def _section(tool: types.Tool) -> str:
    """A tool's description and its arguments, as a client lists them."""
    schema = tool.input_schema
    required = schema.get("required", ())
    rows = [_argument(name, it, name in required) for name, it in schema["properties"].items()]
    table = "\n" + _table(("argument", "type", "what it is"), rows) if rows else ""
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


def _prompt_row(it: types.Prompt) -> Row:
    asked = (f"`{given.name}`" + ("" if given.required else "?") for given in it.arguments or ())
    return f"[`{it.name}`](../prompts/{it.name}.md)", ", ".join(asked), str(it.description)


def _consent_rows() -> Iterator[Row]:
    for name, always, live in consent_table():
        yield f"[`{name}`](tools.md#{name})", always, live
