"""The schemas of all tools: `python -m tests.support.product.tool_schemas` writes their file.

`test_generated` checks that it is not out of date.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from tests.support.written_files import write
from trax_mcp.server.offer import TOOLS
from trax_mcp.server.schemas import schemas_of

FILE: Final = Path("trax_mcp/server/schemas.json")


def content() -> str:
    """What the file must hold."""
    schemas = {name: schemas_of(kind) for name, kind in TOOLS.items()}
    return json.dumps(schemas, ensure_ascii=False, separators=(",", ":")) + "\n"


if __name__ == "__main__":
    write(FILE, content())
