"""The Discord bot on a real server: Discord's messages are played, its own types build the rest."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING
from unittest.mock import AsyncMock

from discord_bot import PANEL, Bot, Choice
from mcp import Client

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.product.sandbox import Sandbox
    from tests.support.product.server import Product
    from tests.support.product.shared_clock import HandClock

CHANNEL = 200
TITLE = "Go live on YouTube and Twitch"


def said(author: int, text: str) -> AsyncMock:
    """A message in the channel."""
    person = SimpleNamespace(id=author, name=f"person{author}")
    return AsyncMock(content=text, author=person, channel=SimpleNamespace(id=CHANNEL))


async def test_a_press_of_a_moderator_takes_the_studio_live(
    sandbox: Sandbox, clock: HandClock, open_product: Callable[..., Product]
) -> None:
    """Others can neither ask nor answer, and a press before anybody can have read is refused."""
    server = open_product(TRAX_ASK="panel").server()
    async with (
        Client(server, extensions=[PANEL], cache=None) as client,
        Bot(client, "studio_42", CHANNEL, {1}) as bot,
    ):
        for message in (said(2, "!live"), said(1, "is it !live already?")):
            await bot.on_message(message)
            message.reply.assert_not_called()
        command = said(1, "!live")
        await bot.on_message(command)
        assert command.reply.call_args.args[0].startswith("**Go live with ")
        shown = command.reply.return_value.edit
        no, yes = shown.call_args.kwargs["view"].children
        assert isinstance(yes, Choice)
        assert (yes.label, no.label) == (TITLE, "Don't go live")
        stranger = AsyncMock(user=said(2, "").author)
        assert not await yes.asked.interaction_check(stranger)
        press = AsyncMock(user=command.author)
        await yes.callback(press)
        assert press.followup.send.call_args.args[0].startswith("Nobody reads that fast")
        assert sandbox.sent == []
        clock.advance(1)
        await yes.callback(press)
        assert sandbox.sent == ["POST /v1/studios/studio_42/go-live"]
        content = (
            f"**{TITLE}**\nperson1 pressed. You're live, since 18:00:04 UTC."
            " TRaX can't tell whether the picture arrives, so check the platforms."
        )
        shown.assert_called_with(content=content, view=None, suppress=True)
