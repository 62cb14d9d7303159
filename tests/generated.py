"""What is written from the code and kept in the repository: `python -m tests.generated` writes it.

`test_generated` compares each file with what would be written, so that none can fall behind.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import mcp_types as types

from tests import ROOT
from trax_mcp import __version__
from trax_mcp.api.client import Client
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Effect, Operation
from trax_mcp.api.operations import OPERATIONS
from trax_mcp.guard.rules import Rules
from trax_mcp.server.app import House, build_road
from trax_mcp.server.offer import Offer
from trax_mcp.server.prompts import Prompts
from trax_mcp.server.tools import Tools

TOOLSNAPS = Path("tests/toolsnaps")
_TABLE = re.compile(r"(<!-- tools -->\n).*(<!-- /tools -->\n)", re.DOTALL)


def generated() -> Mapping[Path, str]:
    """Every generated file, by its path in the repository, as it should be."""
    return {
        **dict(_toolsnaps()),
        Path("README.md"): _readme((ROOT / "README.md").read_text()),
        Path("manifest.json"): _manifest(json.loads((ROOT / "manifest.json").read_text())),
    }


def listings() -> list[types.Tool]:
    """All tools as a client lists them."""
    client = Client(base_url="http://127.0.0.1", timeout_seconds=1)
    return Tools(build_road(client, House()), Offer()).listings()


def as_json(tool: types.Tool) -> dict[str, Any]:
    """A listing as it is sent."""
    return tool.model_dump(mode="json", by_alias=True, exclude_none=True)


def _toolsnaps() -> Iterator[tuple[Path, str]]:
    for tool in listings():
        yield TOOLSNAPS / f"{tool.name}.json", _pretty(as_json(tool))


def _readme(text: str) -> str:
    rows = [
        f"| `{kind.known_as}` | {kind.call.name} | {_effect(kind)} | {kind.call.summary} |"
        for kind in OPERATIONS
    ]
    table = "\n".join(("| tool | call | effect | what it does |", "|---|---|---|---|", *rows, ""))
    return _TABLE.sub(lambda found: found.group(1) + table + found.group(2), text)


def _effect(kind: type[Operation[Model]]) -> str:
    if kind.effect is Effect.READ:
        return "reads"
    if kind.effect is Effect.GUARDED:
        return "**guarded**"
    return "changes, **guarded** at times" if Rules().takes_consent(kind) else "changes"


def _manifest(manifest: dict[str, Any]) -> str:
    tools = [{"name": kind.known_as, "description": kind.call.summary} for kind in OPERATIONS]
    prompts = [
        {
            "name": prompt.listing.name,
            "description": prompt.listing.description,
            "arguments": [argument.name for argument in prompt.listing.arguments or ()],
            "text": prompt.text.template,
        }
        for prompt in Prompts.load().all()
    ]
    return _pretty({**manifest, "version": __version__, "tools": tools, "prompts": prompts})


def _pretty(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write every generated file, and remove snapshots of tools that are gone."""
    files = generated()
    for stale in set((ROOT / TOOLSNAPS).glob("*.json")) - {ROOT / path for path in files}:
        stale.unlink()
    for path, text in files.items():
        (ROOT / path).parent.mkdir(exist_ok=True)
        (ROOT / path).write_text(text)


if __name__ == "__main__":
    main()
