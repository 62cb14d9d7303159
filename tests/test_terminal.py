"""How commands speak, whatever the stream can hold and however wide the terminal is."""

from __future__ import annotations

import io
import sys

import pytest
from rich.console import Console
from rich.text import Text

from trax_mcp.cli.terminal import WIDTH, console_on, hang, note, say, waiting


def ascii_stream() -> io.TextIOWrapper:
    """A stream that holds ASCII and nothing else."""
    return io.TextIOWrapper(io.BytesIO(), encoding="ascii", newline="\n")


def written(stream: io.TextIOWrapper) -> str:
    """All that was written to it."""
    stream.seek(0)
    return stream.read()


def test_what_a_stream_cannot_hold_is_spelt_out() -> None:
    """No name in an answer stops a command, and none of it is read as markup."""
    stream = ascii_stream()
    console_on(stream).print("[bold]é :warning:[/]")
    assert written(stream) == "[bold]\\xe9 :warning:[/]\n"


def test_what_is_said_is_one_line_that_any_stdout_can_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """A path may hold what a terminal would obey, or what it has no sign for."""
    stream = ascii_stream()
    monkeypatch.setattr(sys, "stdout", stream)
    say(f"/é\x1b[2J\n/{'a' * 200}")
    assert written(stream) == f"/\\xe9\\u001b[2J\\u000a/{'a' * 200}\n"


def test_what_is_noted_is_one_line_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    """So that stdout holds only what was asked for."""
    note("Look\x1b[2J\nhere")
    assert capsys.readouterr() == ("", "Look\\u001b[2J\\u000ahere\n")


def test_words_hang_below_each_other_and_keep_to_the_width() -> None:
    """Beside what comes first, then beside what is to stand below it, which may be wider."""
    console = Console(file=io.StringIO(), width=200)
    hang(console, Text("> "), Text("a" * (WIDTH + 2)), under=Text("  | "))
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue() == f"> {'a' * (WIDTH - 4)}\n  | aaaaaa\n"


@pytest.mark.parametrize(("terminal", "kind"), [(True, "dumb"), (False, "xterm")])
def test_nothing_is_in_the_way_of_an_answer(kind: str, *, terminal: bool) -> None:
    """A pipe, or a terminal that can take nothing back, is not told for what it waits."""
    assert waited(kind, terminal=terminal) == ""


def test_a_terminal_is_told_for_what_it_waits() -> None:
    """And then for what else."""
    shown = waited("xterm", terminal=True)
    assert " Looking still" in shown
    assert shown.endswith("\x1b[2K")  # and the line is free again


def waited(kind: str, *, terminal: bool) -> str:
    """What a stream gets while something is waited for, which is soon something else."""
    console = Console(
        file=io.StringIO(), force_terminal=terminal, width=80, _environ={"TERM": kind}
    )
    with waiting(console, "Looking") as tell:
        tell("Looking still")
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()
