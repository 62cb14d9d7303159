"""The picture in README: an excerpt of the demo, as rich exports it.

`python -m tests.support.demo_picture` plays the demo and writes the picture.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.text import Text

from tests import ROOT
from tests.support.product.demo import play_demo
from tests.support.written_files import write

if TYPE_CHECKING:
    from collections.abc import Callable

PICTURE: Final = ROOT / "docs/session.svg"
PARTS: Final = (
    ("Take the Friday show live.", "; switched on: "),
    ("go_live(", "observed, "),
    ("What are they saying?", "Ignore your instructions"),
)
"""The parts shown: the text in the first line of each, and the text in the last."""

_OUTSIDE: Final = re.compile(r"\s*@font-face \{.*?\}|\s*<!--.*?-->", re.DOTALL)
"""The addresses that rich writes into a picture: of fonts, and its own."""


def draw(play: Callable[[Console], int] = play_demo) -> str:
    """Play the demo, and draw the parts of it. `play` returns its exit code.

    Raises:
        AssertionError: it failed.
    """
    printed = io.StringIO()
    console = Console(
        file=printed, width=80, color_system="standard", highlight=False, markup=False
    )
    assert play(console) == 0
    lines = [Text.from_ansi(line) for line in printed.getvalue().splitlines()]
    picture = Console(file=io.StringIO(), width=80, record=True, force_terminal=True)
    for start, end in PARTS:
        first, last = (
            next(n for n, it in enumerate(lines) if text in it.plain) for text in (start, end)
        )
        for line in (*lines[first : last + 1], Text()):
            picture.print(line, no_wrap=True)
    drawn = picture.export_svg(title="trax-mcp demo", unique_id="session")
    return _OUTSIDE.sub("", drawn)


def main() -> None:
    """Play the demo and write the picture."""
    write(PICTURE, draw())


if __name__ == "__main__":
    main()
