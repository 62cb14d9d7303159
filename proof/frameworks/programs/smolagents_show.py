"""A show in smolagents."""

from given import ARGUMENTS, COMMAND, HEADERS, KEY, MODEL, PROMPT, TURNS, URL, VARIABLES
from mcp import StdioServerParameters
from smolagents import MCPClient, OpenAIServerModel, ToolCallingAgent

server = (
    {"url": URL, "headers": HEADERS, "transport": "streamable-http"}
    if URL
    else StdioServerParameters(command=COMMAND, args=ARGUMENTS, env=VARIABLES)
)
with MCPClient(server, structured_output=False) as tools:
    model = OpenAIServerModel("scripted", api_base=MODEL, api_key=KEY)
    ToolCallingAgent(tools=tools, model=model, max_steps=TURNS).run(PROMPT)
