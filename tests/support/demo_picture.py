"""Draws the picture in README from an excerpt of the demo.

`python -m tests.support.demo_picture` plays the demo and writes the picture.

The picture is a self-contained SVG: no script, font file or link.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from tests import ROOT
from trax_mcp.cli.demo.play import SERVER, play

if TYPE_CHECKING:
    from collections.abc import Sequence

PICTURE: Final = ROOT / "docs/session.svg"
COLUMNS: Final = 80
PARTS: Final = (
    ("Take the Friday show live.", "The Friday Night Show is studio_42."),
    ("go_live(", "observed, "),
    ("What are they saying?", "The sound is a little quiet here"),
)
"""The parts shown: the text in the first line of each, and the text in the last."""

_THEME: Final = TerminalTheme(
    (22, 27, 34),
    (230, 237, 243),
    [
        (72, 79, 88), (218, 54, 51), (63, 185, 80), (210, 153, 34),
        (88, 166, 255), (188, 140, 255), (57, 197, 207), (255, 255, 255),
    ],
)  # fmt: skip
_FONT: Final = "ui-monospace,SFMono-Regular,Menlo,Consolas,DejaVu Sans Mono,monospace"
_FORMAT: Final = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="-12 20 {width} {height}" role="img">
<title>A session, as trax-mcp demo prints it</title>
<style>
.{unique_id}-matrix {{ font-family: FONT; font-size: {char_height}px; }}
{styles}
</style>
<defs>
{lines}
</defs>
<rect x="-12" y="20" width="{width}" height="{height}" rx="10" fill="#161b22"/>
<g transform="translate({terminal_x}, {terminal_y})">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
""".replace("FONT", _FONT)


def run_demo(command: Sequence[str] = SERVER) -> list[Text]:
    """Play the demo; returns the coloured lines that it prints.

    Raises:
        AssertionError: it failed.
    """
    console = Console(
        file=io.StringIO(), width=COLUMNS, color_system="standard", highlight=False, markup=False
    )
    assert play(command, console=console) == 0
    assert isinstance(console.file, io.StringIO)
    return [Text.from_ansi(line) for line in console.file.getvalue().splitlines()]


def excerpt(lines: Sequence[Text]) -> list[Text]:
    """The lines of `PARTS` under the command, with an empty line before each part."""
    shown = [Text("$ trax-mcp demo", "dim")]
    for first, last in PARTS:
        shown += [Text(), *lines[_find(lines, first) : _find(lines, last) + 1]]
    return shown


def draw(lines: Sequence[Text]) -> str:
    """Draw lines as SVG."""
    console = Console(file=io.StringIO(), width=COLUMNS, record=True, force_terminal=True)
    for line in lines:
        console.print(line, no_wrap=True)
    return console.export_svg(theme=_THEME, code_format=_FORMAT, unique_id="session")


def _find(lines: Sequence[Text], text: str) -> int:
    return next(number for number, line in enumerate(lines) if text in line.plain)


def main() -> None:
    """Play the demo and write the picture."""
    PICTURE.write_text(draw(excerpt(run_demo())), encoding="utf-8")


if __name__ == "__main__":
    main()
