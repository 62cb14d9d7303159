"""Files that are generated from the code: `python -m tests.support.generated_files` writes them.

`test_generated` checks that none is out of date.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import mcp_types as types

from tests import ROOT
from trax_mcp import __version__
from trax_mcp.api.client import Client
from trax_mcp.api.operation import Operation
from trax_mcp.api.tool_input import Effect, ToolInput
from trax_mcp.cli.clients import CLIENTS
from trax_mcp.consent.rules import Rules
from trax_mcp.server.app import ServerDeps, build_asking
from trax_mcp.server.composite_tools import CompositeTools
from trax_mcp.server.prompts import Prompt, Prompts
from trax_mcp.server.tool_filter import KINDS, ToolFilter
from trax_mcp.server.tools import Tools

TOOLSNAPS = Path("tests/toolsnaps")
Row = tuple[str, ...]


def generated_files() -> Mapping[Path, str]:
    """Every generated file by its path in the repository."""
    return {
        **dict(_toolsnaps()),
        Path("README.md"): _readme((ROOT / "README.md").read_text()),
        Path("manifest.json"): _manifest(json.loads((ROOT / "manifest.json").read_text())),
    }


def listings() -> list[types.Tool]:
    """All tools as a client lists them, if all are offered."""
    client = Client(base_url="http://127.0.0.1", timeout_seconds=1)
    deps = ServerDeps(tool_filter=ToolFilter(local=True))
    asking = build_asking(client, deps)
    composite_tools = CompositeTools(client=client, guard=asking.guard, clock=deps.clock)
    return Tools(asking, composite_tools, deps.tool_filter).listings()


def as_json(tool: types.Tool) -> dict[str, Any]:
    """A listing as it is sent."""
    return tool.model_dump(mode="json", by_alias=True, exclude_none=True)


def _toolsnaps() -> Iterator[tuple[Path, str]]:
    for tool in listings():
        yield TOOLSNAPS / f"{tool.name}.json", _to_json(as_json(tool))


def _readme(text: str) -> str:
    for name, rows in {"clients": _clients(), "tools": _tools(), "prompts": _prompts()}.items():
        columns, *cells = ("| " + " | ".join(row) + " |" for row in rows)
        rule = "|" + "---|" * len(rows[0])
        before, opening, rest = text.partition(f"<!-- {name} -->\n")
        _, closing, after = rest.partition(f"<!-- /{name} -->\n")
        text = "".join(
            (before, opening, *(f"{it}\n" for it in (columns, rule, *cells)), closing, after)
        )
    return text


def _clients() -> Sequence[Row]:
    rows = (
        (
            it.title[0].upper() + it.title[1:],
            f"`.venv/bin/trax-mcp install {it.name}`",
            it.next_step,
            "yes" if it.tried else "no",
        )
        for it in CLIENTS.values()
    )
    return ("client", "command", "then", "tried with it"), *rows


def _tools() -> Sequence[Row]:
    rows = ((f"`{it.tool_name}`", it.call.name, _effect(it), it.summary()) for it in KINDS)
    return ("tool", "call", "effect", "what it does"), *rows


def _prompts() -> Sequence[Row]:
    rows = ((f"`{it.name}`", _arguments(it), str(it.description)) for it in _listed())
    return ("prompt", "you give", "what it does"), *rows


def _listed() -> Sequence[types.Prompt]:
    return Prompts.load(ToolFilter(local=True)).listings()


def _arguments(prompt: types.Prompt) -> str:
    arguments = (f"`{it.name}`" + ("" if it.required else "?") for it in prompt.arguments or ())
    return ", ".join(arguments)


def _effect(kind: type[ToolInput]) -> str:
    if kind.effect is Effect.READ:
        return "reads"
    if not issubclass(kind, Operation):
        return "changes"
    if kind.effect is Effect.GUARDED:
        return "**guarded**"
    return "changes, **guarded** at times" if Rules().may_need_consent(kind) else "changes"


def _manifest(manifest: dict[str, Any]) -> str:
    tool_filter = ToolFilter(local=True)  # a bundle's form has a field for the media folders
    tools = [{"name": it.tool_name, "description": it.summary()} for it in tool_filter.kinds()]
    prompts = [_bundled(prompt) for prompt in Prompts.load(tool_filter).all()]
    return _to_json({**manifest, "version": __version__, "tools": tools, "prompts": prompts})


def _bundled(prompt: Prompt) -> dict[str, Any]:
    """A prompt as the manifest writes it, with `${arguments.name}` for an argument."""
    names = [argument.name for argument in prompt.listing.arguments or ()]
    return {
        "name": prompt.listing.name,
        "description": prompt.listing.description,
        "arguments": names,
        "text": prompt.text.substitute({name: f"${{arguments.{name}}}" for name in names}),
    }


def _to_json(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write every generated file, and remove snapshots of removed tools."""
    files = generated_files()
    for stale in set((ROOT / TOOLSNAPS).glob("*.json")) - {ROOT / path for path in files}:
        stale.unlink()
    for path, text in files.items():
        (ROOT / path).parent.mkdir(exist_ok=True)
        (ROOT / path).write_text(text)


if __name__ == "__main__":
    main()
