"""Prints the demo on a terminal or into a pipe.

Text from the server and from viewers is escaped and never read as markup.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Final

from rich.box import ROUNDED
from rich.console import Console
from rich.padding import Padding
from rich.panel import Panel
from rich.text import Text

from trax_mcp.api.text_safety import escape, quote, truncate
from trax_mcp.cli.terminal import WIDTH, print_hanging, waiting

_GUTTER = 5
_PLATFORM = 8
_AUTHOR = 17
_MAX_TEXT = 300
_MAX_LINE = 400
_ALARMING: Final = ("- Warning: ", "- Now: ", "- No longer: ")
_ESCAPED = re.compile(r'\\(["\\])')


@dataclass(frozen=True, slots=True)
class Marks:
    """The signs at the left margin and in the text."""

    you: str
    call: str
    answer: str
    quote: str
    checked: str
    failed: str
    item: str
    choice: str
    live: str
    rule: str


_UNICODE_MARKS = Marks("❯", "→", "←", "│", "✓", "✗", "•", "○", "●", "─")  # noqa: RUF001  a sign, no letter
_ASCII_MARKS = Marks(">", "->", "<-", "|", "ok", "!!", "-", "( )", "*", "-")


class Voice(Enum):
    """The kind of author of a chat message; the value is its style."""

    VIEWER = ""
    HOSTILE = "bold red"
    YOURS = "bold"


class DemoOutput:
    """Prints the demo as it runs. `scene_title` is the current step."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._width = min(console.width, WIDTH)
        # An encoding without the signs gets ASCII ones.
        self._marks = _ASCII_MARKS if console.options.ascii_only else _UNICODE_MARKS
        self._scenes = 0
        self._after_gap = False
        self.scene_title = ""

    def open(self, name: str, about: str) -> None:
        """Print the title and what the demo does."""
        self._gap()
        self._hang("  ", Text(name, "bold"))
        self._hang("  ", Text(about))
        self._gap()

    def scene(self, title: str) -> None:
        """Start a step."""
        self._scenes += 1
        self.scene_title = title
        rule = self._marks.rule
        heading = Text.assemble((f"{rule * 2} ", "dim"), (f"{self._scenes}  {title} ", "bold"))
        heading.append(rule * (self._width - heading.cell_len - 2), "dim")
        self._gap()
        self._hang("  ", heading)
        self._gap()

    def you(self, text: str) -> None:
        """Let the streamer speak."""
        self._gap()
        self._hang(Text(f"  you {self._marks.you} ", "bold yellow"), Text(text, "bold"))

    def interlude(self, text: str) -> None:
        """Introduce the second part; it belongs to no step."""
        self.scene_title = ""
        self._gap()
        self._hang("  ", Text(self._marks.rule * (self._width - 2), "dim"))
        self._gap()
        self._hang("  ", Text(text))
        self._gap()

    def narrate(self, text: str) -> None:
        """Explain the next call."""
        self._gap()
        self._hang(" " * _GUTTER, Text(text, "italic"))

    def call(self, tool: str, arguments: Mapping[str, object]) -> None:
        """Print a tool call."""
        parts = [
            Text.assemble((f"{name}: ", "cyan"), _format_value(it))
            for name, it in arguments.items()
        ]
        start = Text.assemble((tool, "bold cyan"), ("(", "cyan"))
        lines = self._fill_lines([start.append_text(parts[0] if parts else Text()), *parts[1:]])
        lines[-1].append(")", "cyan")
        sign = self._sign(self._marks.call, "cyan")
        for line in lines:
            self._hang(sign, line)
            sign = Text(" " * _GUTTER)

    def answer(self, *lines: str | Text) -> None:
        """Print the result of a call as text."""
        sign = self._sign(self._marks.answer, "dim")
        for line in lines:
            self._hang(sign, Text(line) if isinstance(line, str) else line)
            sign = Text(" " * _GUTTER)

    def refused(self, status: str, why: str) -> None:
        """Print that a call did not run, and why."""
        status, why = (plain(it, longest=_MAX_LINE) for it in (status, why))
        self.answer(Text.assemble((status, "bold yellow"), f"  {why}"))

    def status(self, text: str, *, live: bool) -> None:
        """Print whether the studio is live."""
        state = f"{self._marks.live} ON AIR" if live else "off air"
        badge = (f" {state} ", "bold white on red" if live else "reverse")
        has_colour = self._console.color_system is not None
        self._hang(" " * _GUTTER, Text.assemble(badge if has_colour else state, f"  {text}"))

    def preview(self, title: str, text: str, *, choices: Sequence[str] = ()) -> None:
        """Print a preview or form, with its choices."""
        lines = [self._preview_line(plain(line, longest=_MAX_LINE)) for line in text.splitlines()]
        lines += [Text()] if choices else []
        for choice in choices:
            label = plain(choice, longest=_MAX_LINE)
            lines.append(Text(f"{self._marks.choice} {label}", "bold"))
        box = Panel(
            Text("\n").join(lines),
            title=Text(title, "bold"),
            title_align="left",
            box=ROUNDED,
            border_style="yellow",
            expand=False,
        )
        self._console.print(Padding(box, (0, 0, 0, _GUTTER), expand=False), width=self._width)
        self._after_gap = False

    def aside(self, text: str) -> None:
        """Print what is not for the person."""
        self._hang(" " * _GUTTER, Text(text, "dim"))

    def chat(self, platform: str, author: str, text: str, *, voice: Voice) -> None:
        """Print a chat message."""
        sign = self._sign(self._marks.quote, "magenta")
        author_text = Text.assemble(
            sign,
            (f"{plain(platform, longest=_PLATFORM):<{_PLATFORM}} ", "dim"),
            (f"{plain(author, longest=_AUTHOR):<{_AUTHOR}} ", "magenta"),
        )
        self._hang(author_text, Text(quote(text, longest=_MAX_TEXT), voice.value), under=sign)

    def checked(self, claim: str) -> None:
        """Print a claim that the demo has checked."""
        self._hang(self._sign(self._marks.checked, "bold green"), Text(claim, "green"))

    @contextmanager
    def waiting(self) -> Iterator[Callable[[str], None]]:
        """Show the reason for a wait while it lasts; a pipe gets nothing."""
        with waiting(self._console) as update:
            yield lambda reason: update(plain(reason, longest=WIDTH))

    def close(self, summary: str, *advice: tuple[str, str]) -> None:
        """Print the summary and the next steps."""
        self._gap()
        self._hang("  ", Text(self._marks.rule * (self._width - 2), "dim"))
        self._hang("  ", Text(summary, "bold green"))
        self._gap()
        widest = max(len(command) for command, _ in advice)
        for command, effect in advice:
            if widest > self._width // 2:
                self._hang("  ", Text(command, "bold cyan"))
                self._hang(" " * _GUTTER, Text(effect))
            else:
                self._hang(Text(f"  {command:<{widest}}  ", "bold cyan"), Text(effect))
        self._gap()

    def fail(self, problem: str, *, expected: str, seen: str, log: Sequence[str]) -> None:
        """Print the failed step and the last lines of the server's log."""
        self._gap()
        self._hang(self._sign(self._marks.failed, "bold red"), Text(problem, "bold red"))
        self._hang("     expected: ", Text(expected))
        self._hang("     seen:     ", Text(plain(seen, longest=_MAX_LINE)))
        if log:
            self._hang(" " * _GUTTER, Text("The server's last words:"))
        for line in log:
            self._hang("       ", Text(plain(line, longest=_MAX_LINE), "dim"))
        self._gap()

    def _preview_line(self, line: str) -> Text:
        style = "bold yellow" if line.startswith(_ALARMING) else ""
        if line.startswith("- "):
            return Text(f"{self._marks.item} {line[2:]}", style)
        return Text(line, "bold")

    def _fill_lines(self, parts: Sequence[Text]) -> list[Text]:
        """Join the parts of a call into as few lines as possible."""
        lines = [parts[0]]
        for part in parts[1:]:
            lines[-1].append(",")
            if _GUTTER + lines[-1].cell_len + 1 + part.cell_len < self._width:
                lines[-1].append(" ").append_text(part)
            else:
                lines.append(part)
        return lines

    def _sign(self, mark: str, style: str) -> Text:
        return Text(f"  {mark:<{_GUTTER - 3}} ", style)

    def _gap(self) -> None:
        if not self._after_gap:
            self._console.print()
        self._after_gap = True

    def _hang(self, first: str | Text, text: Text, *, under: Text | None = None) -> None:
        print_hanging(
            self._console, Text(first) if isinstance(first, str) else first, text, under=under
        )
        self._after_gap = False


def plain(text: str, *, longest: int) -> str:
    """Escape and truncate text without quoting it."""
    return _ESCAPED.sub(r"\1", escape(truncate(text, longest=longest)))


def _format_value(value: object) -> str:
    if isinstance(value, str):
        return quote(value, longest=_MAX_TEXT)
    return str(value).lower()
