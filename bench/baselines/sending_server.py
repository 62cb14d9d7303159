"""The minimal server that changes something: the SDK's low-level server with one tool.

The baseline for guarded calls, over stdio: it sends a request without consent, and does not observe
the result.
"""

import json
import os
from typing import Any

import anyio
import httpx
import mcp_types as types
from mcp.server import Server, ServerRequestContext
from mcp.server.stdio import stdio_server

_SCHEMA = {
    "type": "object",
    "properties": {
        "method": {"type": "string", "description": "The HTTP method."},
        "path": {"type": "string", "description": "Where to."},
        "body": {"type": "object", "description": "What is sent along, as JSON."},
    },
    "required": ["method", "path"],
}


def build_server(upstream: httpx.AsyncClient) -> Server[Any]:
    """Build the server."""

    async def list_tools(
        _ctx: ServerRequestContext[Any, Any], _params: object
    ) -> types.ListToolsResult:
        tool = types.Tool(name="send", description="Send a request.", input_schema=_SCHEMA)
        return types.ListToolsResult(tools=[tool])

    async def call_tool(
        _ctx: ServerRequestContext[Any, Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        arguments = params.arguments or {}
        response = await upstream.request(
            arguments["method"], arguments["path"], json=arguments.get("body")
        )
        answer = response.json()
        text = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
        content = types.TextContent(type="text", text=text)
        return types.CallToolResult(content=[content], structured_content=answer)

    return Server[Any](
        "bare",
        get_tool_input_schema=lambda _name: _SCHEMA,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


async def main() -> None:
    """Serve until the client closes the connection."""
    async with (
        httpx.AsyncClient(
            base_url=os.environ["TRAX_BASE_URL"],
            headers={"Authorization": f"Bearer {os.environ['TRAX_API_KEY']}"},
        ) as upstream,
        stdio_server() as (read_stream, write_stream),
    ):
        server = build_server(upstream)
        await server.run(read_stream, write_stream, server.create_initialization_options())


if __name__ == "__main__":
    anyio.run(main)
