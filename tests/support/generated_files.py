"""Files that are generated from the code: `python -m tests.support.generated_files` writes them.

`test_generated` checks that none is out of date.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import mcp_types as types

from tests import ROOT
from tests.support.reference_parts import each_tool, reference_parts
from trax_mcp import __version__
from trax_mcp.api.client import Client
from trax_mcp.server.app import ServerDeps, build_asking
from trax_mcp.server.composite_tools import CompositeTools
from trax_mcp.server.prompts import Prompt, Prompts
from trax_mcp.server.tool_filter import ToolFilter
from trax_mcp.server.tools import Tools

TOOLSNAPS = Path("tests/toolsnaps")
PAGES = (
    "README.md",
    "docs/install.md",
    "docs/prompts.md",
    "docs/settings.md",
    "docs/tools.md",
)
"""The pages with parts between `<!-- name -->` and `<!-- /name -->`, each written from the code."""

_PART = re.compile(r"(<!-- ([a-z ]+) -->\n).*?(<!-- /\2 -->\n)", re.DOTALL)


def generated_files() -> Mapping[Path, str]:
    """Every generated file by its path in the repository."""
    return {
        **dict(_toolsnaps()),
        **{Path(it): _filled_in((ROOT / it).read_text("utf-8")) for it in PAGES},
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


def _filled_in(page: str) -> str:
    parts = {"each tool": each_tool(listings()), **reference_parts()}
    return _PART.sub(lambda it: f"{it[1]}{parts[it[2]]}{it[3]}", page)


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
