"""The chat-ops example, run as a program against a real server on the sandbox, in real time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import anyio
import chat_ops_bot
import pytest

from tests import ROOT
from tests.support.product.sandbox_accounts import ANOTHER_ACCOUNT_KEY, READONLY_KEY
from tests.support.server_process import PATIENCE_SECONDS, Running, running
from tests.world.caller import PREVIEW_SECONDS
from tests.world.world import Over, open_world

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

BOT: Final = ROOT / "examples/chat_ops_bot.py"
BUTTONS: Final = r"\[1\] Don't go live   \[2\] Go live on YouTube and Twitch: "
FORM: Final = """\
Go live with "Friday Night Show"?
- Anyone can watch.
- Streams to: "Late crowd" (Twitch), "Main channel" (YouTube)
- Stays off: "Kick (trying out)" (Kick)
- May be on screen: "Host camera", "Intro clip"
"""
GREETING: Final = "'Friday Night Show': !live, !off, !say WORDS or !quit"


def bot(address: str, *arguments: str, **settings: str) -> AbstractAsyncContextManager[Running]:
    """The bot, connected to the server at this address."""
    program = ("-W", "error", "-u", str(BOT), "--server", f"{address}/mcp", "--pause", "0")
    return running(*arguments, settings={"USER": "ann", **settings}, program=program)


async def send(bot: Running, text: str, answer: str) -> None:
    """Type a line, and wait for a line that matches `answer`."""
    await bot.write(f"{text}\n")
    await bot.stdout.match(answer)


def events(audit: Path) -> list[tuple[str, str, str | None]]:
    """Operation, event and claimed actor of each audit line."""
    lines = [json.loads(line) for line in audit.read_text(encoding="utf-8").splitlines()]
    return [(it["operation"], it["event"], it.get("actorClaimed")) for it in lines]


async def test_bot_runs_a_show_from_go_live_to_go_offline(tmp_path: Path) -> None:
    """A declined and a confirmed go-live, chat in both directions, and a go-offline."""
    audit = tmp_path / "audit.jsonl"
    async with (
        open_world(over=Over.HTTP, TRAX_SANDBOX="1", TRAX_AUDIT_LOG=str(audit)) as world,
        bot(world.address) as it,
    ):
        await it.stdout.match(GREETING)
        await send(it, "!dance", f"> {GREETING.partition(': ')[2]}")
        await send(it, "!live", r"May be on screen: \"Host camera\", \"Intro clip\"")
        await send(it, "1", BUTTONS + "Nothing was sent.")
        assert world.trax.sent == []
        await it.write("!live\n")
        with anyio.fail_after(PATIENCE_SECONDS):
            while it.stdout.text.count(FORM) < 2:  # noqa: ASYNC110  it can only be asked
                await anyio.sleep(0.01)
        world.hand_clock.advance(PREVIEW_SECONDS)
        await send(it, "2", "go_live: on_air")
        world.hand_clock.advance(10)
        await it.stdout.match(r"  youtube 'Ada': 'We are on! Hello from Lisbon'")
        await it.write("!say Good evening\n")
        with anyio.fail_after(PATIENCE_SECONDS):
            while "POST /v1/studios/studio_42/chat/messages" not in world.trax.sent:  # noqa: ASYNC110  it can only be asked
                await anyio.sleep(0.01)
        world.hand_clock.advance(10)
        await it.stdout.match(r"  trax '.+': 'Good evening'")
        await send(it, "!off\n2", "go_offline: off_air")
        await it.write("!quit\n")
        assert await it.end() == 0
    assert (it.stdout.text.count(FORM), it.stderr.text) == (2, "")
    sent = [it for it in events(audit) if it[1] == "sent"]
    assert sent == [("go_live", "sent", "ann"), ("go_offline", "sent", "ann")]


async def test_bot_reports_a_refused_call_and_continues(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It accepts the next command."""
    typed = iter(["!say Good evening", "!dance", "!quit"])

    async def read_line(_prompt: str) -> str:
        return next(typed)

    monkeypatch.setattr(chat_ops_bot, "read_line", read_line)
    monkeypatch.setenv("TRAX_API_KEY", READONLY_KEY)
    async with open_world(over=Over.HTTP) as it:
        await chat_ops_bot.main(f"{it.address}/mcp", "studio_42", 0)
    greeting, refusal, help_text = capsys.readouterr().out.splitlines()
    assert greeting == GREETING
    assert 'The key lacks the scope "chat:send"' in refusal
    assert help_text == chat_ops_bot.HELP


async def test_bot_does_not_guess_a_studio(monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends with the server's message."""
    monkeypatch.setenv("TRAX_API_KEY", ANOTHER_ACCOUNT_KEY)
    message = 'No name matches "Friday Night Show".'
    async with open_world(over=Over.HTTP, TRAX_SANDBOX="1") as it:
        with pytest.RaisesGroup(
            pytest.RaisesExc(RuntimeError, match=message), flatten_subgroups=True
        ):
            await chat_ops_bot.main(f"{it.address}/mcp", "Friday Night Show", 0)
