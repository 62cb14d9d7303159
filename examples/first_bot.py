"""The smallest bot: finds a show, and asks a person before it takes the show live.

Start `trax-mcp http --sandbox`, then this. For your own studios: TRAX_API_KEY.
"""

import asyncio
import os
import sys
from typing import Any

import httpx2
from mcp import Client
from mcp.client.context import ClientRequestContext
from mcp.client.streamable_http import streamable_http_client
from mcp.types import ElicitRequestFormParams, ElicitRequestParams, ElicitResult

META: Any = {"live.traxstreaming/actor": os.environ.get("USER", "a moderator")}


async def ask(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
    """Show a question of the server to the person, and send back what they choose."""
    assert isinstance(params, ElicitRequestFormParams)
    no, yes = params.requested_schema["properties"]["choice"]["enum"]
    print(params.message)
    typed = await asyncio.to_thread(input, f"[1] {no}   [2] {yes}: ")
    return ElicitResult(action="accept", content={"choice": yes if typed == "2" else no})


async def main(server: str) -> None:
    """Find the show, and take it live if the person approves."""
    key = os.environ.get("TRAX_API_KEY")
    async with (
        httpx2.AsyncClient(headers={"X-API-Key": key} if key else {}, timeout=None) as http,
        Client(streamable_http_client(server, http_client=http), elicitation_callback=ask) as trax,
    ):
        found = await trax.call_tool("find_studio", {"query": "friday night show"})
        data = found.structured_content or {}
        print(data["summary"])
        result = await trax.call_tool("go_live", {"studioId": data["likely"]}, meta=META)
        print((result.structured_content or {})["summary"])


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8765/mcp"))
