"""How a story of tool calls looks, on a terminal or in a pipe: narrow, coloured where it can be.

Knows rich, and nothing of MCP or of what is told. Strangers' words are quoted and never read as
markup, so they can neither move the cursor nor dress up as ours.
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

from trax_mcp.api.text_safety import quote
from trax_mcp.cli.terminal import WIDTH, hang, waiting

_GUTTER = 5
_PLATFORM = 8
_AUTHOR = 17
_LONGEST_WORDS = 300
_LONGEST_LINE = 400
_ALARMING: Final = ("- Warning: ", "- Now: ", "- No longer: ")
_ESCAPED = re.compile(r'\\(["\\])')


@dataclass(frozen=True, slots=True)
class Marks:
    """The signs in the gutter."""

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


_DRAWN = Marks("❯", "→", "←", "│", "✓", "✗", "•", "○", "●", "─")  # noqa: RUF001  a sign, no letter
_TYPED = Marks(">", "->", "<-", "|", "ok", "!!", "-", "( )", "*", "-")


class Voice(Enum):
    """Whose words a line of chat is, and so its style."""

    VIEWER = ""
    HOSTILE = "bold red"
    YOURS = "bold"


class Story:
    """Prints one story as it happens. `scene_title` is where it has got to."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._width = min(console.width, WIDTH)
        # Told by the encoding: a terminal or file that cannot hold the signs gets typed ones.
        self._marks = _TYPED if console.options.ascii_only else _DRAWN
        self._scenes = 0
        self._below_gap = False
        self.scene_title = ""

    def open(self, name: str, about: str) -> None:
        """Say what follows."""
        self._gap()
        self._hang("  ", Text(name, "bold"))
        self._hang("  ", Text(about))
        self._gap()

    def scene(self, title: str) -> None:
        """Begin a scene."""
        self._scenes += 1
        self.scene_title = title
        rule = self._marks.rule
        heading = Text.assemble((f"{rule * 2} ", "dim"), (f"{self._scenes}  {title} ", "bold"))
        heading.append(rule * (self._width - heading.cell_len - 2), "dim")
        self._gap()
        self._hang("  ", heading)
        self._gap()

    def you(self, words: str) -> None:
        """Let the streamer speak."""
        self._gap()
        self._hang(Text(f"  you {self._marks.you} ", "bold yellow"), Text(words, "bold"))

    def interlude(self, words: str) -> None:
        """Tell the reader what comes now; it belongs to no scene."""
        self.scene_title = ""
        self._gap()
        self._hang("  ", Text(self._marks.rule * (self._width - 2), "dim"))
        self._gap()
        self._hang("  ", Text(words))
        self._gap()

    def narrate(self, words: str) -> None:
        """Tell the reader what cannot be seen."""
        self._gap()
        self._hang(" " * _GUTTER, Text(words, "italic"))

    def call(self, tool: str, arguments: Mapping[str, object]) -> None:
        """Show a tool call."""
        parts = [Text.assemble((f"{name}: ", "cyan"), _told(it)) for name, it in arguments.items()]
        opened = Text.assemble((tool, "bold cyan"), ("(", "cyan"))
        lines = self._packed([opened.append_text(parts[0] if parts else Text()), *parts[1:]])
        lines[-1].append(")", "cyan")
        sign = self._sign(self._marks.call, "cyan")
        for line in lines:
            self._hang(sign, line)
            sign = Text(" " * _GUTTER)

    def answer(self, *lines: str | Text) -> None:
        """Show what came back, in words."""
        sign = self._sign(self._marks.answer, "dim")
        for line in lines:
            self._hang(sign, Text(line) if isinstance(line, str) else line)
            sign = Text(" " * _GUTTER)

    def refused(self, status: str, why: str) -> None:
        """Show that a call did not run, and why."""
        status, why = (plain(it, longest=_LONGEST_LINE) for it in (status, why))
        self.answer(Text.assemble((status, "bold yellow"), f"  {why}"))

    def status(self, words: str, *, live: bool) -> None:
        """Show whether viewers see the studio."""
        told = f"{self._marks.live} ON AIR" if live else "off air"
        badge = (f" {told} ", "bold white on red" if live else "reverse")
        plainly = self._console.color_system is None
        self._hang(" " * _GUTTER, Text.assemble(told if plainly else badge, f"  {words}"))

    def shown(self, title: str, words: str, *, choices: Sequence[str] = ()) -> None:
        """Show what a person is shown before they decide, and what they may choose."""
        lines = [self._shown(plain(line, longest=_LONGEST_LINE)) for line in words.splitlines()]
        lines += [Text()] if choices else []
        for choice in choices:
            told = plain(choice, longest=_LONGEST_LINE)
            lines.append(Text(f"{self._marks.choice} {told}", "bold"))
        box = Panel(
            Text("\n").join(lines),
            title=Text(title, "bold"),
            title_align="left",
            box=ROUNDED,
            border_style="yellow",
            expand=False,
        )
        self._console.print(Padding(box, (0, 0, 0, _GUTTER), expand=False), width=self._width)
        self._below_gap = False

    def aside(self, words: str) -> None:
        """Tell what is not for the person."""
        self._hang(" " * _GUTTER, Text(words, "dim"))

    def chat(self, platform: str, author: str, words: str, *, voice: Voice) -> None:
        """Quote a line of the chat."""
        bar = self._sign(self._marks.quote, "magenta")
        who = Text.assemble(
            bar,
            (f"{plain(platform, longest=_PLATFORM):<{_PLATFORM}} ", "dim"),
            (f"{plain(author, longest=_AUTHOR):<{_AUTHOR}} ", "magenta"),
        )
        self._hang(who, Text(quote(words, longest=_LONGEST_WORDS), voice.value), under=bar)

    def checked(self, claim: str) -> None:
        """Show a claim that was looked into and found true."""
        self._hang(self._sign(self._marks.checked, "bold green"), Text(claim, "green"))

    @contextmanager
    def waiting(self) -> Iterator[Callable[[str], None]]:
        """While something lasts, tell for what it is waited; in a pipe, tell nothing."""
        with waiting(self._console) as tell:
            yield lambda reason: tell(plain(reason, longest=WIDTH))

    def close(self, summary: str, *advice: tuple[str, str]) -> None:
        """End well: what it was, and what to do next."""
        self._gap()
        self._hang("  ", Text(self._marks.rule * (self._width - 2), "dim"))
        self._hang("  ", Text(summary, "bold green"))
        self._gap()
        widest = max(len(what) for what, _ in advice)
        for what, why in advice:
            if widest > self._width // 2:
                self._hang("  ", Text(what, "bold cyan"))
                self._hang(" " * _GUTTER, Text(why))
            else:
                self._hang(Text(f"  {what:<{widest}}  ", "bold cyan"), Text(why))
        self._gap()

    def fail(self, problem: str, *, expected: str, seen: str, log: Sequence[str]) -> None:
        """End badly: what should be, what was seen, and the last lines of the server's log."""
        self._gap()
        self._hang(self._sign(self._marks.failed, "bold red"), Text(problem, "bold red"))
        self._hang("     expected: ", Text(expected))
        self._hang("     seen:     ", Text(plain(seen, longest=_LONGEST_LINE)))
        if log:
            self._hang(" " * _GUTTER, Text("The server's last words:"))
        for line in log:
            self._hang("       ", Text(plain(line, longest=_LONGEST_LINE), "dim"))
        self._gap()

    def _shown(self, line: str) -> Text:
        style = "bold yellow" if line.startswith(_ALARMING) else ""
        if line.startswith("- "):
            return Text(f"{self._marks.item} {line[2:]}", style)
        return Text(line, "bold")

    def _packed(self, parts: Sequence[Text]) -> list[Text]:
        """Parts of a call on as few lines as hold them; none is broken that fits on one."""
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
        if not self._below_gap:
            self._console.print()
        self._below_gap = True

    def _hang(self, first: str | Text, words: Text, *, under: Text | None = None) -> None:
        hang(self._console, Text(first) if isinstance(first, str) else first, words, under=under)
        self._below_gap = False


def plain(words: str, *, longest: int) -> str:
    """Make somebody's words safe to print where quotes would be in the way."""
    return _ESCAPED.sub(r"\1", quote(words, longest=longest)[1:-1])


def _told(value: object) -> str:
    if isinstance(value, str):
        return quote(value, longest=_LONGEST_WORDS)
    return str(value).lower()
