"""Checks that a server which was started as a page says answers with all its tools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.product.reference import tool_names

if TYPE_CHECKING:
    from mcp import Client


async def check_server(client: Client, *, on_the_sandbox: bool) -> None:
    """List the tools and call one; the result shows the key and which TRaX is used."""
    assert [it.name for it in (await client.list_tools()).tools] == tool_names()
    answer = await client.call_tool("list_studios", {})
    expected = "Friday Night Show" if on_the_sandbox else "TRaX could not be reached"
    assert expected in str(answer.content)
