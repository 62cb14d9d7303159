"""The minimal MCP server: the SDK's low-level server with one trivial tool, over stdio.

The baseline for start and memory.
"""

from typing import Any

import anyio
import mcp_types as types
from mcp.server import Server, ServerRequestContext
from mcp.server.stdio import stdio_server

_SCHEMA = {"type": "object", "properties": {}}


async def list_tools(
    _ctx: ServerRequestContext[Any, Any], _params: object
) -> types.ListToolsResult:
    """List the one tool."""
    tool = types.Tool(name="greet", description="Say hello.", input_schema=_SCHEMA)
    return types.ListToolsResult(tools=[tool])


async def call_tool(
    _ctx: ServerRequestContext[Any, Any], _params: types.CallToolRequestParams
) -> types.CallToolResult:
    """Run the one tool."""
    return types.CallToolResult(content=[types.TextContent(type="text", text="Hello.")])


async def main() -> None:
    """Serve until the client closes the connection."""
    server = Server[Any](
        "bare",
        get_tool_input_schema=lambda _name: _SCHEMA,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )
    async with stdio_server() as (read_stream, write_stream):
        await server.run(read_stream, write_stream, server.create_initialization_options())


if __name__ == "__main__":
    anyio.run(main)
