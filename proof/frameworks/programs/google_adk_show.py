"""A show in Google's Agent Development Kit, with a model of another maker."""

import asyncio

from given import (
    ARGUMENTS,
    COMMAND,
    HEADERS,
    KEY,
    MODEL,
    PROMPT,
    URL,
    VARIABLES,
)
from google.adk.agents import LlmAgent
from google.adk.models.lite_llm import LiteLlm
from google.adk.runners import InMemoryRunner
from google.adk.tools.mcp_tool import (
    McpToolset,
    StdioConnectionParams,
    StreamableHTTPConnectionParams,
)
from google.genai.types import Content, Part
from mcp import StdioServerParameters


async def main():
    """Run it."""
    started = StdioServerParameters(command=COMMAND, args=ARGUMENTS, env=VARIABLES)
    where = (
        StreamableHTTPConnectionParams(url=URL, headers=HEADERS)
        if URL
        else StdioConnectionParams(server_params=started)
    )
    toolset = McpToolset(connection_params=where)
    model = LiteLlm("openai/scripted", api_base=MODEL, api_key=KEY)
    agent = LlmAgent(name="host", model=model, tools=[toolset])
    runner = InMemoryRunner(agent, app_name="show")
    session = await runner.session_service.create_session(app_name="show", user_id="ann")
    asked = Content(role="user", parts=[Part(text=PROMPT)])
    async for _ in runner.run_async(user_id="ann", session_id=session.id, new_message=asked):
        pass
    await toolset.close()


asyncio.run(main())
