"""A show in the OpenAI Agents SDK."""

import asyncio

from agents import (
    Agent,
    OpenAIChatCompletionsModel,
    Runner,
    set_default_openai_api,
    set_tracing_disabled,
)
from agents.mcp import MCPServerStdio, MCPServerStreamableHttp
from given import (
    ARGUMENTS,
    COMMAND,
    HEADERS,
    KEY,
    MODEL,
    PROMPT,
    STRICT,
    TURNS,
    URL,
    VARIABLES,
)
from openai import AsyncOpenAI


async def main():
    """Run it."""
    set_tracing_disabled(disabled=True)
    set_default_openai_api("chat_completions")
    started = {"command": COMMAND, "args": ARGUMENTS, "env": VARIABLES}
    server = (
        MCPServerStreamableHttp({"url": URL, "headers": HEADERS})
        if URL
        else MCPServerStdio(started)
    )
    model = OpenAIChatCompletionsModel(
        "scripted", openai_client=AsyncOpenAI(base_url=MODEL, api_key=KEY)
    )
    async with server:
        agent = Agent(
            name="Host",
            model=model,
            mcp_servers=[server],
            mcp_config={"convert_schemas_to_strict": STRICT},
        )
        await Runner.run(agent, PROMPT, max_turns=TURNS)


asyncio.run(main())
