"""`trax-mcp` as a function: a command's exit code and output, without a process of its own."""

from __future__ import annotations

import io
import os
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

import anyio

from tests.support.server_process import PATIENCE_SECONDS, environment
from trax_mcp.cli import main

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Outcome:
    """The exit code and the output of a command."""

    code: int
    out: str
    err: str


def run_command(
    *arguments: str, settings: Mapping[str, str] | None = None, typed: str = ""
) -> Outcome:
    """Run a command with only these `TRAX_` settings, and `typed` on a stdin that is no terminal.

    Nothing that it does to the environment, the streams or the folder outlives it.
    """
    out, err = io.StringIO(), io.StringIO()
    folder = Path.cwd()
    with (
        patch.dict(os.environ, environment(settings or {}), clear=True),
        patch("sys.stdin", io.StringIO(typed)),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            main(arguments)
        except SystemExit as ended:
            code = _exit_code(ended, err)
        else:
            code = 0
        finally:
            os.chdir(folder)
    return Outcome(code, out.getvalue(), err.getvalue())


async def run_command_beside(
    *arguments: str, settings: Mapping[str, str] | None = None, typed: str = ""
) -> Outcome:
    """The same in a thread, while the sandbox of the test answers from the event loop."""
    with anyio.fail_after(PATIENCE_SECONDS):
        return await anyio.to_thread.run_sync(
            lambda: run_command(*arguments, settings=settings, typed=typed)
        )


def _exit_code(ended: SystemExit, err: io.StringIO) -> int:
    if isinstance(ended.code, str):  # as the interpreter does
        err.write(f"{ended.code}\n")
        return 1
    return int(ended.code or 0)
