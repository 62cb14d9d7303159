"""Prints the demo on a terminal or into a pipe. Text is escaped and never read as markup."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.panel import Panel
from rich.text import Text

from trax_mcp.api.contract import JsonObject
from trax_mcp.api.text_safety import escape_invisible, quote, truncate
from trax_mcp.cli.terminal import WIDTH, print_hanging, waiting
from trax_mcp.studio import naming

_INDENT: Final = 5
_LONGEST: Final = 400
_IMPORTANT: Final = (
    "- Warning: ",
    "- Now: ",
    "- No longer: ",
    "- You were asked: ",
    "- It's now: ",
)


class Screen:
    """Prints the demo as it runs. `step` is the title of the current step."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._width = min(console.width, WIDTH)
        self._steps = 0
        self._after_gap = False
        self.step = ""

    def title(self, name: str, *lines: str) -> None:
        """Print a title with text below. It belongs to no step."""
        self.step = ""
        self._gap()
        for text in (Text(name, "bold"), *map(_text, lines)):
            self._print("  ", text)
        self._gap()

    def start_step(self, title: str) -> None:
        """Start a step."""
        self._steps += 1
        self.step = title
        heading = Text.assemble(("── ", "dim"), (f"{self._steps}  {title} ", "bold"))
        heading.append("─" * (self._width - heading.cell_len - 2), "dim")
        self._gap()
        self._print("  ", heading)
        self._gap()

    def you(self, text: str) -> None:
        """Print what the user says."""
        self._gap()
        sign = Text("        you ❯ ", "bold yellow")  # noqa: RUF001  a sign
        self._print(sign, _text(text, "bold"))

    def assistant(self, text: str) -> None:
        """Print what the assistant says."""
        self._gap()
        self._print(Text("  assistant ❯ ", "bold cyan"), _text(text))  # noqa: RUF001  the same
        self._gap()

    def narrate(self, text: str) -> None:
        """Explain the next call."""
        self._gap()
        self._print(" " * _INDENT, Text(text, "italic"))

    def call(self, tool: str, arguments: Mapping[str, object]) -> None:
        """Print a tool call."""
        named = ", ".join(f"{name}: {json.dumps(it)}" for name, it in arguments.items())
        self.note(f"{tool}({named})")

    def prompt(self, text: str) -> None:
        """Ask for a line."""
        self._console.print(" " * _INDENT, text, sep="", end="", style="bold yellow")

    def note(self, text: str) -> None:
        """Print what only a developer needs."""
        self._print(" " * _INDENT, _text(text, "dim"))

    def air(self, text: str, *, live: bool) -> None:
        """Print whether the studio is on air."""
        badge = " ● ON AIR " if live else " off air "
        style = "bold white on red" if live else "reverse"
        self._print(Text.assemble(" " * (_INDENT - 1), (badge, style), " "), Text(text))

    def box(self, title: str, text: str, choices: Sequence[str] = ()) -> None:
        """Print a preview or a form."""
        lines = [_box_line(line) for line in text.splitlines()]
        lines += [Text()] if choices else []
        lines += [_text(choice, "bold") for choice in choices]
        heading = Text(title, "bold")
        panel = Panel.fit(
            Text("\n").join(lines), title=heading, title_align="left", border_style="yellow"
        )
        self._console.print(Padding(panel, (0, 0, 0, _INDENT), expand=False), width=self._width)
        self._after_gap = False

    def chat(self, message: JsonObject, *, hostile: bool) -> None:
        """Print a chat message."""
        sign = _sign("│", "magenta")
        text = Text.assemble(
            _text(f"{naming.platform(message['platform']):<8} ", "dim"),
            _text(f"{message['authorDisplayName']:<17} ", "magenta"),
            (quote(message["text"], longest=_LONGEST), "bold red" if hostile else ""),
        )
        self._print(sign, text, under=sign)

    def checked(self, claim: str) -> None:
        """Print what the demo has checked."""
        self._print(_sign("✓", "bold green"), _text(claim, "green"))

    def waiting(self, *, is_shown: bool) -> AbstractContextManager[Callable[[str], None]]:
        """Show the reason for a wait while it lasts; a pipe gets nothing."""
        return waiting(self._console) if is_shown else nullcontext(lambda _: None)

    def fail(self, problem: str, last_lines: Sequence[str]) -> None:
        """Print why the demo failed, and the end of the server's log."""
        self._gap()
        self._print(_sign("✗", "bold red"), _text(problem, "bold red"))
        for line in ("The end of the server's log:", *last_lines) if last_lines else ():
            self._print(" " * _INDENT, _text(line, "dim"))
        self._gap()

    def _gap(self) -> None:
        if not self._after_gap:
            self._console.print()
        self._after_gap = True

    def _print(self, first: str | Text, text: Text, *, under: Text | None = None) -> None:
        first = Text(first) if isinstance(first, str) else first
        print_hanging(self._console, first, text, under=under)
        self._after_gap = False


def _box_line(line: str) -> Text:
    if not line.startswith("- "):
        return _text(line, "bold")
    style = "bold yellow" if line.startswith(_IMPORTANT) else ""
    return _text(f"• {line[2:]}", style)


def _sign(sign: str, style: str) -> Text:
    return Text(f"  {sign:<2} ", style)


def _text(text: str, style: str = "") -> Text:
    """Text of any origin: on one line, not too long, nothing hidden in it."""
    return Text(escape_invisible(truncate(text, longest=_LONGEST)), style)
