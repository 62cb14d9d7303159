"""`trax-mcp demo`: starts this server on the sandbox, as an MCP client does, and runs a show.

The steps are in `form_demo` and `confirmation_demo`, the output in `demo_output`.
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

from trax_mcp.cli.checked_calls import ToolCaller, Unexpected
from trax_mcp.cli.confirmation_demo import ConfirmationDemo
from trax_mcp.cli.demo_output import DemoOutput
from trax_mcp.cli.form_demo import FormDemo
from trax_mcp.cli.simulated_user import SimulatedUser
from trax_mcp.cli.terminal import console_on
from trax_mcp.settings import VARIABLE_PREFIX

SERVER: Final = (sys.executable, "-P", "-m", "trax_mcp", "--sandbox")
START_SECONDS: Final[float] = 20
_CALL_SECONDS = 30
_LOG_LINES = 8

_ABOUT = """\
A real MCP client starts trax-mcp and runs a whole show on the embedded TRaX \
sandbox: made-up studios and viewers, no key, no network, nothing real. This \
client can ask you: when to go on air and off, you decide in a form."""
_INTERLUDE = """\
Not every client can show a form. Once more with one that cannot, on a fresh \
sandbox: there the server runs only what it has shown, and only once."""


def play(command: Sequence[str] = SERVER, *, console: Console | None = None) -> int:
    """Run the demo with the server that `command` starts, and print it on `console` or stdout.

    Returns 0 if every step is as expected; else prints on stderr which is not, and returns 1.
    """
    output = DemoOutput(console or console_on(sys.stdout))
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log, _logging_to(log):
        try:
            problem = anyio.run(_play, command, output, log)
        except (OSError, ExceptionGroup) as error:
            if output.scene_title:
                raise
            problem = Unexpected("The server starts and answers.", seen=_reason(error))
        except BaseExceptionGroup as error:
            if error.subgroup(SystemExit) is None:
                raise
            return 1  # rich exits when the reader of a pipe has gone
        if problem is None:
            return 0
        log.seek(0)
        log_lines = log.read().splitlines()[-_LOG_LINES:]
    DemoOutput(console_on(sys.stderr)).fail(
        _headline(output.scene_title), expected=problem.expected, seen=problem.seen, log=log_lines
    )
    return 1


async def _play(command: Sequence[str], output: DemoOutput, log: TextIO) -> Unexpected | None:
    """Run both parts; return the first unexpected step, or None."""
    output.open("trax-mcp demo", _ABOUT)
    started_at = anyio.current_time()
    user = SimulatedUser(output)

    async def show(tools: ToolCaller) -> None:
        await (await FormDemo.find(tools, output, user)).play()

    async def encore(tools: ToolCaller) -> None:
        await (await ConfirmationDemo.find(tools, output)).play()

    problem = await _part(_client(command, log, user), output, show)
    if problem is None:
        output.interlude(_INTERLUDE)
        problem = await _part(_client(command, log), output, encore)
    if problem is None:
        seconds = anyio.current_time() - started_at
        output.close(f"Two shows in {seconds:.0f} s, every step checked.", *_advice())
    return problem


async def _part(
    client: Client, output: DemoOutput, play: Callable[[ToolCaller], Awaitable[None]]
) -> Unexpected | None:
    """Start a server and run the steps with its tools."""
    with anyio.fail_after(START_SECONDS) as start_scope:
        async with client:
            start_scope.deadline = math.inf
            tools = await ToolCaller.create(client, output)
            output.checked(_introduction(client, tools))
            try:
                await play(tools)
            except Unexpected as problem:
                return problem
    return None


def _introduction(client: Client, tools: ToolCaller) -> str:
    who = client.server_info
    server = f"{who.name} {who.version}" if who else "A server without a name"
    return f"{server} is up: {len(tools.names)} tools, MCP {client.protocol_version} over stdio"


def _client(command: Sequence[str], log: TextIO, user: SimulatedUser | None = None) -> Client:
    """A client of the server that `command` starts, without TRAX_ variables.

    With a user it speaks the newest protocol and has elicitation; without one, the earlier one.
    """
    program, *arguments = command
    environment = {
        it: value for it, value in os.environ.items() if not it.startswith(VARIABLE_PREFIX)
    }
    server = StdioServerParameters(command=program, args=arguments, env=environment)
    return Client(
        stdio_client(server, errlog=log),
        mode="auto" if user else "legacy",
        read_timeout_seconds=_CALL_SECONDS,
        elicitation_callback=user.decide if user else None,
    )


def _advice() -> tuple[tuple[str, str], ...]:
    return (
        (f"{_program()} --sandbox", "in your own MCP client, and you run the show"),
        ("README.md", "sets up your client, and adds a key"),
    )


def _program() -> str:
    """The command that starts trax-mcp from the current folder."""
    script = Path(sys.executable).with_name("trax-mcp")
    on_path = shutil.which("trax-mcp")
    if not script.exists():
        return f"{sys.executable} -m trax_mcp"
    if on_path is not None and script.samefile(on_path):
        return "trax-mcp"
    here = Path.cwd()
    return str(script.relative_to(here) if script.is_relative_to(here) else script)


@contextmanager
def _logging_to(log: TextIO) -> Iterator[None]:
    """Write what the SDK's client logs to `log`, not among the output."""
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
