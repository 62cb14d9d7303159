"""`trax-mcp demo`: starts our own server on the sandbox, as any MCP client would, and plays a show.

Knows how to start, to end and to fail. What is played is in `scenes` and `encore`, how it looks in
`story`.
"""

import logging
import math
import os
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO

import anyio
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from rich.console import Console

from trax_mcp.cli.encore import Encore
from trax_mcp.cli.person import Person
from trax_mcp.cli.scenes import Show
from trax_mcp.cli.story import Story
from trax_mcp.cli.terminal import console_on
from trax_mcp.cli.toolbox import Toolbox, Unexpected
from trax_mcp.settings import PREFIX

SERVER: Final = (sys.executable, "-P", "-m", "trax_mcp", "--sandbox")
START_SECONDS: Final[float] = 20
_CALL_SECONDS = 30
_LAST_WORDS = 8

_ABOUT = """\
A real MCP client starts trax-mcp and runs a whole show on the embedded TRaX \
sandbox: made-up studios and viewers, no key, no network, nothing real. This \
client can ask you: when to go on air and off, you decide in a form."""
_INTERLUDE = """\
Not every client can show a form. Once more with one that cannot, on a fresh \
sandbox: there the server runs only what it has shown, and only once."""


def play(command: Sequence[str] = SERVER, *, console: Console | None = None) -> int:
    """Play the show with the server that `command` starts, on stdout if not on another console.

    Returns 0 if every step was as it should be; else says on stderr which was not, and returns 1.
    """
    story = Story(console or console_on(sys.stdout))
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log, _logging_to(log):
        try:
            problem = anyio.run(_play, command, story, log)
        except (OSError, ExceptionGroup) as error:
            if story.scene_title:
                raise
            problem = Unexpected("The server starts and answers.", seen=_reason(error))
        except BaseExceptionGroup as error:
            if error.subgroup(SystemExit) is None:
                raise
            return 1  # rich leaves so when nobody reads the story any more
        if problem is None:
            return 0
        log.seek(0)
        last_words = log.read().splitlines()[-_LAST_WORDS:]
    Story(console_on(sys.stderr)).fail(
        _headline(story.scene_title), expected=problem.expected, seen=problem.seen, log=last_words
    )
    return 1


async def _play(command: Sequence[str], story: Story, log: TextIO) -> Unexpected | None:
    """Play both parts; return the first step that is not as it should be, None if all are."""
    story.open("trax-mcp demo", _ABOUT)
    began = anyio.current_time()
    person = Person(story)

    async def show(tools: Toolbox) -> None:
        await (await Show.find(tools, story, person)).play()

    async def encore(tools: Toolbox) -> None:
        await (await Encore.find(tools, story)).play()

    problem = await _part(_client(command, log, person), story, show)
    if problem is None:
        story.interlude(_INTERLUDE)
        problem = await _part(_client(command, log), story, encore)
    if problem is None:
        seconds = anyio.current_time() - began
        story.close(f"Two shows in {seconds:.0f} s, every step checked.", *_advice())
    return problem


async def _part(
    client: Client, story: Story, play_with: Callable[[Toolbox], Awaitable[None]]
) -> Unexpected | None:
    """Start a server, and play with its tools."""
    with anyio.fail_after(START_SECONDS) as patience:
        async with client:
            patience.deadline = math.inf
            tools = await Toolbox.of(client, story)
            story.checked(_introduction(client, tools))
            try:
                await play_with(tools)
            except Unexpected as problem:
                return problem
    return None


def _introduction(client: Client, tools: Toolbox) -> str:
    who = client.server_info
    server = f"{who.name} {who.version}" if who else "A server without a name"
    return f"{server} is up: {len(tools.names)} tools, MCP {client.protocol_version} over stdio"


def _client(command: Sequence[str], log: TextIO, person: Person | None = None) -> Client:
    """A client of the server that `command` starts, with none of the reader's own settings.

    One that can ask a person speaks the newest protocol, one that cannot the earlier one.
    """
    program, *arguments = command
    environment = {it: value for it, value in os.environ.items() if not it.startswith(PREFIX)}
    server = StdioServerParameters(command=program, args=arguments, env=environment)
    return Client(
        stdio_client(server, errlog=log),
        mode="auto" if person else "legacy",
        read_timeout_seconds=_CALL_SECONDS,
        elicitation_callback=person.decide if person else None,
    )


def _advice() -> tuple[tuple[str, str], ...]:
    return (
        (f"{_program()} --sandbox", "in your own MCP client, and you run the show"),
        ("README.md", "sets up your client, and adds a key"),
    )


def _program() -> str:
    """How the reader starts trax-mcp from where they are."""
    beside = Path(sys.executable).with_name("trax-mcp")
    found = shutil.which("trax-mcp")
    if not beside.exists():
        return f"{sys.executable} -m trax_mcp"
    if found is not None and beside.samefile(found):
        return "trax-mcp"
    here = Path.cwd()
    return str(beside.relative_to(here) if beside.is_relative_to(here) else beside)


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
