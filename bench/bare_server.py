"""The server to compare with: the SDK's low-level server with one tool and one httpx request.

Over stdio or, with the argument `http`, over HTTP. It returns the same result as trax-mcp
(structured content, and the same as compact JSON text). It has no checks, no retries, no limits
and no approvals.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from typing import Any, Final

import anyio
import httpx
import mcp_types as types
from mcp.server import Server, ServerRequestContext
from mcp.server.stdio import stdio_server

_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"studioId": {"type": "string", "description": "As TRaX has it."}},
    "required": ["studioId"],
}


def build_server(upstream: httpx.AsyncClient) -> Server[Any]:
    """Build the server. It gives the SDK its schema, as trax-mcp does, to save a list per call."""

    async def list_tools(
        _ctx: ServerRequestContext[Any, Any], _params: object
    ) -> types.ListToolsResult:
        tool = types.Tool(name="get_studio", description="Reads a studio.", input_schema=_SCHEMA)
        return types.ListToolsResult(tools=[tool])

    async def call_tool(
        _ctx: ServerRequestContext[Any, Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        studio = (params.arguments or {})["studioId"]
        answer = (await upstream.get(f"/v1/studios/{studio}")).json()
        text = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
        content = types.TextContent(type="text", text=text)
        return types.CallToolResult(content=[content], structured_content=answer)

    return Server[Any](
        "bare",
        get_tool_input_schema=lambda _name: _SCHEMA,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


async def serve_http(server: Server[Any]) -> None:
    """Serve on a free loopback port with trax-mcp's settings; prints the address on stderr."""
    import uvicorn  # noqa: PLC0415  a server on stdio does not need it

    config = uvicorn.Config(
        server.streamable_http_app(), log_config=None, access_log=False, server_header=False
    )
    listener = socket.create_server(("127.0.0.1", 0))
    # asyncio sets this on sockets that it opens itself. Without it, a response waits 40 ms for an
    # acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    print(f"listening on {address}/mcp", file=sys.stderr, flush=True)
    await uvicorn.Server(config).serve(sockets=[listener])


async def main() -> None:
    """Serve on the transport in the command line."""
    async with httpx.AsyncClient(
        base_url=os.environ["TRAX_BASE_URL"],
        headers={"Authorization": f"Bearer {os.environ['TRAX_API_KEY']}"},
    ) as upstream:
        server = build_server(upstream)
        if sys.argv[1:] == ["http"]:
            await serve_http(server)
            return
        async with stdio_server() as (read_stream, write_stream):
            await server.run(read_stream, write_stream, server.create_initialization_options())


if __name__ == "__main__":
    anyio.run(main)
