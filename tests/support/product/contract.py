"""TRaX's contract as it is built in, read as a file and not through the code that uses it."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any, Final

DOCUMENT: Final[dict[str, Any]] = json.loads(
    resources.files("trax_mcp").joinpath("api/openapi.json").read_text(encoding="utf-8")
)
"""The document. Nobody changes it: a test copies it first."""
