"""How a command speaks: to a person on a terminal, or into a pipe.

Knows rich, widths and what an encoding cannot hold; nothing of what is said.
"""

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TextIO

from rich.console import Console
from rich.live import Live
from rich.padding import Padding
from rich.spinner import Spinner
from rich.text import Text

from trax_mcp.api.text_safety import escape_invisible

WIDTH: Final = 78
"""In columns: no line of a command is wider, however wide its terminal is."""


def console_on(stream: TextIO) -> Console:
    """A console that prints words as they are: nothing in them is markup, and none stops it."""
    _spell_out(stream)
    return Console(file=stream, highlight=False, markup=False, emoji=False)


def hang(console: Console, first: Text, words: Text, *, under: Text | None = None) -> None:
    """Print `words` beside `first`; the lines that do not fit go below them, beside `under`."""
    under = Text() if under is None else under.copy()
    under.pad_right(first.cell_len - under.cell_len)
    room = min(console.width, WIDTH) - under.cell_len
    for line in words.wrap(console, room, overflow="fold"):
        line.rstrip()
        console.print(Text.assemble(first, line), no_wrap=True, overflow="ignore")
        first = under


@contextmanager
def waiting(console: Console, words: str = "") -> Iterator[Callable[[str], None]]:
    """While something lasts, show for what it is waited; what is yielded shows something else.

    All of it must be one line that is safe to print. A pipe is shown nothing: rich sees to that.
    """
    turning = Spinner("line" if console.options.ascii_only else "dots", _waited(words), style="dim")
    with Live(Padding(turning, (0, 0, 0, 2)), console=console, transient=True):
        yield lambda words: turning.update(text=_waited(words))


def say(words: str) -> None:
    """Print a line on stdout, however long it is."""
    _spell_out(sys.stdout)
    print(escape_invisible(words))  # noqa: T201  for a person, on one line


def note(words: str) -> None:
    """Print a line on stderr, however long it is."""
    print(escape_invisible(words), file=sys.stderr, flush=True)  # noqa: T201  for a person, on stderr


def _spell_out(stream: TextIO) -> None:
    """What this stream's encoding does not know is spelt out; a path or a viewer may hold such."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")


def _waited(words: str) -> Text:
    return Text(f" {words}", "dim")
