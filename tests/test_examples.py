"""The examples run as their readers run them: as programs, against a real server on the sandbox.

What a person types is typed, and what they see is read. Real time passes as the sandbox's does.
"""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Final

import pytest

from tests import ROOT
from tests.processes import Running, running
from trax_mcp.sandbox import READONLY_KEY, STRANGER_KEY

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

BOT: Final = ROOT / "examples/chat_ops_bot.py"
MOST_LINES: Final = 120
BUTTONS: Final = r"\[1\] Do it   \[2\] Do not: "
FORM: Final = """\
go_live on "Friday Night Show":
- Starts a broadcast of "Friday Night Show" that anyone can watch.
- Goes out on "Main channel" (YouTube).
- Goes out on "Late crowd" (Twitch).
- Can be on screen: "Host camera" (webcam).
- Can be on screen: "Intro clip" (media).
"""
GREETING: Final = "'Friday Night Show': !live, !off, !say WORDS or !quit"


def server(**settings: str) -> AbstractAsyncContextManager[Running]:
    """A server on a sandbox, at any port."""
    return running("http", "--sandbox", "--port", "0", settings=settings)


def bot(address: str, *arguments: str, **settings: str) -> AbstractAsyncContextManager[Running]:
    """The bot, on a server."""
    program = ("-W", "error", "-u", str(BOT), "--server", f"{address}/mcp")
    return running(*arguments, settings={"USER": "ann", **settings}, program=program)


async def order(bot: Running, words: str, answer: str) -> None:
    """Type a line, and wait for the line that answers it."""
    await bot.write(f"{words}\n")
    await bot.stdout.match(answer)


def events(audit: Path) -> list[tuple[str, str, str | None]]:
    """What was decided, by whom, and what came of it."""
    lines = [json.loads(line) for line in audit.read_text().splitlines()]
    return [(it["operation"], it["event"], it.get("actorClaimed")) for it in lines]


def test_the_bot_is_short() -> None:
    """It is read before it is run."""
    assert len(BOT.read_text().splitlines()) < MOST_LINES


async def test_the_bot_runs_a_show_from_the_first_word_to_the_last(tmp_path: Path) -> None:
    """No, yes, chat that comes by itself, words that go out, and off the air again."""
    audit = tmp_path / "audit.jsonl"
    async with (
        server(TRAX_AUDIT_LOG=str(audit)) as trax,
        bot(await trax.address()) as it,
    ):
        await it.stdout.match(GREETING)
        await order(it, "!live", r"Can be on screen: \"Intro clip\"")
        await order(it, "2", BUTTONS + "Nothing was sent.")
        assert "on_air" not in it.stdout.text
        assert "sent" not in [event for _, event, _ in events(audit)]
        await order(it, "!live\n1", "go_live: on_air")
        await it.stdout.match(r"  youtube 'Ada': 'We are on! Hello from Lisbon'")
        await order(it, "!say Good evening", r"  trax '.+': 'Good evening'")
        await order(it, "!off\n1", "go_offline: off_air")
        await it.write("!quit\n")
        assert await it.end() == 0
    assert it.stdout.text.count(FORM) == 2
    assert it.stderr.text == ""
    sent = [it for it in events(audit) if it[1] == "sent"]
    assert sent == [("go_live", "sent", "ann"), ("go_offline", "sent", "ann")]


async def test_the_bot_tells_a_refusal_and_goes_on() -> None:
    """What TRaX does not allow is said, and the next order is taken."""
    async with server() as trax, bot(await trax.address(), TRAX_API_KEY=READONLY_KEY) as it:
        await order(it, "!say Good evening", "The key lacks the scope chat:send")
        await order(it, "!dance", f"> {GREETING.partition(': ')[2]}")
        assert await it.hang_up() == 0


@pytest.mark.parametrize("key", ["", STRANGER_KEY])
async def test_the_bot_ends_where_there_is_no_such_studio(key: str) -> None:
    """With the server's own sentence, and no traceback."""
    asked = ("--studio", "Friday Night Show" if key else "Saturday")
    async with server() as trax, bot(await trax.address(), *asked, TRAX_API_KEY=key) as it:
        assert await it.end() == 1
    assert f'Cannot go on: No studio matches "{asked[1]}".' in it.stderr.text
    assert "Traceback" not in it.stderr.text


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ("Friday", "2 studios match: ask the person which one is meant."),
        ("friday night show", "The first is exactly what was asked for; 1 more match."),
    ],
)
async def test_the_bot_does_not_guess_which_studio_is_meant(asked: str, sentence: str) -> None:
    """It ends with the server's own sentence, unless one has that very name."""
    async with server() as trax, bot(await trax.address(), "--studio", asked) as it:
        assert await it.end() == 1
    assert f"Cannot go on: {sentence}" in it.stderr.text
    assert it.stdout.text == ""


async def test_the_bot_takes_an_id() -> None:
    """It is the only match."""
    async with server() as trax, bot(await trax.address(), "--studio", "studio_43") as it:
        await it.stdout.match(r"'Friday Night Show \(rehearsal\)': !live")
        assert await it.hang_up() == 0


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
async def test_the_bot_ends_with_its_server(end: int) -> None:
    """It says so at once, though nobody types anything, whether or not there was a good-bye."""
    async with server() as trax, bot(await trax.address()) as it:
        await order(it, "!say Good evening", r"  trax '.+': 'Good evening'")
        await trax.stop(end)
        assert await it.end() == 1
    assert it.stderr.text.startswith("\nCannot go on: ")
    assert "Traceback" not in it.stderr.text


async def test_the_bot_ends_where_there_is_no_server() -> None:
    """It does not wait for one."""
    async with bot("http://127.0.0.1:1") as it:
        assert await it.end() == 1
    assert it.stderr.text == "\nCannot go on: All connection attempts failed\n"
