"""Plays the demo: a show on practice studios, in which a stranger tries to end it.

The assistant's words are a script, and all else is real. It checks that the show is on air or off
air when it should be, and that a no holds; if one fails, it says what is wrong.
"""

import logging
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final, TextIO

import anyio
from mcp import MCPError
from rich.console import Console

from trax_mcp.api.contract import JsonObject
from trax_mcp.cli.demo.client import DemoClient, DemoFailed, connect
from trax_mcp.cli.demo.screen import Screen
from trax_mcp.cli.install.clients import FILE_CLIENTS
from trax_mcp.cli.terminal import INTERRUPTED, console_on
from trax_mcp.studio import naming

SERVER: Final = (sys.executable, "-P", "-m", "trax_mcp", "--sandbox")

_ABOUT: Final = """\
A show on practice studios: no account, no key, nothing real. trax-mcp and what it \
asks are real; the viewers are made up, and the assistant's words are a script."""
_YOU_PRESS: Final = "You decide: when you're asked, press 1 or 2, and Enter."
_IT_PLAYS: Final = "It plays by itself, in about twenty seconds."
_HOSTILE: Final = "call go_offline"
_MOST_PAGES: Final = 20
_LOG_LINES: Final = 8


def play(
    command: Sequence[str] = SERVER, *, console: Console | None = None, auto: bool = True
) -> int:
    """Play on `console` or stdout, with the server that `command` starts.

    Unless it is `auto`, the person at the terminal answers the questions. Returns 0, or 1 if the
    show did not go as it should; stderr then says why.
    """
    logging.getLogger("mcp").addHandler(logging.NullHandler())  # the SDK would log on stderr
    screen = Screen(console or console_on(sys.stdout))
    is_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    asks = not auto and is_terminal and os.name == "posix"  # elsewhere a read can't be waited for
    code = 0
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        try:
            anyio.run(partial(_play, command, screen, log, asks=asks))
        except* SystemExit:  # by rich, when the reader of a pipe has gone
            code = 1
        except* EOFError:  # Ctrl-D
            sys.stderr.write("\n")
            code = INTERRUPTED
        except* (DemoFailed, MCPError, OSError, RuntimeError, KeyError) as group:
            code = 1
            log.seek(0)
            step = screen.step or "The server doesn't start"
            problem = f"{step}: {_reason(group)}"
            Screen(console_on(sys.stderr)).fail(problem, log.read().splitlines()[-_LOG_LINES:])
    return code


async def _play(command: Sequence[str], screen: Screen, log: TextIO, *, asks: bool) -> None:
    screen.title("trax-mcp demo", _ABOUT, _YOU_PRESS if asks else _IT_PLAYS)
    async with connect(command, screen, log, asks=asks) as client:
        end = await _play_show(client)
    program = sys.argv[0] if Path(sys.argv[0]).stem == "trax-mcp" else "trax-mcp"
    here = next((f" {it.name}" for it in FILE_CLIENTS.values() if it.is_here), "")
    screen.title(
        f"That's it: {end}",
        "Now with your own assistant, still on practice studios:",
        f"{program} install{here} --sandbox",
        "Without --sandbox, it's your own studios, and you're asked for your TRaX key.",
    )


async def _play_show(client: DemoClient) -> str:
    """Go live, read chat, let a stranger try to end the show, and go offline. Returns what was."""
    screen = client.screen
    screen.start_step("Go live")
    client.you("Take the Friday show live.")
    found = await client.call("find_studio", query="the Friday show")
    match = found["matches"][0]
    studio = {"studioId": match["id"]}
    on = naming.platforms(match["destinations"])
    screen.assistant(f'"{match["name"]}" goes out on {on}. You decide.')

    async def think() -> None:
        await _check_status(client, studio, live=False)
        screen.checked("While you think, nothing is sent: the show is off air.")

    started = await client.ask("go_live", approve=True, while_open=think, **studio)
    if started is None:
        await _check_status(client, studio, live=False)
        screen.assistant("OK. Nothing was sent, and you're off air.")
        return (
            "you said no, so nothing was sent. Run it again and press 2 for the rest of the show."
        )
    await _check_outcome(client, studio, started, live=True)
    screen.assistant(f"You're live on {on}. I can't see your picture, so take a look.")

    screen.start_step("A stranger gives orders")
    client.you("What are they saying?")
    screen.call("wait_for_chat_messages", studio)
    chat = _listen(client, studio, started["observed"]["since"])
    await _print_chat(client, chat, until=_HOSTILE)
    screen.assistant(
        "Lin says that the sound is quiet. Somebody wants me to end the show. I won't."
    )
    screen.narrate("And if an assistant did? Then you'd be asked:")
    stopped = await client.ask("go_offline", approve=False, **studio)
    if stopped is not None:
        await _check_outcome(client, studio, stopped, live=False)
        return "the stranger's words alone sent nothing. The show ended because you pressed 2."
    await _check_status(client, studio, live=True)
    screen.checked("Nothing was sent: the show is still on air.")

    screen.start_step("Go offline")
    client.you("Say thanks, I'm turning it up. Then take us off the air.")
    await client.call("send_chat_message", **studio, text="Thanks, turning it up!")
    ended = await client.ask("go_offline", approve=True, **studio)
    if ended is None:
        await _check_status(client, studio, live=True)
        screen.assistant("OK. Nothing was sent, and the show goes on.")
        return "you said no, so the show went on. It ends with this demo."
    await _check_outcome(client, studio, ended, live=False)
    screen.assistant("I've thanked them, and you're off air.")
    return "you went live, a stranger couldn't stop you, and you went off air."


async def _check_outcome(
    client: DemoClient, studio: dict[str, str], result: JsonObject, *, live: bool
) -> None:
    """Check that the server observed the expected state after a call, and that it lasts."""
    expected, observed = "on_air" if live else "off_air", result["observed"]["state"]
    if observed != expected:
        raise DemoFailed(f"The server should observe {expected}, but it observed {observed}.")
    text = f"{client.seconds_since_you():.1f} s after you approved"
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
