"""Draws the picture in README: `python -m tests.picture` runs the demo and draws its output.

The picture is an excerpt, and a self-contained SVG: no script, font file or link.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from rich.console import Console
from rich.style import Style
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from tests import ROOT
from trax_mcp.cli import demo

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PICTURE: Final = ROOT / "docs/session.svg"
COMMAND: Final = "trax-mcp demo"
PARTS: Final = (
    ("Take the Friday show live.", "The Friday Night Show is studio_42."),
    ("go_live(", "observed, "),
    ("What are they saying?", "The sound is a little quiet here"),
)
"""The parts shown: the text in the first line of each, and the text in the last."""
_COLUMNS: Final = 80

_THEME: Final = TerminalTheme(
    (22, 27, 34),
    (230, 237, 243),
    [
        (72, 79, 88), (255, 123, 114), (63, 185, 80), (210, 153, 34),
        (88, 166, 255), (188, 140, 255), (57, 197, 207), (255, 255, 255),
    ],
)  # fmt: skip
_BACK, _FORE, _FAINT, _RED = "#161b22", "#e6edf3", "#8b949e", "#da3633"
_FONT: Final = "ui-monospace,SFMono-Regular,Menlo,Consolas,DejaVu Sans Mono,monospace"
_SIZE, _LINE, _ADVANCE, _MARGIN = 14, 20, 8.4, 20


@dataclass(frozen=True, slots=True)
class Run:
    """Text of one style that begins at a column."""

    column: int
    text: str
    style: Style

    def svg(self, top: int) -> str:
        """Draw it as SVG; `top` is the upper edge of the line."""
        left, width = self._left(self.column), _ADVANCE * len(self.text)
        box = ""
        if self.style.bgcolor is not None:
            box = f'<rect x="{left}" y="{top + 2}" width="{width:g}" height="17" fill="{_RED}"/>'
        text = (
            f'<text x="{left}" y="{top + 15}" textLength="{width:g}"{self._attributes()}>'
            f"{escape(self.text)}</text>"
        )
        return box + text

    def _attributes(self) -> str:
        attributes = f' fill="{self._colour()}"'
        attributes += ' font-weight="bold"' if self.style.bold else ""
        return attributes + (' font-style="italic"' if self.style.italic else "")

    def _colour(self) -> str:
        if self.style.color is not None:
            return self.style.color.get_truecolor(_THEME).hex
        return _FAINT if self.style.dim else _FORE

    @staticmethod
    def _left(column: int) -> str:
        return f"{_MARGIN + column * _ADVANCE:g}"


def run_demo(command: Sequence[str] = demo.SERVER) -> list[Text]:
    """Run the demo; returns the coloured lines that it prints.

    Raises:
        AssertionError: it failed.
    """
    console = Console(
        file=io.StringIO(), width=_COLUMNS, color_system="standard", highlight=False, markup=False
    )
    assert demo.play(command, console=console) == 0
    assert isinstance(console.file, io.StringIO)
    return [Text.from_ansi(line) for line in console.file.getvalue().splitlines()]


def excerpt(lines: Sequence[Text]) -> list[Text]:
    """The lines of `PARTS`, with an empty line before each part."""
    parts = [
        [Text(), *lines[_find(lines, first) : _find(lines, last) + 1]] for first, last in PARTS
    ]
    return [line for part in parts for line in part]


def _find(lines: Sequence[Text], text: str) -> int:
    return next(number for number, line in enumerate(lines) if text in line.plain)


def draw(lines: Sequence[Text]) -> str:
    """Draw lines as SVG."""
    width = round(2 * _MARGIN + _COLUMNS * _ADVANCE)
    height = 2 * _MARGIN + _LINE * (len(lines) + 1)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"'
        f' font-family="{_FONT}" font-size="{_SIZE}" xml:space="preserve">'
    )
    parts = [
        head,
        f"<title>A session, as {COMMAND} prints it</title>",
        f'<rect width="{width}" height="{height}" rx="10" fill="{_BACK}"/>',
        f'<text x="{_MARGIN}" y="{_MARGIN + 15}" fill="{_FAINT}">$ {COMMAND}</text>',
    ]
    for number, line in enumerate(lines):
        runs = "".join(it.svg(_MARGIN + _LINE * (number + 1)) for it in split_runs(line))
        parts += [runs] if runs else []
    return "\n".join((*parts, "</svg>", ""))


def split_runs(line: Text) -> Iterator[Run]:
    """Split a line by style, and leave out spaces without a background colour."""
    ends = {it for span in line.spans for it in (span.start, span.end)}
    bounds = sorted({0, len(line), *ends})
    for start, end in pairwise(bounds):
        text, style = line.plain[start:end], _style_at(line, start)
        indent = 0 if style.bgcolor else len(text) - len(text.lstrip())
        if text[indent:]:
            yield Run(start + indent, text[indent:], style)


def _style_at(line: Text, column: int) -> Style:
    found = [it.style for it in line.spans if it.start <= column < it.end]
    return Style.combine([Style.null(), *(it for it in found if isinstance(it, Style))])


def main() -> None:
    """Run the demo and write the picture."""
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(draw(excerpt(run_demo())), encoding="utf-8")


if __name__ == "__main__":
    main()
