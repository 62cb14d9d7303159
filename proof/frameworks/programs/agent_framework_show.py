"""A show in Microsoft's Agent Framework."""

import asyncio

from agent_framework import Agent, MCPStdioTool, MCPStreamableHTTPTool
from agent_framework.openai import OpenAIChatCompletionClient
from given import ARGUMENTS, COMMAND, HEADERS, KEY, MODEL, PROMPT, URL, VARIABLES


async def main():
    """Run it."""
    server = (
        MCPStreamableHTTPTool("trax", URL, static_headers=HEADERS)
        if URL
        else MCPStdioTool("trax", COMMAND, args=ARGUMENTS, env=VARIABLES)
    )
    client = OpenAIChatCompletionClient(model="scripted", base_url=MODEL, api_key=KEY)
    async with server, Agent(client=client, name="Host", tools=server) as agent:
        await agent.run(PROMPT)


asyncio.run(main())
