"""The pictures of terminals: an excerpt of the demo, and what install and doctor print."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.text import Text

from tests import ROOT
from tests.support.defective_server import play_fast
from trax_mcp.cli.demo.play import play

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PICTURE: Final = "docs/session.svg"
STATES: Final[Mapping[str, tuple[str, str]]] = {
    "docs/install.svg": ("trax-mcp install", "install_states/no-client-named.txt"),
    "docs/doctor.svg": ("trax-mcp doctor", "doctor_states/all-is-well.txt"),
}
"""Picture -> its title, and the recorded screen."""
_MARKS: Final = {"✓": "bold green", "✗": "bold red", "!": "bold yellow"}
_PARTS: Final = (
    ("Take the Friday show live.", "take a look."),
    ("What are they saying?", "I won't."),
)
"""The parts shown: the text in the first line of each, and the text in the last."""

_OUTSIDE: Final = re.compile(r"\s*@font-face \{.*?\}|\s*<!--.*?-->", re.DOTALL)
"""The addresses that rich writes into a picture: of fonts, and its own."""


def pictures() -> Mapping[str, str]:
    """All of them."""
    return {**_demo(), **{name: _draw_state(*it) for name, it in STATES.items()}}


def _draw_state(title: str, recorded: str) -> str:
    """What a command prints."""
    screen = (ROOT / "tests/cli" / recorded).read_text("utf-8").partition("\nexit code")[0]
    screen = screen.partition("=== On a terminal\n")[2] or screen
    screen = screen.replace("http://127.0.0.1:PORT", "https://trax.example")
    shown = Console(file=io.StringIO(), width=80, record=True, force_terminal=True)
    shown.print(Text(f"$ {title}", "bold"), Text(), sep="\n")
    for line in screen.strip("\n").splitlines():
        mark = line.strip()[:1]
        text = Text(line)
        text.stylize(_MARKS.get(mark, ""), line.find(mark), line.find(mark) + 1)
        shown.print(text, no_wrap=True)
    name = title.rpartition(" ")[2]
    return _OUTSIDE.sub("", shown.export_svg(title=title, unique_id=name))


def _demo() -> Mapping[str, str]:
    """The picture as it is, if only durations differ from a demo in memory; else a new one."""
    drawn = (ROOT / PICTURE).read_text("utf-8")
    if _without_durations(drawn) == _without_durations(_draw(play_fast)):
        return {PICTURE: drawn}
    return {PICTURE: _draw(lambda console: play(console=console))}


def _draw(play_on: Callable[[Console], int]) -> str:
    """Play the demo, and draw the parts of it."""
    printed = io.StringIO()
    console = Console(
        file=printed, width=80, color_system="standard", highlight=False, markup=False
    )
    assert play_on(console) == 0, printed.getvalue()
    lines = [Text.from_ansi(line) for line in printed.getvalue().splitlines()]
    shown = Console(file=io.StringIO(), width=80, record=True, force_terminal=True)
    for start, end in _PARTS:
        first, last = (
            next(n for n, it in enumerate(lines) if text in it.plain) for text in (start, end)
        )
        for line in (*lines[first : last + 1], Text()):
            shown.print(line, no_wrap=True)
    return _OUTSIDE.sub("", shown.export_svg(title="trax-mcp demo", unique_id="session"))


def _without_durations(drawn: str) -> str:
    """Without what a longer duration changes: its digits, and where its line goes on."""
    return re.sub(r"\d+\.\d(?=&#160;s)|(?<=textLength=)\S+|(?<= x=)\S+", "", drawn)
