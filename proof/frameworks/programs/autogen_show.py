"""A show in AutoGen, with its workbench, which keeps one session."""

import asyncio

from autogen_agentchat.agents import AssistantAgent
from autogen_core.models import ModelFamily
from autogen_ext.models.openai import OpenAIChatCompletionClient
from autogen_ext.tools.mcp import McpWorkbench, StdioServerParams, StreamableHttpServerParams
from given import ARGUMENTS, COMMAND, HEADERS, KEY, MODEL, PROMPT, TURNS, URL, VARIABLES


async def main():
    """Run it."""
    server = (
        StreamableHttpServerParams(url=URL, headers=HEADERS)
        if URL
        else StdioServerParams(command=COMMAND, args=ARGUMENTS, env=VARIABLES)
    )
    client = OpenAIChatCompletionClient(
        model="scripted",
        base_url=MODEL,
        api_key=KEY,
        model_info={
            "family": ModelFamily.UNKNOWN,
            "function_calling": True,
            "json_output": False,
            "structured_output": False,
            "vision": False,
        },
    )
    async with McpWorkbench(server) as workbench:
        agent = AssistantAgent("host", client, workbench=workbench, max_tool_iterations=TURNS)
        await agent.run(task=PROMPT)


asyncio.run(main())
