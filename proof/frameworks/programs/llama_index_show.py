"""A show in LlamaIndex, whose client opens a session for each call."""

import asyncio

from given import ARGUMENTS, COMMAND, HEADERS, KEY, MODEL, PROMPT, TURNS, URL, VARIABLES
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.llms.openai_like import OpenAILike
from llama_index.tools.mcp import BasicMCPClient, McpToolSpec


async def main():
    """Run it."""
    client = (
        BasicMCPClient(URL, headers=HEADERS)
        if URL
        else BasicMCPClient(COMMAND, args=ARGUMENTS, env=VARIABLES)
    )
    tools = await McpToolSpec(client=client).to_tool_list_async()
    model = OpenAILike(
        model="scripted",
        api_base=MODEL,
        api_key=KEY,
        is_chat_model=True,
        is_function_calling_model=True,
    )
    agent = FunctionAgent(tools=tools, llm=model, streaming=False)
    await agent.run(PROMPT, max_iterations=TURNS)


asyncio.run(main())
