"""Files that are generated from the code: `python -m tests.support.generated_files` writes them.

`test_generated` checks that none is out of date.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests import ROOT
from tests.support.product.reference import PROMPTS, TOOLS_IN_ORDER, Prompt
from tests.support.product.server import VERSION
from tests.support.reference_parts import reference_parts
from tests.support.written_files import write

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGES = (
    "docs/install.md",
    "docs/prompts.md",
    "docs/settings.md",
    "docs/tools.md",
    "docs/consent.md",
)
"""The pages with parts between `<!-- name -->` and `<!-- /name -->`, each written from the code."""

_PART = re.compile(r"(<!-- ([a-z ]+) -->\n).*?(<!-- /\2 -->\n)", re.DOTALL)


def generated_files() -> Mapping[Path, str]:
    """Every generated file by its path in the repository."""
    parts = reference_parts()
    pages = {Path(it): _filled_in((ROOT / it).read_text("utf-8"), parts) for it in PAGES}
    manifest = _manifest(json.loads((ROOT / "manifest.json").read_text(encoding="utf-8")))
    return {**pages, Path("manifest.json"): manifest}


def _filled_in(page: str, parts: Mapping[str, str]) -> str:
    return _PART.sub(lambda it: f"{it[1]}{parts[it[2]]}{it[3]}", page)


def _manifest(manifest: dict[str, Any]) -> str:
    tools = [{"name": it.name, "description": it.summary} for it in TOOLS_IN_ORDER]
    prompts = [_bundled(prompt) for prompt in PROMPTS]
    return _to_json({**manifest, "version": VERSION, "tools": tools, "prompts": prompts})


def _bundled(prompt: Prompt) -> dict[str, Any]:
    """A prompt as the manifest writes it."""
    return {
        "name": prompt.listing.name,
        "description": prompt.listing.description,
        "arguments": [argument.name for argument in prompt.listing.arguments or ()],
        "text": prompt.text,
    }


def _to_json(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write every generated file."""
    for path, text in generated_files().items():
        write(path, text)


if __name__ == "__main__":
    main()
