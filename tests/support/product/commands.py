"""`trax-mcp` as a function: a command's exit code and output, without a process of its own.

A command that serves ends where it would begin to: the settings are read, the port was free, the
files are made and the server is built.
"""

from __future__ import annotations

import gc
import io
import logging
import os
import sys
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from unittest.mock import patch

import anyio
import click

from tests.support.hermetic import inherited_variables
from tests.support.server_process import PATIENCE_SECONDS
from trax_mcp import private_files
from trax_mcp.cli import main, serve
from trax_mcp.cli import room as room_command
from trax_mcp.cli import sandbox as sandbox_command
from trax_mcp.cli.install import clients
from trax_mcp.cli.install.configuration import start_commands
from trax_mcp.cli.main import command_line
from trax_mcp.http import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from trax_mcp.api.models import Studio

START_COMMAND: Final = start_commands()[0]
"""How a client starts this installation, as `install` writes it."""


@dataclass(frozen=True)
class Outcome:
    """The exit code and the output of a command; on a terminal all of it is in `out`."""

    code: int
    out: str
    err: str


def run_command(
    *arguments: str,
    settings: Mapping[str, str] | None = None,
    typed: str | Callable[[], str] | None = "",
    chosen: str = "",
    terminal: bool = False,
    encoding: str = "utf-8",
) -> Outcome:
    """Run a command with only these `TRAX_` settings, and `typed` on stdin.

    On a terminal, `typed` is what a person types when they are asked for the key, a line each time,
    and may be a function that is called then. With None, they must not be asked. `chosen` is what
    they type when they are asked for something else, a line each time. Other variables, such as
    HOME and COLUMNS, may be among the settings; by default there is no home, and 80 columns.
    Nothing that it does to the environment, the streams, the log or the folder outlives it.
    """
    stdout = _Stream(encoding, terminal=terminal)
    stderr = stdout if terminal else _Stream(encoding)
    piped = typed if isinstance(typed, str) else ""
    typed_lines, chosen_lines = iter(piped.splitlines()), iter(chosen.splitlines())
    stdin = _Stream(terminal=terminal, content="" if terminal else piped)

    def ask(prompt: str) -> str:
        assert typed is not None, "the key was asked for"
        stdout.write(prompt)
        answer = next(typed_lines, "") if isinstance(typed, str) else typed()
        stdout.write("\n")
        return answer

    def choose(prompt: str) -> str:
        answer = next(chosen_lines, "")
        stdout.write(f"{prompt}{answer}\n")
        return answer

    with (
        _unchanged_process(),
        patch.dict(os.environ, _variables(settings or {}, terminal=terminal), clear=True),
        patch("sys.stdin", stdin),
        patch("getpass.getpass", ask) if terminal else ExitStack(),
        patch("builtins.input", choose) if terminal else ExitStack(),
        redirect_stdout(stdout),
        redirect_stderr(stderr),
    ):
        try:
            main(arguments)
        except SystemExit as ended:
            code = _exit_code(ended)
        else:
            code = 0
    return Outcome(code, stdout.written(), "" if terminal else stderr.written())


async def run_command_beside(
    *arguments: str,
    settings: Mapping[str, str] | None = None,
    typed: str | Callable[[], str] | None = "",
    chosen: str = "",
    terminal: bool = False,
) -> Outcome:
    """The same in a thread, while the sandbox of the test answers from the event loop."""
    with anyio.fail_after(PATIENCE_SECONDS):
        return await anyio.to_thread.run_sync(
            lambda: run_command(
                *arguments, settings=settings, typed=typed, chosen=chosen, terminal=terminal
            )
        )


def is_a_command(*arguments: str) -> bool:
    """Whether the command line takes these arguments. Nothing is run."""
    with patch.object(click.Command, "invoke", return_value=0):
        try:
            command_line.main(arguments, standalone_mode=False)
        except click.UsageError:
            return False
    return True


@contextmanager
def on_system(name: str, *, data: Path | None = None) -> Iterator[None]:
    """Be on "Linux", "Darwin" or "Windows", where the folder AppData is `data`."""
    with ExitStack() as stack:
        stack.enter_context(patch("platform.system", lambda: name))
        if data is not None:

            def user_config_path(*, roaming: bool) -> Path:
                return data / ("Roaming" if roaming else "Local")

            stack.enter_context(patch.object(private_files, "user_config_path", user_config_path))
            stack.enter_context(patch.object(clients, "user_data_path", lambda: data / "Local"))
        yield


class _Stream(io.TextIOWrapper):
    """A stream in memory. A terminal shows stdout and stderr as one."""

    def __init__(
        self, encoding: str = "utf-8", *, terminal: bool = False, content: str = ""
    ) -> None:
        self._bytes = io.BytesIO(content.encode())
        super().__init__(self._bytes, encoding=encoding, newline="\n", write_through=True)
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal

    def written(self) -> str:
        self.flush()
        return self._bytes.getvalue().decode(self.encoding)


def _variables(settings: Mapping[str, str], *, terminal: bool) -> dict[str, str]:
    term = "xterm-256color" if terminal else "dumb"
    own = {"HOME": "/nonexistent", "COLUMNS": "80", "TERM": term}
    return inherited_variables() | own | dict(settings)


@contextmanager
def _unchanged_process() -> Iterator[None]:
    """Put back what a command changes in its process, and let none serve or end it."""

    async def end_at_once(
        *_: object, on_start: Callable[[], None] | None = None, **_options: object
    ) -> bool:
        """Start, and serve nobody until the signal that comes at once."""
        if on_start is not None:
            on_start()
        return True

    async def show_at_once(studio: Studio, *_: object) -> None:
        """Say which control room would be shown."""
        print(f"shows {studio.id}")  # noqa: T201  what it prints

    log = logging.getLogger()
    levels = {it: it.level for it in (log, *_loggers())}
    handlers, folder = list(log.handlers), Path.cwd()
    with (
        patch.object(serve, "serve_stdio", end_at_once),
        patch.object(run, "serve_http", end_at_once),
        patch.object(sandbox_command, "serve_http", end_at_once),
        patch.object(room_command, "_show", show_at_once),
        patch.object(serve, "exit_process", lambda _code=0: None),
    ):
        try:
            yield
        finally:
            logging.captureWarnings(capture=False)
            log.handlers[:] = handlers
            for it in (log, *_loggers()):
                it.setLevel(levels.get(it, logging.NOTSET))
            gc.unfreeze()
            os.chdir(folder)


def _loggers() -> list[logging.Logger]:
    """Those that exist now, without the root."""
    made = list(logging.getLogger().manager.loggerDict.values())
    return [it for it in made if isinstance(it, logging.Logger)]


def _exit_code(ended: SystemExit) -> int:
    if isinstance(ended.code, str):  # as the interpreter does
        print(ended.code, file=sys.stderr)  # noqa: T201  what it prints
        return 1
    return int(ended.code or 0)
