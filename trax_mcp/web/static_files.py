"""Our files for pages."""

import re
from importlib.resources import files
from typing import Final

LOAD: Final = re.compile(
    r'<link rel="stylesheet" href="/(?P<css>[\w.]+)">'
    r'|<script src="/(?P<js>[\w.]+)"(?: defer)?></script>'
)
"""Where a page loads one of them."""


def read_static(name: str) -> str:
    """One of our files."""
    return files("trax_mcp.web").joinpath("static", name).read_text(encoding="utf-8")
