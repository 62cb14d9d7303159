"""How commands start: imports, the terminal notice and garbage collection."""

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

pytestmark = pytest.mark.slow


class Stdin(io.StringIO):
    """A stdin that may be a terminal."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        """The constructor's argument."""
        return self._terminal


def exit_code(*arguments: str) -> object:
    """Run a command in this process and return its exit code."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    return caught.value.code


def test_sandbox_command_does_not_import_the_mcp_sdk() -> None:
    """The import is slow, and the command does not need it."""
    script = (
        "import sys, trax_mcp.cli.sandbox;"
        "print([it for it in sys.modules if it.split('.')[0] in ('mcp', 'mcp_types')])"
    )
    done = subprocess.run(  # noqa: S603 - our own interpreter and script
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=20
    )
    assert done.stdout.strip() == "[]"


def test_server_does_not_import_what_only_a_search_needs() -> None:
    """The start need not wait for it."""
    script = "import sys, trax_mcp.server.app; print('rapidfuzz' in sys.modules)"
    done = subprocess.run(  # noqa: S603 - our own interpreter and script
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=20
    )
    assert done.stdout.strip() == "False"


def test_a_server_without_sign_in_imports_nothing_of_it() -> None:
    """Nor SQLite: its start takes no longer because others can sign in."""
    script = (
        "import sys; from trax_mcp.cli import serve;"
        "from trax_mcp.api.caller import ANONYMOUS; from trax_mcp.settings import read_settings;"
        "settings = read_settings({}); client = serve.client_for(settings);"
        "deps = serve._deps(settings, None);"
        "server = serve.build_server(client, own=ANONYMOUS, deps=deps);"
        "serve.http_app(server, settings, client=client, deps=deps);"
        "print(sorted(it for it in sys.modules if it.split('.')[0] == 'sqlite3'"
        " or it.startswith(('trax_mcp.sign_in', 'trax_mcp.web.sign_in', 'trax_mcp.server.oauth'))))"
    )
    done = subprocess.run(  # noqa: S603 - our own interpreter and script
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=20
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("terminal", [True, False])
def test_stdio_server_prints_a_notice_on_a_terminal_only(
    *, terminal: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On stderr, since stdout carries the protocol."""
    monkeypatch.setattr(sys, "stdin", Stdin(terminal=terminal))
    monkeypatch.setenv("TRAX_API_KEY", "two words")
    assert str(exit_code()).startswith("trax-mcp: TRAX_API_KEY: ")
    output = capsys.readouterr()
    assert output.out == ""
    assert ("waits for a client on stdin" in output.err) is terminal
    assert (output.err == "") is not terminal


def test_garbage_collection_is_off_until_the_server_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most objects created at the start stay."""
    enabled: list[bool] = []

    def build(*args: Any, **kwargs: Any) -> Server[Any]:  # noqa: ANN401  passed on unchanged
        enabled.append(gc.isenabled())
        return build_server(*args, **kwargs)

    async def serve_stdio(_server: object, **_kwargs: object) -> None:
        enabled.append(gc.isenabled())

    monkeypatch.setattr(serve, "build_server", build)
    monkeypatch.setattr(serve, "serve_stdio", serve_stdio)
    monkeypatch.setattr(serve, "exit_process", lambda: None)  # it would end the tests
    assert exit_code("--sandbox") == 0
    gc.unfreeze()
    assert enabled == [False, True]


@pytest.mark.parametrize("command", [[], ["http"]])
def test_failed_start_enables_garbage_collection_again(
    command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process may continue."""
    monkeypatch.setenv("TRAX_TOOLS", "no_such_tool")
    assert "TRAX_TOOLS" in str(exit_code(*command, *(["--port", "0"] if command else [])))
    assert gc.isenabled()
