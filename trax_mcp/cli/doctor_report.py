"""Prints doctor's checks on a terminal or into a pipe: mark, name, sentence and remedy."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from rich.console import Console
from rich.text import Text

from trax_mcp.api.text_safety import escape_invisible
from trax_mcp.cli.doctor_checks import Check, Section, State
from trax_mcp.cli.terminal import WIDTH, print_hanging

_NARROW_WIDTH: Final = 50
_MARK_WIDTH: Final = 5
_NAME_WIDTH: Final = 19
_STYLES: Final[Mapping[State, str]] = {
    State.OK: "bold green",
    State.FAILED: "bold red",
    State.WARNING: "bold yellow",
    State.NOT_CHECKED: "dim",
}
_UNICODE_MARKS: Final[Mapping[State, str]] = {
    State.OK: "✓",
    State.FAILED: "✗",
    State.WARNING: "!",
    State.NOT_CHECKED: "·",
}
_ASCII_MARKS: Final[Mapping[State, str]] = {
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
        ascii_only = console.options.ascii_only  # the encoding lacks the signs
        self._marks = _ASCII_MARKS if ascii_only else _UNICODE_MARKS
        self._arrow = "-> " if ascii_only else "→ "

    def print(self, sections: Sequence[Section]) -> None:
        """Print all sections, then the summary."""
        for section in sections:
            self._console.print()
            print_hanging(self._console, Text("  "), Text(section.title, "bold"))
            for check in section.checks:
                self._print_check(check)
        self._console.print()
        summary = _summary([it for section in sections for it in section.checks])
        print_hanging(self._console, Text("  "), summary)
        self._console.print()

    def _print_check(self, check: Check) -> None:
        mark, style = self._marks[check.state], _STYLES[check.state]
        sign = Text(f"  {mark:<{_MARK_WIDTH - 3}} ", style)
        if self._width < _NARROW_WIDTH:
            print_hanging(self._console, sign, Text(check.name, "bold"))
            sign = Text(" " * _MARK_WIDTH)
        else:
            sign.append(f"{check.name:<{_NAME_WIDTH}}", "")
        print_hanging(self._console, sign, _text(check.detail))
        if check.remedy is not None:
            print_hanging(
                self._console, Text(" " * sign.cell_len + self._arrow), _text(check.remedy)
            )


def _text(text: str) -> Text:
    """Escape control characters, which paths and names may contain."""
    return Text(escape_invisible(text))


def _summary(checks: Iterable[Check]) -> Text:
    states = [it.state for it in checks]
    if failed := states.count(State.FAILED):
        one, many = "1 thing is not as it should be.", "things are not as they should be."
        return Text(one if failed == 1 else f"{failed} {many}", "bold red")
    if warnings := states.count(State.WARNING):
        things = "1 thing" if warnings == 1 else f"{warnings} things"
        return Text(f"All is well, with {things} to know.", "bold green")
    return Text("All is well.", "bold green")
