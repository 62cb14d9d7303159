"""`trax-mcp demo`: starts our own server on the sandbox, as any MCP client would, and plays a show.

Knows how to start, to end and to fail. What is played is in `scenes`, how it looks in `story`.
"""

import io
import logging
import math
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, TextIO

import anyio
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from rich.console import Console

from trax_mcp.cli.scenes import Show
from trax_mcp.cli.story import Story
from trax_mcp.cli.toolbox import Toolbox, Unexpected
from trax_mcp.settings import PREFIX

SERVER: Final = (sys.executable, "-m", "trax_mcp", "--sandbox")
START_SECONDS: Final[float] = 20
_CALL_SECONDS = 10
_LAST_WORDS = 8

_ABOUT = """\
A real MCP client starts trax-mcp and runs a whole show on the embedded TRaX \
sandbox: made-up studios and viewers, no key, no network, nothing real."""
_ADVICE = (
    ("trax-mcp --sandbox", "in your own MCP client, and you run the show"),
    ("README.md", "sets up Claude, Cursor and VS Code, and adds a key"),
)


def play(command: Sequence[str] = SERVER) -> int:
    """Play the show with the server that `command` starts.

    Returns 0 if every step was as it should be; else says on stderr which was not, and returns 1.
    """
    story = Story(_console(sys.stdout))
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log, _logging_to(log):
        try:
            problem = anyio.run(_play, command, story, log)
        except (OSError, ExceptionGroup) as error:
            if story.scene_title:
                raise
            problem = Unexpected("The server starts and answers.", seen=_reason(error))
        if problem is None:
            return 0
        log.seek(0)
        last_words = log.read().splitlines()[-_LAST_WORDS:]
    Story(_console(sys.stderr)).fail(
        _headline(story.scene_title), expected=problem.expected, seen=problem.seen, log=last_words
    )
    return 1


async def _play(command: Sequence[str], story: Story, log: TextIO) -> Unexpected | None:
    """Play the show; return the first step that is not as it should be, None if all are."""
    story.open("trax-mcp demo", _ABOUT)
    started_at = anyio.current_time()
    with anyio.fail_after(START_SECONDS) as patience:
        async with _client(command, log) as client:
            patience.deadline = math.inf
            tools = await Toolbox.of(client, story)
            story.checked(_introduction(client, tools))
            try:
                show = await Show.find(tools, story)
                await show.play()
            except Unexpected as problem:
                return problem
    seconds = anyio.current_time() - started_at
    story.close(f"A whole show on the sandbox in {seconds:.0f} s, every step checked.", *_ADVICE)
    return None


def _introduction(client: Client, tools: Toolbox) -> str:
    who = client.server_info
    server = f"{who.name} {who.version}" if who else "A server without a name"
    return f"{server} is up: {len(tools.names)} tools, MCP {client.protocol_version} over stdio"


def _client(command: Sequence[str], log: TextIO) -> Client:
    """A client of the server that `command` starts, with none of the reader's own settings."""
    program, *arguments = command
    environment = {it: value for it, value in os.environ.items() if not it.startswith(PREFIX)}
    server = StdioServerParameters(command=program, args=arguments, env=environment)
    return Client(stdio_client(server, errlog=log), read_timeout_seconds=_CALL_SECONDS)


def _console(stream: TextIO) -> Console:
    if isinstance(stream, io.TextIOWrapper):
        # A viewer may write what this terminal's encoding does not know.
        stream.reconfigure(errors="backslashreplace")
    return Console(file=stream, highlight=False, markup=False, emoji=False)


@contextmanager
def _logging_to(log: TextIO) -> Iterator[None]:
    """Keep what the SDK's client logs, as the server's own words, out of the story."""
    handler = logging.StreamHandler(log)
    logger = logging.getLogger("mcp")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def _headline(step: str) -> str:
    if not step:
        return "The server did not start."
    return f'The step "{step}" is not as it should be.'


def _reason(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error) or f"no answer in {START_SECONDS} s"
