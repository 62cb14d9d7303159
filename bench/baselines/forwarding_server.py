"""The minimal server that forwards a call: the SDK's low-level server, and one httpx request.

The baseline for the time per call, over stdio or, with the argument `http`, over HTTP. It returns
the same result as trax-mcp (structured content, and the same as compact JSON text), but has no
checks, no retries, no limits and no consent.
"""

import json
import os
import socket
import sys
from typing import Any, Final

import anyio
import httpx
import mcp_types as types
import uvicorn
from mcp.server import Server, ServerRequestContext
from mcp.server.stdio import stdio_server

_STRING: Final = {"type": "string", "description": "As TRaX has it."}
_SCHEMAS: Final[dict[str, dict[str, Any]]] = {
    "get_studio": {
        "type": "object",
        "properties": {"studioId": _STRING},
        "required": ["studioId"],
    },
    "send": {
        "type": "object",
        "properties": {
            "method": _STRING,
            "path": _STRING,
            "body": {"type": "object", "description": "What is sent along, as JSON."},
        },
        "required": ["method", "path"],
    },
}


def build_server(upstream: httpx.AsyncClient) -> Server[Any]:
    """Build the server. It gives the SDK its schemas, as trax-mcp does, to save a list per call."""

    async def list_tools(
        _ctx: ServerRequestContext[Any, Any], _params: object
    ) -> types.ListToolsResult:
        tools = [
            types.Tool(name=name, description="Sends a request.", input_schema=schema)
            for name, schema in _SCHEMAS.items()
        ]
        return types.ListToolsResult(tools=tools)

    async def call_tool(
        _ctx: ServerRequestContext[Any, Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        arguments = params.arguments or {}
        if params.name == "send":
            method, path, body = arguments["method"], arguments["path"], arguments.get("body")
        else:
            method, path, body = "GET", f"/v1/studios/{arguments['studioId']}", None
        answer = (await upstream.request(method, path, json=body)).json()
        text = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
        content = types.TextContent(type="text", text=text)
        return types.CallToolResult(content=[content], structured_content=answer)

    return Server[Any](
        "bare",
        get_tool_input_schema=_SCHEMAS.get,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


async def serve_stdio(server: Server[Any]) -> None:
    """Serve until the client closes the connection."""
    async with stdio_server() as (read_stream, write_stream):
        await server.run(read_stream, write_stream, server.create_initialization_options())


async def serve_http(server: Server[Any]) -> None:
    """Serve on a free loopback port with trax-mcp's settings; prints the address on stderr."""
    config = uvicorn.Config(
        server.streamable_http_app(), log_config=None, access_log=False, server_header=False
    )
    listener = socket.create_server(("127.0.0.1", 0))
    # asyncio sets this on sockets that it opens itself. Without it, a response waits 40 ms for an
    # acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/mcp", file=sys.stderr, flush=True)
    await uvicorn.Server(config).serve(sockets=[listener])


async def main() -> None:
    """Serve on the transport in the command line."""
    async with httpx.AsyncClient(
        base_url=os.environ["TRAX_BASE_URL"],
        headers={"Authorization": f"Bearer {os.environ['TRAX_API_KEY']}"},
    ) as upstream:
        serve = serve_http if sys.argv[1:] == ["http"] else serve_stdio
        await serve(build_server(upstream))


if __name__ == "__main__":
    anyio.run(main)
