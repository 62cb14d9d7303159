"""Prints doctor's results on a terminal or into a pipe: mark, name, sentence and remedy."""

from collections.abc import Mapping, Sequence
from typing import Final

from rich.console import Console
from rich.text import Text

from trax_mcp.api.text_safety import escape_invisible
from trax_mcp.cli.doctor.checks import Result, State
from trax_mcp.cli.terminal import print_hanging

_MARKS: Final[Mapping[State, tuple[str, str, str]]] = {
    State.OK: ("✓", "ok", "bold green"),
    State.FAILED: ("✗", "x", "bold red"),
    State.WARNING: ("!", "!", "bold yellow"),
    State.NOT_CHECKED: ("·", ".", "dim"),
}
"""A mark in Unicode, one in ASCII, and their style."""


def print_report(console: Console, results: Mapping[str, Result]) -> None:
    """Print every result, then the summary."""
    console.print()
    for name, result in results.items():
        _print_result(console, name, result)
    console.print()
    print_hanging(console, Text("  "), _summary([it.state for it in results.values()]))
    console.print()


def _print_result(console: Console, name: str, result: Result) -> None:
    ascii_only = console.options.ascii_only  # the encoding lacks the signs
    unicode_mark, ascii_mark, style = _MARKS[result.state]
    start = Text(f"  {ascii_mark if ascii_only else unicode_mark:<3}", style)
    start.append(f"{name:<19}", "")
    print_hanging(console, start, _text(result.detail))
    if result.remedy is not None:
        arrow = Text(" " * start.cell_len + ("-> " if ascii_only else "→ "))
        print_hanging(console, arrow, _text(result.remedy))


def _text(text: str) -> Text:
    """Escape control characters, which paths and names may contain."""
    return Text(escape_invisible(text))


def _summary(states: Sequence[State]) -> Text:
    if failed := states.count(State.FAILED):
        one, many = "1 thing is not as it should be.", "things are not as they should be."
        return Text(one if failed == 1 else f"{failed} {many}", "bold red")
    if warnings := states.count(State.WARNING):
        things = "1 thing" if warnings == 1 else f"{warnings} things"
        return Text(f"All is well, with {things} to know.", "bold green")
    return Text("All is well.", "bold green")
