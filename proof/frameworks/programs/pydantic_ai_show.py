"""A show in pydantic-ai."""

import asyncio

from fastmcp.client.elicitation import ElicitResult
from fastmcp.client.transports import StdioTransport, StreamableHttpTransport
from given import ARGUMENTS, COMMAND, FORM, HEADERS, KEY, MODEL, PROMPT, URL, VARIABLES, approval
from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider


async def answer(_message, _type, params, _context):
    """What the person chose."""
    return ElicitResult(action="accept", content=await approval(params.requested_schema))


async def main():
    """Run it."""
    transport = (
        StreamableHttpTransport(URL, headers=HEADERS)
        if URL
        else StdioTransport(COMMAND, ARGUMENTS, env=VARIABLES)
    )
    toolset = MCPToolset(transport, elicitation_handler=answer if FORM else None)
    model = OpenAIChatModel("scripted", provider=OpenAIProvider(base_url=MODEL, api_key=KEY))
    async with Agent(model, toolsets=[toolset]) as agent:
        await agent.run(PROMPT)


asyncio.run(main())
