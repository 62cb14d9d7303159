"""How commands start: with no more than they need, and with a word to whoever waits before them."""

from __future__ import annotations

import gc
import io
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from trax_mcp.cli import main, serve
from trax_mcp.server.app import build_server

if TYPE_CHECKING:
    from mcp.server import Server


class Stdin(io.StringIO):
    """A stdin that is a terminal, or is none."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        """As it was told."""
        return self._terminal


def ended(*arguments: str) -> object:
    """Run a command in this process and return its exit code."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    return caught.value.code


def test_the_sandbox_command_never_meets_the_mcp_sdk() -> None:
    """It has no use for it, and would have to wait for it."""
    script = (
        "import sys, trax_mcp.cli.sandbox;"
        "print([it for it in sys.modules if it.split('.')[0] in ('mcp', 'mcp_types')])"
    )
    done = subprocess.run(  # noqa: S603 - our own interpreter, our own words
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=20
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("terminal", [True, False])
def test_a_person_at_a_terminal_is_told_what_waits_there(
    *, terminal: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only they are, and on stderr: a client's log stays empty, and stdout is the protocol's."""
    monkeypatch.setattr(sys, "stdin", Stdin(terminal=terminal))
    monkeypatch.setenv("TRAX_API_KEY", "two words")
    assert str(ended()).startswith("trax-mcp: TRAX_API_KEY: ")
    said = capsys.readouterr()
    assert said.out == ""
    assert ("waits for a client on stdin" in said.err) is terminal
    assert (said.err == "") is not terminal


def test_garbage_is_not_looked_for_until_it_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a start makes nearly all stays; from then on the collector is at work again."""
    seen: list[bool] = []

    def build(*given: Any, **named: Any) -> Server[Any]:  # noqa: ANN401  passed on as it is
        seen.append(gc.isenabled())
        return build_server(*given, **named)

    async def serve_stdio(_server: object, **_named: object) -> None:
        seen.append(gc.isenabled())

    monkeypatch.setattr(serve, "build_server", build)
    monkeypatch.setattr(serve, "serve_stdio", serve_stdio)
    assert ended("--sandbox") == 0
    gc.unfreeze()
    assert seen == [False, True]


@pytest.mark.parametrize("command", [[], ["http"]])
def test_a_start_that_fails_leaves_the_collector_on(
    command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """This process has other things to do afterwards."""
    monkeypatch.setenv("TRAX_TOOLS", "no_such_tool")
    assert "TRAX_TOOLS" in str(ended(*command, *(["--port", "0"] if command else [])))
    assert gc.isenabled()
