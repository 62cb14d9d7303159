"""Plays both shows, and says what is wrong if one fails."""

import logging
import sys
import tempfile
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Final, TextIO

import anyio
from mcp import MCPError
from rich.console import Console

from trax_mcp.cli.demo.page import DemoPage
from trax_mcp.cli.demo.screen import Screen
from trax_mcp.cli.demo.script import play_with_forms, play_with_page, play_without_forms
from trax_mcp.cli.demo.session import DemoFailed, connect
from trax_mcp.cli.terminal import console_on

SERVER: Final = (sys.executable, "-P", "-m", "trax_mcp", "--sandbox")

_WITH_FORMS = """\
A real MCP client starts trax-mcp and runs a whole show on the embedded TRaX \
sandbox: made-up studios and viewers, no key, no network, nothing real. This \
client can ask you: when to go on air and off, you decide in a form."""
_WITH_PAGE = """\
Not every client can show a form. For one that cannot, the server opens a page \
in your own browser; this demo draws it here and presses its button for you."""
_WITHOUT_FORMS = """\
Over SSH or in a container there is no browser either. Once more, on a fresh \
sandbox: there the server runs only what it has shown, and only once."""
_LOG_LINES = 8


def play(command: Sequence[str] = SERVER, *, console: Console | None = None) -> int:
    """Play on `console` or stdout, with the server that `command` starts.

    Returns 0, or 1 if the show did not go as it should; stderr then says why.
    """
    logging.getLogger("mcp").addHandler(logging.NullHandler())  # the SDK would log on stderr
    screen = Screen(console or console_on(sys.stdout))
    code = 0
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        try:
            anyio.run(_play, command, screen, log)
        except* SystemExit:  # by rich, when the reader of a pipe has gone
            code = 1
        except* (DemoFailed, MCPError, OSError, RuntimeError, KeyError) as group:
            code = 1
            log.seek(0)
            step = screen.step or "The server does not start"
            problem = f"{step}: {_reason(group)}"
            Screen(console_on(sys.stderr)).fail(problem, log.read().splitlines()[-_LOG_LINES:])
    return code


async def _play(command: Sequence[str], screen: Screen, log: TextIO) -> None:
    screen.title("trax-mcp demo", _WITH_FORMS)
    async with connect(command, screen, log, forms=True) as session:
        await play_with_forms(session)
    screen.title("Without forms: a page", _WITH_PAGE)
    with tempfile.TemporaryDirectory(prefix="trax-mcp-demo-") as folder:
        page = DemoPage(Path(folder))
        async with (
            aclosing(page),
            connect(command, screen, log, forms=False, settings=page.environment) as session,
        ):
            await play_with_page(session, page)
    screen.title("Without forms and without a page", _WITHOUT_FORMS)
    async with connect(command, screen, log, forms=False) as session:
        await play_without_forms(session)
    program = sys.argv[0] if Path(sys.argv[0]).stem == "trax-mcp" else "trax-mcp"
    screen.title(
        "On air, refused and off air: all as it should be.",
        f"{program} --sandbox in your own MCP client, and you run the show.",
        "README.md sets up your client, and adds a key.",
    )


def _reason(error: BaseException) -> str:
    """The first line of the first error of a group."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    reason = f"An answer lacks {error}." if isinstance(error, KeyError) else str(error)
    return reason.partition("\n")[0]
