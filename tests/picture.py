"""The picture of a session in README: `python -m tests.picture` plays the demo and draws it.

The words and their colours are the demo's own; it is only shortened. Nothing else is needed to show
it: no script, no font, and no address.
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
"""What is shown: from the first line that has the one in it to the first that has the other."""
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
    """Words of one style on a line. `column` is where they begin."""

    column: int
    words: str
    style: Style

    def svg(self, top: int) -> str:
        """As SVG, on a line whose upper edge is there."""
        left, width = self._across(self.column), _ADVANCE * len(self.words)
        box = ""
        if self.style.bgcolor is not None:
            box = f'<rect x="{left}" y="{top + 2}" width="{width:g}" height="17" fill="{_RED}"/>'
        told = (
            f'<text x="{left}" y="{top + 15}" textLength="{width:g}"{self._look()}>'
            f"{escape(self.words)}</text>"
        )
        return box + told

    def _look(self) -> str:
        look = f' fill="{self._colour()}"'
        look += ' font-weight="bold"' if self.style.bold else ""
        return look + (' font-style="italic"' if self.style.italic else "")

    def _colour(self) -> str:
        if self.style.color is not None:
            return self.style.color.get_truecolor(_THEME).hex
        return _FAINT if self.style.dim else _FORE

    @staticmethod
    def _across(column: int) -> str:
        return f"{_MARGIN + column * _ADVANCE:g}"


def played(command: Sequence[str] = demo.SERVER) -> list[Text]:
    """What the demo prints on a terminal with colours, line by line.

    Raises:
        AssertionError: it was not as it should be.
    """
    console = Console(
        file=io.StringIO(), width=_COLUMNS, color_system="standard", highlight=False, markup=False
    )
    assert demo.play(command, console=console) == 0
    assert isinstance(console.file, io.StringIO)
    return [Text.from_ansi(line) for line in console.file.getvalue().splitlines()]


def excerpt(lines: Sequence[Text]) -> list[Text]:
    """The best of it, with an empty line before each part."""
    parts = [[Text(), *lines[_at(lines, first) : _at(lines, last) + 1]] for first, last in PARTS]
    return [line for part in parts for line in part]


def _at(lines: Sequence[Text], words: str) -> int:
    return next(number for number, line in enumerate(lines) if words in line.plain)


def drawn(lines: Sequence[Text]) -> str:
    """A picture of these lines."""
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
        runs = "".join(it.svg(_MARGIN + _LINE * (number + 1)) for it in runs_of(line))
        parts += [runs] if runs else []
    return "\n".join((*parts, "</svg>", ""))


def runs_of(line: Text) -> Iterator[Run]:
    """A line in its styles; what is only space is left out, unless it has a colour behind it."""
    ends = {it for span in line.spans for it in (span.start, span.end)}
    bounds = sorted({0, len(line), *ends})
    for start, end in pairwise(bounds):
        words, style = line.plain[start:end], _style_at(line, start)
        indent = 0 if style.bgcolor else len(words) - len(words.lstrip())
        if words[indent:]:
            yield Run(start + indent, words[indent:], style)


def _style_at(line: Text, column: int) -> Style:
    found = [it.style for it in line.spans if it.start <= column < it.end]
    return Style.combine([Style.null(), *(it for it in found if isinstance(it, Style))])


def main() -> None:
    """Play the demo, and draw it."""
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(drawn(excerpt(played())), encoding="utf-8")


if __name__ == "__main__":
    main()
