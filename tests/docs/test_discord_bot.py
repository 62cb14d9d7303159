"""The Discord bot with three moderators: real discord.py types, and a real server on the sandbox.

Discord is played by `fake_discord`. The clock moves only when a test advances it.
"""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import anyio
import pytest
from discord_bot import PANEL, TICKET, Bot
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.support.fake_discord import (
    CHANNEL,
    MODERATOR_ROLE,
    OTHER_CHANNEL,
    Button,
    FakeDiscord,
    Person,
    Post,
)
from tests.support.product.server import Product
from tests.support.product.shared_clock import settled
from tests.support.server_process import PATIENCE_SECONDS, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    import mcp_types as types

    from tests.support.product.sandbox import Sandbox
    from tests.support.product.shared_clock import HandClock

    OpenShow = Callable[[], AbstractAsyncContextManager["Show"]]


ANN: Final = Person(1, "ann", roles=(MODERATOR_ROLE,))
BEN: Final = Person(2, "ben", roles=(MODERATOR_ROLE,))
CLEO: Final = Person(3, "cleo")
"""A moderator by her own id."""
OTHER_PERSON: Final = Person(4, "sid", roles=(999,))
MODERATORS: Final = {MODERATOR_ROLE, CLEO.id}

GO_LIVE: Final = "POST /v1/studios/studio_42/go-live"
GO_OFFLINE: Final = "POST /v1/studios/studio_42/go-offline"
TITLE: Final = 'Go live on YouTube and Twitch: "Friday Night Show"'
QUESTION: Final = f"""\
**{TITLE}**
- Starts a broadcast of "Friday Night Show" that anyone can watch.
- Goes out on "Main channel" (YouTube).
- Goes out on "Late crowd" (Twitch).
- Switched off: "Kick (trying out)" (Kick).
- Can be on screen: "Host camera" (webcam).
- Can be on screen: "Intro clip" (media)."""
ON_AIR: Final = "pressed. Done. It is on air."


@dataclass
class Show:
    """A bot in a channel, and the studio that it runs."""

    bot: Bot
    trax: Client
    sandbox: Sandbox
    clock: HandClock
    audit: Path
    discord: FakeDiscord = field(default_factory=FakeDiscord)

    async def say(self, person: Person, text: str) -> Post:
        """Somebody writes; returns the bot's latest message."""
        self.discord.say(person, text)
        await settled()
        return self.discord.posts[-1]

    async def press(self, person: Person, button: Button) -> None:
        """Somebody presses a button."""
        self.discord.press(person, button)
        await settled()

    async def asked(self, command: str = "!live") -> Post:
        """Ann gives a command, and everybody has had time to read the question."""
        post = await self.say(ANN, command)
        self.clock.advance(1)
        return post

    def whispers(self) -> list[tuple[str, str]]:
        """The texts that single people were told since the last time."""
        told = list(self.discord.whispers)
        self.discord.whispers.clear()
        return told

    def logged(self, event: str) -> list[tuple[str, str | None]]:
        """Operation and claimed actor of each such event in the audit log."""
        lines = [json.loads(line) for line in self.audit.read_text(encoding="utf-8").splitlines()]
        return [(it["operation"], it.get("actorClaimed")) for it in lines if it["event"] == event]


@pytest.fixture
def show(
    sandbox: Sandbox, clock: HandClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> OpenShow:
    """Opens a server that must ask a person, and a bot of it."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Show]:
        audit = tmp_path / "audit.jsonl"
        settings = {"TRAX_CONFIRM": "human", "TRAX_ASK": "panel", "TRAX_AUDIT_LOG": str(audit)}
        server = Product(sandbox, clock, settings).server()
        discord = FakeDiscord()
        monkeypatch.setattr(aiohttp, "ClientSession", lambda **_: discord)
        async with (
            Client(server, extensions=[PANEL], cache=None) as client,
            Bot(client, "studio_42", CHANNEL, MODERATORS) as bot,
        ):
            await discord.connect(bot)
            yield Show(bot, client, sandbox, clock, audit, discord)

    return opened


async def test_a_press_of_a_moderator_takes_the_studio_live(show: OpenShow) -> None:
    async with show() as it:
        post = await it.asked()
        assert post.content == QUESTION
        yes, no = post.buttons
        assert (yes.label, no.label) == (TITLE, "Do not")
        assert it.sandbox.sent == []
        await it.press(BEN, yes)
        assert it.sandbox.sent == [GO_LIVE]
        assert (post.content, post.buttons) == (f"**{TITLE}**\nben {ON_AIR}", [])
        assert it.whispers() == []
        assert it.logged("asked") == [("go_live", "ann")]
        assert it.logged("sent") == [("go_live", "ben")]


async def test_a_no_sends_nothing(show: OpenShow) -> None:
    async with show() as it:
        post = await it.asked()
        await it.press(BEN, post.buttons[1])
        assert post.content == f"**{TITLE}**\nben pressed. You said no. Nothing was sent."
        assert post.buttons == []
        again = await it.say(BEN, "!live")
        assert again.content.startswith("Nothing was sent: the person said no, and is not asked")
        assert (await it.say(CLEO, "!live")).content == QUESTION
        assert it.sandbox.sent == []


async def test_other_people_can_neither_ask_nor_answer(show: OpenShow) -> None:
    async with show() as it:
        it.discord.say(OTHER_PERSON, "!live")
        it.discord.say(ANN, "!live", OTHER_CHANNEL)
        it.discord.say(ANN, "is it !live already?")
        await settled()
        assert it.discord.posts == []
        post = await it.asked()
        for button in post.buttons:
            await it.press(OTHER_PERSON, button)
        assert it.whispers() == [("sid", "Only moderators can answer.")] * 2
        assert post.content == QUESTION
        assert it.sandbox.sent == []
        await it.press(BEN, post.buttons[0])
        assert it.sandbox.sent == [GO_LIVE]


async def test_nothing_that_is_posted_or_logged_can_answer_a_question(
    show: OpenShow, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """No ticket, and no confirmation of a stop, in any request to Discord or log line."""
    caplog.set_level("DEBUG", logger="discord")
    results: list[types.CallToolResult] = []
    call_tool = Client.call_tool

    async def record(*arguments: Any, **options: Any) -> types.CallToolResult:  # noqa: ANN401
        results.append(await call_tool(*arguments, **options))
        return results[-1]

    monkeypatch.setattr(Client, "call_tool", record)
    async with show() as it:
        post = await it.asked()
        it.sandbox.change("studio_42", name="Another Night Show")
        await it.press(ANN, post.buttons[0])
        it.clock.advance(1)
        await it.press(BEN, post.buttons[0])
        post = await it.say(ANN, "!off")
        await it.press(OTHER_PERSON, post.buttons[0])
        await it.press(CLEO, post.buttons[0])
        assert it.sandbox.sent == [GO_LIVE, GO_OFFLINE]
        metas = [result.meta or {} for result in results]
        tickets = {str(it[TICKET]) for it in metas if TICKET in it}
        data = [result.structured_content or {} for result in results]
        confirmations = {str(it["confirmation"]) for it in data if "confirmation" in it}
        assert (len(tickets), len(confirmations)) == (2, 1)
        public = "\n".join((*it.discord.bodies, caplog.text))
        assert "Go live" in public
        assert [it for it in tickets | confirmations if it in public] == []


async def test_the_bot_takes_a_studio_live_and_off_air_over_http(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Against `trax-mcp http`, in real time: Ann presses until the question was open a second."""
    discord = FakeDiscord()
    monkeypatch.setattr(aiohttp, "ClientSession", lambda **_: discord)
    settings = {"TRAX_CONFIRM": "human"}
    async with running("http", "--sandbox", "--port", "0", settings=settings) as server:
        transport = streamable_http_client(f"{await server.address()}/mcp")
        async with (
            Client(transport, extensions=[PANEL], cache=None) as client,
            Bot(client, "studio_42", CHANNEL, MODERATORS) as bot,
        ):
            await discord.connect(bot)
            discord.say(ANN, "!live")
            await discord.until(lambda: discord.posts and discord.posts[0].buttons)
            live = discord.posts[0]
            with anyio.fail_after(PATIENCE_SECONDS):
                while live.buttons:
                    discord.whispers.clear()
                    discord.press(ANN, live.buttons[0])
                    await discord.until(lambda: discord.whispers or not live.buttons)
            assert live.content.endswith(f"ann {ON_AIR}")
            discord.say(BEN, "!off")
            await discord.until(lambda: len(discord.posts) > 1 and discord.posts[1].buttons)
            off = discord.posts[1]
            discord.press(CLEO, off.buttons[0])
            await discord.until(lambda: not off.buttons)
            assert off.content.endswith("cleo pressed. Done. It is off air.")
