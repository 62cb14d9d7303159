"""What lists tools, prompts, settings and clients: parts of pages, the manifest, the schemas.

A part of a page stands between `<!-- name -->` and `<!-- /name -->`.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
from itertools import pairwise
from string import Template
from typing import TYPE_CHECKING, Any, Final

from tests import ROOT
from tests.support.product.reference import listings
from tools.docs.clients import client_rows
from tools.docs.schemas import schemas_of
from trax_mcp import __version__
from trax_mcp.actions import OPERATIONS
from trax_mcp.actions.several import ApplyChanges
from trax_mcp.api.operation import Effect, Operation, ToolInput, When, most
from trax_mcp.consent.rules import Rules
from trax_mcp.server.offer import KINDS, TOOLS
from trax_mcp.server.prompts import read_prompts
from trax_mcp.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import mcp_types as types

    from trax_mcp.server.prompts import Prompt

    Row = tuple[str, ...]

_PAGES: Final = (
    "clients",
    "claude-desktop",
    "prompts",
    "settings",
    "tools",
    "consent",
    "frameworks",
)
_FRAMEWORKS: Final = ROOT / "proof/frameworks"
_PART: Final = re.compile(r"(<!-- ([a-z ]+) -->\n).*?(<!-- /\2 -->\n)", re.DOTALL)


def schemas() -> Mapping[str, str]:
    """The schemas of all tools, which are served as they are in this file."""
    made = {name: schemas_of(kind) for name, kind in TOOLS.items()}
    text = json.dumps(made, ensure_ascii=False, separators=(",", ":"))
    return {"trax_mcp/server/schemas.json": f"{text}\n"}


def manifest() -> Mapping[str, str]:
    """The lists of tools and prompts in the bundle's manifest, and its version."""
    tools = [{"name": it.tool_name, "description": it.summary()} for it in KINDS]
    prompts = [_bundled(prompt) for prompt in read_prompts()]
    document = {
        **json.loads((ROOT / "manifest.json").read_text("utf-8")),
        "version": __version__,
        "tools": tools,
        "prompts": prompts,
    }
    return {"manifest.json": json.dumps(document, indent=2, ensure_ascii=False) + "\n"}


def _form_rows() -> Iterator[Row]:
    """The fields that a host of the bundle shows."""
    form = json.loads((ROOT / "manifest.json").read_text("utf-8"))["user_config"]
    for it in form.values():
        match it.get("default"):
            case bool(value):
                first = "on" if value else "off"
            case value:
                first = f"`{value}`" if value else "empty"
        yield it["title"], it["description"], first


def _bundled(prompt: Prompt) -> dict[str, Any]:
    arguments = [it.name for it in prompt.listing.arguments or ()]
    filled_in = {name: f"${{arguments.{name}}}" for name in arguments}
    return {
        "name": prompt.listing.name,
        "description": prompt.listing.description,
        "arguments": arguments,
        "text": Template(prompt.text).substitute(filled_in),
    }


def pages() -> Mapping[str, str]:
    """The pages with tables of what there is."""
    tools = [
        (f"[`{it.tool_name}`](#{it.tool_name})", it.endpoint.name, _effect(it), it.summary())
        for it in KINDS
    ]
    prompts = (_prompt_row(it.listing) for it in read_prompts())
    parts = {
        "clients": _table(
            ("client", "install", "you're asked in", "it draws", "waiting for chat", "tried"),
            client_rows(),
        ),
        "bundle form": _table(("field", "what to do", "at first"), _form_rows()),
        "tools by group": _table(("group", "tools"), _group_rows()),
        "tools": _table(("tool", "call", "effect", "what it does"), tools),
        "each tool": "\n".join(map(_section, listings())),
        "prompts": _table(("prompt", "you give", "what it does"), prompts),
        "settings": _table(("name", "default", "meaning"), _setting_rows()),
        "what needs approval": _table(("tool", "always", "while on air"), _consent_rows()),
        "frameworks": _table(
            (
                "framework",
                "goes on air",
                "asks in",
                "its model reads",
                "of errors",
                "a call of 7 seconds",
                "strict mode",
            ),
            _framework_rows(),
        ),
    }
    files = ["README.md", *(f"docs/{name}.md" for name in _PAGES)]
    return {
        it: _PART.sub(
            lambda part: f"{part[1]}{parts[part[2]]}{part[3]}", (ROOT / it).read_text("utf-8")
        )
        for it in files
    }


def _table(columns: Row, rows: Iterable[Row]) -> str:
    head, *cells = ("| " + " | ".join(row) + " |" for row in (columns, *rows))
    return "".join(f"{it}\n" for it in (head, "|" + "---|" * len(columns), *cells))


def _group_rows() -> Iterator[Row]:
    """The tools by the group that `TRAX_TOOLS` knows, in bold those that always ask first."""
    groups: dict[str, list[str]] = {}
    for it in KINDS:
        name = f"`{it.tool_name}`"
        always = it.effect is Effect.GUARDED and issubclass(it, Operation)
        groups.setdefault(it.endpoint.tag, []).append(f"**{name}**" if always else name)
    for group, names in groups.items():
        yield f"`{group}`", " ".join(names)


def _framework_rows() -> Iterator[Row]:
    """What `make frameworks` has seen last."""
    for file in sorted(_FRAMEWORKS.glob("seen/*.txt")):
        versions, *lines = file.read_text("utf-8").partition("\n\n")[0].splitlines()
        seen = dict(it.split(": ", 1) for it in lines)
        has_strict_mode = "in strict mode" in seen["ways"]
        yield (
            f"[{file.stem}](../{file.relative_to(ROOT).as_posix()}), {versions.split(', ')[0]}",
            "over HTTP" if seen["on air"] == "not on stdio" else "on stdio, over HTTP",
            "a form" if seen["a form"] == "yes" else "a preview",
            seen["reads"],
            seen["of errors"],
            {"yes": "works", "not on stdio": "fails on stdio"}.get(seen["a wait"], "fails"),
            _strict_mode(seen["several changes"]) if has_strict_mode else "",
        )


def _strict_mode(seen: str) -> str:
    return "leave it off" if "in strict mode" in seen else "works"


def _effect(kind: type[ToolInput]) -> str:
    if kind.effect is Effect.READ:
        return "reads"
    if kind.effect is Effect.GUARDED and issubclass(kind, Operation):
        return "**guarded**"
    return "changes, **guarded** at times" if Rules().may_need_consent(kind) else "changes"


def _section(tool: types.Tool) -> str:
    """A tool's description and its arguments, as a client lists them."""
    schema = tool.input_schema
    required = schema.get("required", ())
    rows = [
        (
            f"`{name}`{'' if name in required else '?'}",
            ", ".join(_type(it)),
            str(it["description"]).replace("|", "\\|"),
        )
        for name, it in schema["properties"].items()
    ]
    table = "\n" + _table(("argument", "type", "what it is"), rows) if rows else ""
    scope = (tool.meta or {}).get("live.traxstreaming/scope")
    needs = f" Scope: `{scope}`." if scope else ""
    return f"### {tool.name}\n\n{tool.description}{needs}\n{table}"


def _type(schema: Mapping[str, Any]) -> Iterator[str]:
    kinds = schema.get("type", "")
    yield kinds if isinstance(kinds, str) else " or ".join(kinds)
    if "maximum" in schema:
        yield f"at most {schema['maximum']}"


def _prompt_row(it: types.Prompt) -> Row:
    asked = (f"`{given.name}`" + ("" if given.required else "?") for given in it.arguments or ())
    return f"[`{it.name}`](../prompts/{it.name}.md)", ", ".join(asked), str(it.description)


def _setting_rows() -> Iterator[Row]:
    """The default and the meaning of each setting, which is the string below its field."""
    (declared,) = ast.parse(inspect.getsource(Settings)).body
    assert isinstance(declared, ast.ClassDef)
    for statement, text in pairwise(declared.body):
        match statement, text:
            case ast.AnnAssign(target=ast.Name(name)), ast.Expr(value=ast.Constant(str(meaning))):
                field = Settings.model_fields[name]
                default = "your key file" if name == "api_key_file" else _default(field.default)
                yield f"`{field.alias}`", default, " ".join(meaning.split())


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


def _consent_rows() -> Iterator[Row]:
    """Each tool that may need approval, with the calls that always do, and those while on air."""
    for kind in OPERATIONS:
        name = f"[`{kind.tool_name}`](tools.md#{kind.tool_name})"
        if kind.effect is Effect.GUARDED:
            yield name, "each call", ""
        elif kind.consent:
            yield name, _calls(kind, When.ALWAYS), _calls(kind, When.WHILE_LIVE)
    name, some = ApplyChanges.tool_name, "with a change that does"
    yield f"[`{name}`](tools.md#{name})", some, some


def _calls(kind: type[Operation[Any]], when: When) -> str:
    """The calls of a tool that need approval then, in words."""
    rules = {name: it for name, it in kind.consent.items() if most(it) is when}
    given, unless = list[str](), list[str]()
    for name, it in rules.items():
        match it:
            case When():
                given.append(f"`{name}`")
            case _ if None in it:
                unless.append(name)
            case _:
                given.append(f"`{name}` true")
    parts = [f"with {', '.join(given)}"] if given else []
    return ", ".join([*parts, *(f"unless `{it}` is false" for it in unless)])
