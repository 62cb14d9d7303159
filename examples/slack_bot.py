"""A Slack bot: moderators take a show live with /live and off air with /off, with two buttons.

It needs slack-bolt and aiohttp, which trax-mcp itself doesn't use. Start `trax-mcp http --sandbox`,
then this, with SLACK_BOT_TOKEN and SLACK_APP_TOKEN. For your own studios: TRAX_API_KEY, `--studio`.
"""

import argparse
import asyncio
import os
import re
from typing import Any

import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

TOOLS = {"/live": "go_live", "/off": "go_offline"}
READING_SECONDS = 5.0
"""Nobody can have read a question sooner. The server refuses an earlier answer with `too_soon`."""
MAX_TEXT, MAX_LABEL = 2800, 75  # Slack's are 3000 and 75, and who pressed is added
NO_ANSWER = "Something failed. It may have been sent: check your show."
Payload = dict[str, Any]


class Bot:
    """Runs one studio for the moderators of a Slack workspace."""

    def __init__(
        self, slack: AsyncApp, trax: Client, studio: str, moderators: set[str], pause: float
    ) -> None:
        self.slack, self.trax, self.studio = slack.client, trax, studio
        self.moderators, self.pause = moderators, pause
        self.asked: dict[str, tuple[str, str]] = {}
        """The tool and the confirmation of each open question. Slack never sees them."""
        slack.command(re.compile("/(live|off)"))(self.on_command)
        slack.action(re.compile("yes|no"))(self.on_press)

    async def on_command(self, ack: AsyncAck, command: Payload) -> None:
        """Ask about a moderator's command."""
        if command["user_id"] not in self.moderators:
            await ack("Only moderators can do that.")
            return
        await ack()  # Slack waits three seconds only
        await self.call(TOOLS[command["command"]], command["channel_id"], command["user_name"])

    async def call(self, tool: str, channel: str, person: str, **approval: object) -> None:
        """Call the tool, and post its question or its result."""
        meta: Any = {"live.traxstreaming/actor": person}
        arguments = {"studioId": self.studio, **approval}
        try:
            data = (await self.trax.call_tool(tool, arguments, meta=meta)).structured_content or {}
        except (MCPError, httpx2.TransportError):
            data = {"summary": NO_ANSWER}
        if "confirmation" not in data:
            await self.say(channel, escaped(data["summary"]))
            return
        text = question_text(data["preview"])
        if len(text) > MAX_TEXT and tool != "go_offline":  # which need not be read whole
            await self.say(channel, "The question is too long for Slack. Nothing was sent.")
            return
        posted = await self.say(channel, text)
        if tool != "go_offline":
            await asyncio.sleep(self.pause)
        self.asked[posted] = tool, data["confirmation"]
        await self.show(channel, posted, text[:MAX_TEXT], buttons(data["preview"]))

    async def on_press(self, ack: AsyncAck, body: Payload, action: Payload) -> None:
        """Take the first press of a moderator, and send it on."""
        await ack()
        channel, person, message = body["channel"]["id"], body["user"], body["message"]
        if person["id"] not in self.moderators:
            note = "Only moderators can answer."
            await self.slack.chat_postEphemeral(channel=channel, user=person["id"], text=note)
        elif asked := self.asked.pop(message["ts"], None):
            pressed = escaped(f"{person['username']}: {action['text']['text']}")
            await self.show(channel, message["ts"], f"{message['text']}\n{pressed}")
            if action["action_id"] == "yes":
                tool, confirmation = asked
                approval = {"confirm": True, "confirmation": confirmation}
                await self.call(tool, channel, person["username"], **approval)

    async def say(self, channel: str, text: str) -> str:
        """Post a message. Returns its time, by which Slack knows it."""
        posted = await self.slack.chat_postMessage(channel=channel, text=text[:MAX_TEXT])
        return str(posted["ts"])

    async def show(self, channel: str, posted: str, text: str, *more: Payload) -> None:
        """Show another text in place of a message."""
        section = {"type": "mrkdwn", "text": text, "verbatim": True}
        blocks = [{"type": "section", "text": section}, *more]
        await self.slack.chat_update(channel=channel, ts=posted, text=text, blocks=blocks)


def question_text(asked: Payload) -> str:
    """The act, and all that a person must know of it."""
    warnings = [f"Warning: {it}" for it in asked["warnings"]]
    unknown = [f"Not known: {it}" for it in asked["unknown"]]
    return escaped("\n• ".join([asked["question"], *asked["effects"], *warnings, *unknown]))


def buttons(asked: Payload) -> Payload:
    """The two choices, the no first."""
    both = [
        {
            "type": "button",
            "action_id": it,
            "text": {"type": "plain_text", "text": asked[it][:MAX_LABEL]},
        }
        for it in ("no", "yes")
    ]
    return {"type": "actions", "elements": both}


def escaped(text: str) -> str:
    """A text in which nothing is a link or mentions somebody."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


async def main(server: str, studio: str, moderators: list[str], pause: float) -> None:
    """Connect to both, and run the bot."""
    key = os.environ.get("TRAX_API_KEY")
    slack = AsyncApp(token=os.environ["SLACK_BOT_TOKEN"])
    async with (
        httpx2.AsyncClient(headers={"X-API-Key": key} if key else {}, timeout=None) as http,
        Client(streamable_http_client(server, http_client=http), cache=None) as trax,
    ):
        Bot(slack, trax, studio, set(moderators), pause)
        handler: Any = AsyncSocketModeHandler(slack, os.environ["SLACK_APP_TOKEN"])
        try:
            await handler.start_async()
        finally:
            await handler.close_async()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", default="http://127.0.0.1:8765/mcp")
    parser.add_argument("--studio", default="studio_42", help="its id")
    parser.add_argument("--moderators", nargs="+", required=True, help="their ids in Slack")
    parser.add_argument("--pause", type=float, default=READING_SECONDS, help="seconds to read")
    asyncio.run(main(**vars(parser.parse_args())))
