"""What is written, by name. Each part knows its files, with all else in them as it is."""

from __future__ import annotations

from difflib import unified_diff
from typing import TYPE_CHECKING, Final

from tests import ROOT
from tools.docs.exchanges import exchanges
from tools.docs.picture import pictures
from tools.docs.reference import manifest, pages, schemas

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

WRITERS: Final[Mapping[str, Callable[[], Mapping[str, str]]]] = {
    # The tools are listed with these.
    "schemas": schemas,
    "pages": pages,
    "manifest": manifest,
    "exchanges": exchanges,
    "pictures": pictures,
}
"""In the order of their writing: each returns what its files must hold, by path."""


def difference(name: str) -> str:
    """What is out of date in a part, as a unified diff."""
    lines: list[str] = []
    for path, text in WRITERS[name]().items():
        before = (ROOT / path).read_text("utf-8")
        lines += unified_diff(
            before.splitlines(keepends=True),
            text.splitlines(keepends=True),
            path,
            f"{path}, by the code",
        )
    return "".join(lines)
