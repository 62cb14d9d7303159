"""A Discord bot: moderators of a channel take a studio live and off air, after an approval.

Start `TRAX_ASK=panel trax-mcp http --sandbox`, then this, with its token in DISCORD_TOKEN.
For your own studios: TRAX_API_KEY and `--studio`. The bot needs the message content intent.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Mapping
from typing import Any

import discord
import httpx2
from mcp import Client
from mcp.client.extension import advertise
from mcp.client.streamable_http import streamable_http_client
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID
from mcp.types import CallToolResult

PANEL = advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]})
ACTOR, TICKET = "live.traxstreaming/actor", "live.traxstreaming/ticket"
COMMANDS = {"!live": "go_live", "!off": "go_offline"}
PARTS = {"effects": "", "warnings": "Warning: ", "unknown": "Not known: "}
STYLES = {"yes": discord.ButtonStyle.danger, "no": discord.ButtonStyle.secondary}
MAX_TEXT, MAX_LABEL = 2000, 80  # Discord's limits
QUESTION_SECONDS = 300.0
NO_ANSWER = "Something failed. It may have been sent: check your show."
Person = discord.User | discord.Member


class Question(discord.ui.View):
    """One question in the channel. Its ticket answers for a person, so it stays in here."""

    def __init__(self, bot: "Bot", ticket: str, command: discord.Message) -> None:
        super().__init__(timeout=QUESTION_SECONDS)
        self.bot, self.ticket = bot, ticket
        self.message, self.title = command, command.content
        self.outcome: str | None = None
        self.one_at_a_time = asyncio.Lock()

    async def answer(self, person: Person | None = None, **arguments: str) -> dict[str, Any]:
        """Say that the question is shown, or what a person chose. Returns its state."""
        result = await self.bot.call("answer_approval", person, ticket=self.ticket, **arguments)
        return result.structured_content or {}

    async def show(self, state: Mapping[str, Any], person: Person | None = None) -> None:
        """Show the question, or its result after a person's press."""
        outcome = state["outcome"] or NO_ANSWER
        if state["phase"] == "open":
            self.title, text = state["yes"], question_text(state)
            if len(text) <= MAX_TEXT or state["isStop"]:  # which need not be read whole
                self.clear_items()
                self.add_item(Choice(self, state, "no"))
                self.add_item(Choice(self, state, "yes"))
                await self.message.edit(content=text[:MAX_TEXT], view=self, suppress=True)
                await self.answer()
                return
            outcome = "The question is too long for Discord. Nothing was sent."
        self.outcome = (f"{plain(person.name)} pressed. " if person else "") + plain(outcome)
        text = f"**{plain(self.title)}**\n{self.outcome}"
        await self.message.edit(content=text[:MAX_TEXT], view=None, suppress=True)

    async def press(self, person: Person, choice: str) -> str | None:
        """Take a press on a question. Returns what only this person is told."""
        async with self.one_at_a_time:
            if self.outcome is not None:
                return self.outcome
            state = await self.answer(person, choice=choice)
            if state["phase"] == "running":
                return "It's being sent. Press again to see the result."
            if state["phase"] == "open":
                return "Nobody reads that fast: this press doesn't count. Press again."
            await self.show(state, person)
            return None

    async def interaction_check(self, interaction: discord.Interaction) -> bool:
        """Refuse the presses of other people."""
        if not (is_moderator := self.bot.is_moderator(interaction.user)):
            await interaction.response.send_message("Only moderators can answer.", ephemeral=True)
        return is_moderator

    async def on_timeout(self) -> None:
        """Show that the question has ended."""
        async with self.one_at_a_time:
            if self.outcome is None:
                await self.show(await self.answer())

    async def on_error(
        self, interaction: discord.Interaction, error: Exception, item: discord.ui.Item[Any]
    ) -> None:
        """Tell the presser, and log it."""
        await super().on_error(interaction, error, item)
        await interaction.followup.send(NO_ANSWER, ephemeral=True)


class Choice(discord.ui.Button[Question]):
    """One choice of a question."""

    def __init__(self, asked: Question, state: Mapping[str, Any], name: str) -> None:
        self.asked, self.choice = asked, state[name]
        is_long = len(self.choice) > MAX_LABEL  # the message has the whole sentence
        label = f"{self.choice[: MAX_LABEL - 1]}…" if is_long else self.choice
        super().__init__(label=label, style=STYLES[name])

    async def callback(self, interaction: discord.Interaction) -> None:
        """Pass the press on."""
        await interaction.response.defer()  # Discord waits three seconds only
        if note := await self.asked.press(interaction.user, self.choice):
            await interaction.followup.send(note[:MAX_TEXT], ephemeral=True)


class Bot(discord.Client):
    """Runs one studio for the moderators of one channel."""

    def __init__(self, trax: Client, studio: str, channel: int, moderators: set[int]) -> None:
        super().__init__(
            intents=discord.Intents(guilds=True, guild_messages=True, message_content=True),
            allowed_mentions=discord.AllowedMentions.none(),
        )
        self.trax, self.studio, self.channel, self.moderators = trax, studio, channel, moderators
        self.asked: dict[str, Question] = {}

    def is_moderator(self, person: Person) -> bool:
        """Whether a person or one of their roles is a moderator."""
        roles = person.roles if isinstance(person, discord.Member) else []
        return not self.moderators.isdisjoint({person.id, *(it.id for it in roles)})

    async def on_message(self, message: discord.Message) -> None:
        """Run the commands of moderators in the channel."""
        tool = COMMANDS.get(message.content)
        if tool and message.channel.id == self.channel and self.is_moderator(message.author):
            try:
                await self.ask(tool, message)
            except Exception:
                self.asked.pop(tool, None)
                await message.reply(NO_ANSWER)
                raise

    async def ask(self, tool: str, command: discord.Message) -> None:
        """Call a tool, and post its question. A stop can always be asked about again."""
        earlier = self.asked.get(tool)
        if earlier and not earlier.outcome and tool != "go_offline":
            await command.reply(f"It's asked already: {earlier.message.jump_url}")
            return
        result = await self.call(tool, command.author, studioId=self.studio)
        if earlier and earlier.outcome and TICKET not in (result.meta or {}):
            # It may be the result of the earlier question, which the server tells once.
            result = await self.call(tool, command.author, studioId=self.studio)
        ticket, data = (result.meta or {}).get(TICKET), result.structured_content or {}
        if not ticket:
            await command.reply(plain(result_text(tool, data))[:MAX_TEXT])
        elif (latest := self.asked.get(tool)) is None or latest.ticket != ticket:
            question = self.asked[tool] = Question(self, ticket, command)
            text = question_text(data["preview"])[:MAX_TEXT]
            question.message = await command.reply(text, suppress_embeds=True)
            await question.show(await question.answer())

    async def call(self, tool: str, person: Person | None, **arguments: str) -> CallToolResult:
        """Call a tool. The server's audit log names the person."""
        meta: Any = {ACTOR: person.name} if person else {}
        return await self.trax.call_tool(tool, dict(arguments), meta=meta)


def question_text(question: Mapping[str, Any]) -> str:
    """The act and what a person must know of it."""
    lines = question.get("lines") or [
        question["question"],
        *(f"{title}{it}" for part, title in PARTS.items() for it in question[part]),
    ]
    act, *facts = map(plain, lines)
    return "\n".join([f"**{act}**", *(f"- {it}" for it in facts)])


def result_text(tool: str, data: Mapping[str, Any]) -> str:
    """The result of a call. Its own text is for a model, and may hold a confirmation."""
    if "error" in data:  # as of a stop after which the show goes on
        return str(data["summary"])
    if "observed" in data:
        return f"{tool}: {data['observed']['state']}"
    return str(data["message"])


def plain(text: str) -> str:
    """Escape Markdown. The server itself escapes what could mention somebody or hide a link."""
    return discord.utils.escape_markdown(text, ignore_links=False)


async def main(server: str, studio: str, channel: int, moderators: list[int]) -> None:
    """Connect to both, and run the bot."""
    token = os.environ.get("DISCORD_TOKEN") or sys.exit("DISCORD_TOKEN isn't set.")
    key = os.environ.get("TRAX_API_KEY")
    async with (
        httpx2.AsyncClient(headers={"X-API-Key": key} if key else {}, timeout=None) as http,
        Client(
            streamable_http_client(server, http_client=http), extensions=[PANEL], cache=None
        ) as trax,
        Bot(trax, studio, channel, set(moderators)) as bot,
    ):
        await bot.start(token)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", default="http://127.0.0.1:8765/mcp")
    parser.add_argument("--studio", default="studio_42", help="its id")
    parser.add_argument("--channel", type=int, required=True, help="its id")
    parser.add_argument("--moderators", type=int, nargs="+", required=True, help="users or roles")
    asyncio.run(main(**vars(parser.parse_args())))
