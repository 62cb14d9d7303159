"""The Slack bot on a real server, with a stand-in for Slack whose buttons a test presses."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import slack_bot
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from tests.support.slack import open_slack
from tests.world.caller import PREVIEW_SECONDS
from tests.world.world import Over, open_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import pytest

    from tests.support.slack import Slack
    from tests.world.world import World

ANN, STRANGER = "ANN", "EVE"
QUESTION: Final = """\
Practice: Go live with "Friday Night Show"?
• Anyone can watch.
• Streams to: "Late crowd" (Twitch), "Main channel" (YouTube)
• Stays off: "Kick (trying out)" (Kick)
• May be on screen: "Host camera", "Intro clip\""""


@asynccontextmanager
async def open_bot(
    monkeypatch: pytest.MonkeyPatch, audit: str = ""
) -> AsyncIterator[tuple[World, Slack]]:
    """The bot between a server on practice studios and Slack."""

    def app(token: str) -> AsyncApp:
        return AsyncApp(client=AsyncWebClient(token, base_url=f"{slack.address}/api/"))

    monkeypatch.setattr(slack_bot, "AsyncApp", app)
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-none")
    monkeypatch.setenv("SLACK_APP_TOKEN", "xapp-none")
    async with (
        open_world(over=Over.HTTP, TRAX_SANDBOX="1", TRAX_AUDIT_LOG=audit) as world,
        open_slack() as slack,
    ):
        main = slack_bot.main(f"{world.address}/mcp", "studio_42", [ANN], 0)
        bot = asyncio.create_task(main)
        try:
            await slack.connected()
            yield world, slack
        finally:
            bot.cancel()
            await asyncio.wait([bot])


async def test_two_buttons_decide_whether_the_show_goes_live(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The first sends nothing, the second goes live; the audit log names who pressed."""
    audit = tmp_path / "audit.jsonl"
    async with open_bot(monkeypatch, str(audit)) as (world, slack):
        await slack.command("/live", ANN)
        asked = await slack.message(QUESTION, with_buttons=True)
        labels = [it["text"]["text"] for it in slack.buttons(asked)]
        assert labels == ["Don't go live", "Go live on YouTube and Twitch"]
        await slack.press("no", ANN, asked)
        await slack.message(f"{QUESTION}\nann: Don't go live")
        assert world.trax.sent == []

        await slack.command("/live", ANN)
        asked = await slack.message(QUESTION, with_buttons=True)
        world.hand_clock.advance(PREVIEW_SECONDS)
        await slack.press("yes", ANN, asked)
        await slack.message('Practice: "Friday Night Show" went live at 18:00:08 UTC')
        assert world.trax.sent == ["POST /v1/studios/studio_42/go-live"]

        await slack.command("/off", ANN)
        asked = await slack.message('Take "Friday Night Show" off air?', with_buttons=True)
        await slack.press("yes", ANN, asked)
        await slack.message('Practice: "Friday Night Show" is off air')
    lines = [json.loads(it) for it in audit.read_text(encoding="utf-8").splitlines()]
    sent = [(it["operation"], it["actorClaimed"]) for it in lines if it["event"] == "sent"]
    assert sent == [("go_live", "ann"), ("go_offline", "ann")]


async def test_strangers_can_neither_ask_nor_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A press of theirs leaves the question open."""
    async with open_bot(monkeypatch) as (world, slack):
        await slack.command("/live", STRANGER)
        await slack.command("/live", ANN)
        asked = await slack.message(QUESTION, with_buttons=True)
        world.hand_clock.advance(PREVIEW_SECONDS)
        await slack.press("yes", STRANGER, asked)
        assert slack.told == ["Only moderators can do that.", "Only moderators can answer."]
        assert world.trax.sent == []
        assert slack.buttons(asked)


async def test_a_question_that_does_not_fit_has_no_buttons(monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody could read whole can't be approved."""
    monkeypatch.setattr(slack_bot, "MAX_TEXT", 100)
    async with open_bot(monkeypatch) as (_, slack):
        await slack.command("/live", ANN)
        await slack.message("The question is too long for Slack. Nothing was sent.")
        assert len(slack.messages) == 1
