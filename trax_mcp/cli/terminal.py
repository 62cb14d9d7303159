"""Output of the commands on a terminal or into a pipe."""

import io
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TextIO

from rich.console import Console
from rich.text import Text

from trax_mcp.api.text_safety import escape_invisible

DONE: Final = "✓"
INTERRUPTED: Final = 130
"""The exit code after Ctrl-C."""
WIDTH: Final = 78
"""The most columns of a line, even on a wider terminal."""


def console_on(stream: TextIO) -> Console:
    """A console that prints text without markup, in any encoding."""
    _escape_unencodable(stream)
    return Console(file=stream, highlight=False, markup=False, emoji=False)


def print_hanging(console: Console, first: Text, text: Text, *, under: Text | None = None) -> None:
    """Print `text` after `first`, wrapped; further lines follow `under`."""
    under = Text() if under is None else under.copy()
    under.pad_right(first.cell_len - under.cell_len)
    columns = min(console.width, WIDTH) - under.cell_len
    for line in text.wrap(console, columns, overflow="fold"):
        whole = Text.assemble(first, line)
        whole.rstrip()
        console.print(whole, no_wrap=True, overflow="ignore")
        first = under


@contextmanager
def waiting(console: Console, text: str = "") -> Iterator[Callable[[str], None]]:
    """Show a spinner with a text; yields a function that changes the text. A pipe gets nothing."""
    with console.status(Text(text, "dim"), spinner="line") as status:
        yield lambda text: status.update(Text(escape_invisible(text), "dim"))


def print_line(text: str) -> None:
    """Print a line on stdout without wrapping it."""
    _escape_unencodable(sys.stdout)
    print(escape_invisible(text))  # noqa: T201  for a person, on one line


def print_note(text: str) -> None:
    """Print a sentence on stderr; on a terminal, lines end between words."""
    text = escape_invisible(text)
    if sys.stderr.isatty():
        columns = shutil.get_terminal_size().columns
        text = textwrap.fill(text, columns, break_long_words=False, break_on_hyphens=False)
    print(text, file=sys.stderr, flush=True)  # noqa: T201  for a person, on stderr


def _escape_unencodable(stream: TextIO) -> None:
    """Escape characters that the stream's encoding lacks; paths and chat may contain them."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
