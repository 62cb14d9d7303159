"""How commands print on streams of any encoding and terminals of any width."""

from __future__ import annotations

import io
import sys

import pytest
from rich.console import Console
from rich.text import Text

from trax_mcp.cli.terminal import WIDTH, console_on, note, print_hanging, say, waiting


def ascii_stream() -> io.TextIOWrapper:
    """A stream that can encode ASCII only."""
    return io.TextIOWrapper(io.BytesIO(), encoding="ascii", newline="\n")


def written(stream: io.TextIOWrapper) -> str:
    """All text written to a stream."""
    stream.seek(0)
    return stream.read()


def test_unencodable_characters_are_escaped() -> None:
    """Markup is printed as it is."""
    stream = ascii_stream()
    console_on(stream).print("[bold]é :warning:[/]")
    assert written(stream) == "[bold]\\xe9 :warning:[/]\n"


def test_say_escapes_control_and_unencodable_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long text stays on one line."""
    stream = ascii_stream()
    monkeypatch.setattr(sys, "stdout", stream)
    say(f"/é\x1b[2J\n/{'a' * 200}")
    assert written(stream) == f"/\\xe9\\u001b[2J\\u000a/{'a' * 200}\n"


def test_note_prints_one_escaped_line_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    """Stdout stays empty."""
    note("Look\x1b[2J\nhere")
    assert capsys.readouterr() == ("", "Look\\u001b[2J\\u000ahere\n")


def test_note_ends_its_lines_between_words_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A path that is longer than a line stays whole."""
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    note(f"It was written to /{'a' * 30} and read-only files stay.")
    assert capsys.readouterr().err == (
        f"It was written to\n/{'a' * 30}\nand read-only files\nstay.\n"
    )


def test_hanging_text_is_wrapped_at_the_width() -> None:
    """Further lines begin with `under`, which may be longer than the first prefix."""
    console = Console(file=io.StringIO(), width=200)
    print_hanging(console, Text("> "), Text("a" * (WIDTH + 2)), under=Text("  | "))
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue() == f"> {'a' * (WIDTH - 4)}\n  | aaaaaa\n"


@pytest.mark.parametrize(("terminal", "kind"), [(True, "dumb"), (False, "xterm")])
def test_spinner_is_shown_only_on_a_capable_terminal(kind: str, *, terminal: bool) -> None:
    """Not in a pipe, nor on a terminal that cannot erase text."""
    assert spinner_output(kind, terminal=terminal) == ""


def test_spinner_shows_the_current_text_and_is_erased() -> None:
    """On a terminal."""
    shown = spinner_output("xterm", terminal=True)
    assert " Looking still" in shown
    assert shown.endswith("\x1b[2K")  # erases the line


def spinner_output(kind: str, *, terminal: bool) -> str:
    """What `waiting` writes while its text changes."""
    console = Console(
        file=io.StringIO(), force_terminal=terminal, width=80, _environ={"TERM": kind}
    )
    with waiting(console, "Looking") as update:
        update("Looking still")
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()
