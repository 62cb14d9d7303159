"""A show in Strands Agents."""

from given import (
    ARGUMENTS,
    COMMAND,
    FORM,
    HEADERS,
    KEY,
    MODEL,
    PROMPT,
    URL,
    VARIABLES,
    approval,
)
from mcp import StdioServerParameters, stdio_client
from mcp.types import ElicitResult
from strands import Agent
from strands.models.openai import OpenAIModel
from strands.tools.mcp import MCPClient


async def answer(_context, params):
    """What the person chose."""
    schema = params.requested_schema
    return ElicitResult(action="accept", content=await approval(schema))


started = StdioServerParameters(command=COMMAND, args=ARGUMENTS, env=VARIABLES)
where = {"url": URL, "headers": HEADERS} if URL else {}
client = MCPClient(
    None if URL else lambda: stdio_client(started),
    elicitation_callback=answer if FORM else None,
    **where,
)
with client:
    model = OpenAIModel(client_args={"base_url": MODEL, "api_key": KEY}, model_id="scripted")
    Agent(model=model, tools=client.list_tools_sync())(PROMPT)
