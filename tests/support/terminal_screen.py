"""Draws what a command wrote on a terminal, and runs `trax-mcp` on a real one."""

from __future__ import annotations

import asyncio
import os
import pty
import sys
import termios
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

import pyte

from tests.support.server_process import PATIENCE_SECONDS, environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ROWS: Final = 120
WIDE_COLUMNS: Final = 400
"""So wide that no line is broken at the path of a temporary folder."""


class Screen(NamedTuple):
    """The exit code of a command and the text on the screen; `output` is all that it wrote."""

    code: int
    text: str
    output: str


def draw(output: str) -> str:
    """The text that stands on a screen at the end."""
    screen = pyte.Screen(WIDE_COLUMNS, _ROWS)
    screen.set_mode(pyte.modes.LNM)  # as a terminal does with the ends of lines
    pyte.Stream(screen).feed(output)
    lines = (line.rstrip() for line in screen.display)
    return "\n".join(lines).rstrip() + "\n"


async def run_on_terminal(
    *arguments: str, settings: Mapping[str, str], answers: Sequence[tuple[str, str]] = ()
) -> Screen:
    """Run the command as a process. Each of `answers` is typed after what is printed before it."""
    controller, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (_ROWS, WIDE_COLUMNS))
    command = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "trax_mcp", *arguments),
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env=environment({"TERM": "xterm-256color", **settings}),
        start_new_session=True,
    )
    os.close(terminal)
    shown = asyncio.StreamReader()
    loop, protocol = asyncio.get_running_loop(), asyncio.StreamReaderProtocol(shown)
    transport, _ = await loop.connect_read_pipe(lambda: protocol, os.fdopen(controller, "rb", 0))
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            output = b""
            for prompt, answer in answers:
                output += await shown.readuntil(prompt.encode())
                os.write(controller, answer.encode())
            output += await _read_all(shown)
            code = await command.wait()
    finally:
        transport.close()
        if command.returncode is None:
            command.kill()
            await command.wait()
    return Screen(code, draw(output.decode()), output.decode())


async def _read_all(shown: asyncio.StreamReader) -> bytes:
    output = b""
    with suppress(OSError):  # on Linux, the end of a terminal is an error
        while chunk := await shown.read(4096):
            output += chunk
    return output
