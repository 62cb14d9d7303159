"""Signing in from end to end: the SDK's own OAuth client, and a person's browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.sdk_oauth_client import TokenMemory, callback_page, sdk_oauth_client
from tests.support.served_sign_in import signing_in
from trax_mcp.sandbox import SANDBOX_KEY
from trax_mcp.server.tool_filter import ToolFilter

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow


async def test_a_client_that_registers_signs_a_person_in_and_calls(
    tmp_path: Path, era: str
) -> None:
    """Metadata, registration, the page, code, token, calls; the client never sees the key."""
    memory = TokenMemory()
    async with signing_in(tmp_path) as front, callback_page() as callback, front.steps() as browser:

        async def person(url: str) -> None:
            address = await browser.connected(url, SANDBOX_KEY)
            await browser.browser.get(address)

        async with sdk_oauth_client(
            front.address, person, callback, memory=memory, era=era
        ) as client:
            tools = (await client.list_tools()).tools
            studios = await client.call_tool("list_studios", {})
        (sign_in,) = front.store.all()
    assert [tool.name for tool in tools] == [it.tool_name for it in ToolFilter().kinds()]
    assert "Friday Night Show" in str(studios.structured_content)
    assert set(front.keys) == {SANDBOX_KEY}
    assert memory.tokens is not None
    assert memory.tokens.scope == "run"
    assert SANDBOX_KEY not in str(memory)
    assert sign_in.client_id == memory.client.client_id  # type: ignore[union-attr]
