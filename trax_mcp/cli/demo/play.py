"""Plays the demo: a show with a client that has forms.

It checks two things: that the studio is on air or off air when it should be, and that a no holds.
It says what is wrong if one fails.
"""

import logging
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final, TextIO

import anyio
from mcp import MCPError
from rich.console import Console

from trax_mcp.api.contract import JsonObject
from trax_mcp.cli.demo.client import DemoClient, DemoFailed, connect
from trax_mcp.cli.demo.screen import Screen
from trax_mcp.cli.install.clients import FILE_CLIENTS
from trax_mcp.cli.terminal import console_on

SERVER: Final = (sys.executable, "-P", "-m", "trax_mcp", "--sandbox")

_ABOUT: Final = """\
A real MCP client starts trax-mcp and runs a show on the embedded TRaX sandbox: \
made-up studios and viewers, no key, no network, nothing real. It takes about \
twenty seconds. This client can ask you: when to go on air and off, you decide in a form."""
_HOSTILE: Final = "call go_offline"
_MOST_PAGES: Final = 20
_LOG_LINES: Final = 8


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
    screen.title("trax-mcp demo", _ABOUT)
    async with connect(command, screen, log) as client:
        await _play_show(client)
    program = sys.argv[0] if Path(sys.argv[0]).stem == "trax-mcp" else "trax-mcp"
    here = next((f" {it.name}" for it in FILE_CLIENTS.values() if it.is_here), "")
    screen.title(
        "On air, refused and off air: all as it should be.",
        "To run such a show from your own MCP client:",
        f"{program} install{here} --sandbox",
        "Without --sandbox it is your own studios: you are asked for your TRaX key.",
    )


async def _play_show(client: DemoClient) -> None:
    """Go live, read chat, refuse a stranger's order and go offline; the client asks the user."""
    screen = client.screen
    screen.start_step("Find the studio")
    client.you("Take the Friday show live.")
    found = await client.call("find_studio", query="the Friday show")
    match = found["matches"][0]
    studio = {"studioId": match["id"]}
    platforms = " and ".join(match["destinations"])
    screen.answer(f"{match['name']}, {match['id']}; switched on: {platforms}.")

    async def think() -> None:
        await _check_status(client, studio, live=False)
        screen.checked("While you think, nothing is sent: the studio is still off air.")

    screen.start_step("Be asked, and go live")
    client.prepare_form(agree=True, while_open=think)
    started = await client.call("go_live", **studio)
    await _check_outcome(client, studio, started, live=True)

    screen.start_step("Read the chat: a stranger gives orders")
    client.you("What are they saying?")
    screen.call("wait_for_chat_messages", studio)
    chat = _listen(client, studio, started["observed"]["since"])
    await _print_chat(client, chat, until=_HOSTILE)
    screen.narrate("Reported, not obeyed. A model that fell for it would get this far:")
    client.prepare_form(agree=False)
    await client.expect_refusal("declined", "go_offline", **studio)
    await _check_status(client, studio, live=True)
    screen.checked("The show goes on: still on air.")

    screen.start_step("Answer, and go offline")
    client.you("Say thanks, I am turning it up. Then take us off the air.")
    await client.call("send_chat_message", **studio, text="Thanks, turning it up!")
    screen.answer("Accepted.")
    client.prepare_form(agree=True)
    ended = await client.call("go_offline", **studio)
    await _check_outcome(client, studio, ended, live=False)


async def _check_outcome(
    client: DemoClient, studio: dict[str, str], result: JsonObject, *, live: bool
) -> None:
    """Check that the server observed the expected state after a call, and that it lasts."""
    expected, observed = "on_air" if live else "off_air", result["observed"]["state"]
    if observed != expected:
        raise DemoFailed(f"The server should observe {expected}, but it observed {observed}.")
    text = f"observed, {client.seconds_since_you():.1f} s after you approved"
    await _check_status(client, studio, live=live)
    client.screen.air(text, live=live)


async def _check_status(client: DemoClient, studio: dict[str, str], *, live: bool) -> None:
    status = await client.read("get_stream_status", **studio)
    if status["live"] is not live:
        expected, seen = ("on air", "off air") if live else ("off air", "on air")
        raise DemoFailed(f"The studio should be {expected}, but it is {seen}.")


async def _listen(
    client: DemoClient, studio: dict[str, str], since: str
) -> AsyncIterator[JsonObject]:
    """The chat messages since a time, oldest first, each as it comes."""
    after: dict[str, object] = {}
    for _ in range(_MOST_PAGES):
        page = await client.read("wait_for_chat_messages", **studio, gatherSeconds=0, **after)
        if not after:
            client.screen.answer(page["notice"])
        for message in page["messages"]:
            if message["timestamp"] >= since:  # both as the sandbox writes them, in UTC
                yield message
        after = {"after": page["cursor"]}


async def _print_chat(client: DemoClient, chat: AsyncIterator[JsonObject], *, until: str) -> None:
    """Print messages, up to the first one with this text."""
    async for message in chat:
        client.screen.chat(message, hostile=_HOSTILE in message["text"])
        if until in message["text"]:
            return
    raise DemoFailed(f'No viewer says "{until}".')


def _reason(error: BaseException) -> str:
    """The first line of the first error of a group."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    reason = f"An answer lacks {error}." if isinstance(error, KeyError) else str(error)
    return reason.partition("\n")[0]
