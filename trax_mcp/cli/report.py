"""How checks look on a terminal or in a pipe: a mark, a name, a sentence, and what to do.

Knows rich and the values of the checks; what they say is decided elsewhere. In the narrowest
terminal, and without colour, nothing of it is lost.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from rich.console import Console
from rich.text import Text

from trax_mcp.api.text_safety import escape_invisible
from trax_mcp.cli.checks import Check, Section, State
from trax_mcp.cli.terminal import WIDTH, hang

_NARROW: Final = 50
_SIGNS: Final = 5
_NAMES: Final = 19
_STYLES: Final[Mapping[State, str]] = {
    State.OK: "bold green",
    State.FAILED: "bold red",
    State.WARNING: "bold yellow",
    State.NOT_CHECKED: "dim",
}
_DRAWN: Final[Mapping[State, str]] = {
    State.OK: "✓",
    State.FAILED: "✗",
    State.WARNING: "!",
    State.NOT_CHECKED: "·",
}
_TYPED: Final[Mapping[State, str]] = {
    State.OK: "ok",
    State.FAILED: "x",
    State.WARNING: "!",
    State.NOT_CHECKED: ".",
}


class Report:
    """Prints checks."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._width = min(console.width, WIDTH)
        typed = console.options.ascii_only  # told by the encoding: it may not hold the signs
        self._marks = _TYPED if typed else _DRAWN
        self._arrow = "-> " if typed else "→ "

    def print(self, sections: Sequence[Section]) -> None:
        """All sections, and then how things stand."""
        for section in sections:
            self._console.print()
            hang(self._console, Text("  "), Text(section.title, "bold"))
            for check in section.checks:
                self._check(check)
        self._console.print()
        verdict = _verdict([it for section in sections for it in section.checks])
        hang(self._console, Text("  "), verdict)
        self._console.print()

    def _check(self, check: Check) -> None:
        mark, style = self._marks[check.state], _STYLES[check.state]
        sign = Text(f"  {mark:<{_SIGNS - 3}} ", style)
        if self._width < _NARROW:
            hang(self._console, sign, Text(check.name, "bold"))
            sign = Text(" " * _SIGNS)
        else:
            sign.append(f"{check.name:<{_NAMES}}", "")
        hang(self._console, sign, _text(check.detail))
        if check.remedy is not None:
            hang(self._console, Text(" " * sign.cell_len + self._arrow), _text(check.remedy))


def _text(words: str) -> Text:
    """Words as they are printed: paths and names in them may hold what a terminal would obey."""
    return Text(escape_invisible(words))


def _verdict(checks: Iterable[Check]) -> Text:
    states = [it.state for it in checks]
    if failed := states.count(State.FAILED):
        one, many = "1 thing is not as it should be.", "things are not as they should be."
        return Text(one if failed == 1 else f"{failed} {many}", "bold red")
    if warnings := states.count(State.WARNING):
        things = "1 thing" if warnings == 1 else f"{warnings} things"
        return Text(f"All is well, with {things} to know.", "bold green")
    return Text("All is well.", "bold green")
