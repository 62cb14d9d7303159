"""The examples, run as programs against a real server on the sandbox, in real time."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Final

import pytest

from tests import ROOT
from tests.support.product.local_servers import upstream
from tests.support.product.sandbox_accounts import ANOTHER_ACCOUNT_KEY, READONLY_KEY
from tests.support.server_process import Running, running
from trax_mcp.sandbox import SANDBOX_KEY

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from tests.support.product.sandbox import Sandbox

pytestmark = pytest.mark.slow

BOT: Final = ROOT / "examples/chat_ops_bot.py"
MAX_LINES: Final = 120
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
    """A server on the sandbox, on a free port."""
    return running("http", "--sandbox", "--port", "0", settings=settings)


def server_on(trax: Sandbox) -> AbstractAsyncContextManager[Running]:
    """A server on a sandbox of this process, which knows more keys."""
    return running("http", "--port", "0", settings={"TRAX_BASE_URL": trax.base_url})


def bot(address: str, *arguments: str, **settings: str) -> AbstractAsyncContextManager[Running]:
    """The bot, connected to the server at this address."""
    program = ("-W", "error", "-u", str(BOT), "--server", f"{address}/mcp")
    return running(*arguments, settings={"USER": "ann", **settings}, program=program)


async def send(bot: Running, text: str, answer: str) -> None:
    """Type a line, and wait for a line that matches `answer`."""
    await bot.write(f"{text}\n")
    await bot.stdout.match(answer)


def events(audit: Path) -> list[tuple[str, str, str | None]]:
    """Operation, event and claimed actor of each audit line."""
    lines = [json.loads(line) for line in audit.read_text().splitlines()]
    return [(it["operation"], it["event"], it.get("actorClaimed")) for it in lines]


def test_chat_bot_example_is_short() -> None:
    """People read it before they run it."""
    assert len(BOT.read_text().splitlines()) < MAX_LINES


async def test_bot_runs_a_show_from_go_live_to_go_offline(tmp_path: Path) -> None:
    """A declined and a confirmed go-live, chat in both directions, and a go-offline."""
    audit = tmp_path / "audit.jsonl"
    async with (
        server(TRAX_AUDIT_LOG=str(audit)) as trax,
        bot(await trax.address()) as it,
    ):
        await it.stdout.match(GREETING)
        await send(it, "!live", r"Can be on screen: \"Intro clip\"")
        await send(it, "2", BUTTONS + "Nothing was sent.")
        assert "on_air" not in it.stdout.text
        assert "sent" not in [event for _, event, _ in events(audit)]
        await send(it, "!live\n1", "go_live: on_air")
        await it.stdout.match(r"  youtube 'Ada': 'We are on! Hello from Lisbon'")
        await send(it, "!say Good evening", r"  trax '.+': 'Good evening'")
        await send(it, "!off\n1", "go_offline: off_air")
        await it.write("!quit\n")
        assert await it.end() == 0
    assert it.stdout.text.count(FORM) == 2
    assert it.stderr.text == ""
    sent = [it for it in events(audit) if it[1] == "sent"]
    assert sent == [("go_live", "sent", "ann"), ("go_offline", "sent", "ann")]


async def test_bot_reports_a_refused_call_and_continues() -> None:
    """It accepts the next command."""
    async with (
        upstream() as trax,
        server_on(trax) as front,
        bot(await front.address(), TRAX_API_KEY=READONLY_KEY) as it,
    ):
        await send(it, "!say Good evening", "The key lacks the scope chat:send")
        await send(it, "!dance", f"> {GREETING.partition(': ')[2]}")
        assert await it.hang_up() == 0


@pytest.mark.parametrize(
    ("key", "studio"), [(SANDBOX_KEY, "Saturday"), (ANOTHER_ACCOUNT_KEY, "Friday Night Show")]
)
async def test_bot_exits_if_the_studio_does_not_exist(key: str, studio: str) -> None:
    """With the server's message, without a traceback."""
    async with (
        upstream() as trax,
        server_on(trax) as front,
        bot(await front.address(), "--studio", studio, TRAX_API_KEY=key) as it,
    ):
        assert await it.end() == 1
    assert f'Cannot go on: No studio matches "{studio}".' in it.stderr.text
    assert "Traceback" not in it.stderr.text


@pytest.mark.parametrize(
    ("studio", "message"),
    [
        ("rehearsal", "2 studios match: before a change, ask the person which one is meant."),
        ("coffee at noon", '"Morning Coffee" matches: before a change, ask the person whether'),
    ],
)
async def test_bot_exits_if_no_studio_is_likely(studio: str, message: str) -> None:
    """With the server's message, without a guess."""
    async with server() as trax, bot(await trax.address(), "--studio", studio) as it:
        assert await it.end() == 1
    assert f"Cannot go on: {message}" in it.stderr.text
    assert it.stdout.text == ""


async def test_bot_takes_the_likely_studio() -> None:
    """It says which one that is."""
    async with server() as trax, bot(await trax.address(), "--studio", "the friday show") as it:
        await it.stdout.match("'Friday Night Show': !live")
        assert await it.hang_up() == 0


async def test_bot_accepts_a_studio_id() -> None:
    """An id matches one studio only."""
    async with server() as trax, bot(await trax.address(), "--studio", "studio_43") as it:
        await it.stdout.match(r"'Friday Night Show \(rehearsal\)': !live")
        assert await it.hang_up() == 0


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
async def test_bot_exits_when_its_server_ends(end: int) -> None:
    """At once, without input, after a shutdown or a kill."""
    async with server() as trax, bot(await trax.address()) as it:
        await send(it, "!say Good evening", r"  trax '.+': 'Good evening'")
        await trax.stop(end)
        assert await it.end() == 1
    assert it.stderr.text.startswith("\nCannot go on: ")
    assert "Traceback" not in it.stderr.text


async def test_bot_exits_if_no_server_is_reachable() -> None:
    """It does not wait for a server."""
    async with bot("http://127.0.0.1:1") as it:
        assert await it.end() == 1
    assert it.stderr.text == "\nCannot go on: All connection attempts failed\n"
