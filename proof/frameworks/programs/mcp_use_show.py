"""A show in mcp-use, which makes tools of resources and prompts."""

import asyncio

from given import ARGUMENTS, COMMAND, HEADERS, KEY, MODEL, PROMPT, TURNS, URL, VARIABLES
from langchain_openai import ChatOpenAI
from mcp_use import MCPAgent, MCPClient


async def main():
    """Run it."""
    trax = (
        {"url": URL, "headers": HEADERS}
        if URL
        else {"command": COMMAND, "args": ARGUMENTS, "env": VARIABLES}
    )
    client = MCPClient.from_dict({"mcpServers": {"trax": trax}})
    model = ChatOpenAI(model="scripted", base_url=MODEL, api_key=KEY)
    await MCPAgent(llm=model, client=client, max_steps=TURNS).run(PROMPT)
    await client.close_all_sessions()


asyncio.run(main())
