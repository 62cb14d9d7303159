"""A small chat-ops bot: tells what viewers say, and runs a studio on a moderator's orders.

Start `trax-mcp http --sandbox`, then this. For your own studios: TRAX_API_KEY and `--studio`.
"""

import argparse
import json
import os
import sys
from typing import Any

import anyio
import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult

ACTOR: Any = {"live.traxstreaming/actor": os.environ.get("USER", "a moderator")}
BEGIN, END = "--- For the user ---", "--- End ---"
READING_SECONDS = 5.0
"""Nobody can have read a preview sooner. The server refuses an earlier answer with `too_soon`."""
HELP = "!live, !off, !say WORDS or !quit"


class Bot:
    """Runs one studio for the moderator at the terminal."""

    def __init__(self, trax: Client, studio_id: str, pause: float = READING_SECONDS) -> None:
        self.trax = trax
        self.pause = pause
        self.studio = {"studioId": studio_id}
        self.chat = f"trax://studios/{studio_id}/chat"

    async def follow_chat(self) -> None:
        """Print new chat messages; `!r` escapes control characters."""
        cursor = (await self.read(self.chat))["cursor"]
        async with self.trax.listen(resource_subscriptions=[self.chat]) as changes:
            async for _ in changes:
                chat = await self.read(f"{self.chat}?after={cursor}")
                for it in chat["messages"]:
                    print(f"  {it['platform']} {it['authorDisplayName']!r}: {it['text']!r}")
                if chat["missed"]:
                    print("  (some messages may be missing)")
                cursor = chat["cursor"]
        raise RuntimeError("The server has stopped.")

    async def read_commands(self) -> None:
        """Run the typed commands, until `!quit` or the end of input."""
        while (command := await read_line("> ")) != "!quit":
            match command.split(maxsplit=1):
                case ["!live"]:
                    await self.call("go_live")
                case ["!off"]:
                    await self.call("go_offline")
                case ["!say", text]:
                    await self.call("send_chat_message", text=text)
                case _:
                    print(HELP)

    async def call(self, tool: str, **arguments: object) -> None:
        """Call a tool; if it needs approval, print what a person is to see and ask for it."""
        arguments |= self.studio
        result = await self.trax.call_tool(tool, arguments, meta=ACTOR)
        while confirmation := (result.structured_content or {}).get("confirmation"):
            print(text_of(result).partition(BEGIN)[2].partition(END)[0].strip())
            if tool != "go_offline":  # going offline needs no time to read
                await anyio.sleep(self.pause)
            shown = (result.structured_content or {})["preview"]
            if await read_line(f"[1] {shown['no']}   [2] {shown['yes']}: ") != "2":
                print("Nothing was sent.")
                return
            arguments |= {"confirm": True, "confirmation": confirmation}
            result = await self.trax.call_tool(tool, arguments, meta=ACTOR)
        observed = (result.structured_content or {}).get("observed")
        if observed is None or result.is_error:  # so is going offline while the show goes on
            print(text_of(result))
        else:
            print(f"{tool}: {observed['state']}")

    async def read(self, uri: str) -> Any:  # noqa: ANN401  JSON
        """Read a resource."""
        contents: Any = (await self.trax.read_resource(uri)).contents
        return json.loads(contents[0].text)


def text_of(result: CallToolResult) -> str:
    """The text of a result."""
    return "\n".join(it.text for it in result.content if it.type == "text")


async def read_line(prompt: str) -> str:
    """Read a line; `!quit` at the end of input."""
    print(prompt, end="", flush=True)
    line = await anyio.to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True)
    return line.strip() if line else "!quit"


async def main(server: str, studio: str, pause: float) -> None:
    """Connect, find the studio and run the bot."""
    key = os.environ.get("TRAX_API_KEY")
    async with (
        httpx2.AsyncClient(headers={"X-API-Key": key} if key else {}, timeout=None) as http,
        Client(streamable_http_client(server, http_client=http), cache=None) as trax,
    ):
        result = await trax.call_tool("find_studio", {"query": studio})
        found = result.structured_content or {}
        if (likely := found.get("likely")) is None:
            raise RuntimeError(text_of(result))
        print(f"{next(it['name'] for it in found['matches'] if it['id'] == likely)!r}: {HELP}")
        bot = Bot(trax, likely, pause)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(bot.follow_chat)
            await bot.read_commands()
            tasks.cancel_scope.cancel()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", default="http://127.0.0.1:8765/mcp")
    parser.add_argument("--studio", default="Friday Night Show")
    parser.add_argument("--pause", type=float, default=READING_SECONDS, help="seconds to read")
    try:
        anyio.run(main, *vars(parser.parse_args()).values())
    except* (MCPError, RuntimeError, httpx2.TransportError) as problem:
        reason: BaseException = problem
        while isinstance(reason, BaseExceptionGroup):
            reason = reason.exceptions[0]
        print(f"\nCan't go on: {reason}", file=sys.stderr, flush=True)
        os._exit(1)  # a thread may still wait for input
