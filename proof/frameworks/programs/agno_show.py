"""A show in Agno."""

import asyncio

from agno.agent import Agent
from agno.models.openai import OpenAIChat
from agno.tools.mcp import MCPTools
from given import ARGUMENTS, COMMAND, HEADERS, KEY, MODEL, PROMPT, URL, VARIABLES
from mcp import StdioServerParameters


async def main():
    """Run it."""
    where = (
        {"transport": "streamable-http", "url": URL, "headers": HEADERS}
        if URL
        else {
            "server_params": StdioServerParameters(command=COMMAND, args=ARGUMENTS, env=VARIABLES)
        }
    )
    async with MCPTools(**where) as tools:
        model = OpenAIChat(id="scripted", base_url=MODEL, api_key=KEY)
        await Agent(model=model, tools=[tools], telemetry=False).arun(PROMPT)


asyncio.run(main())
