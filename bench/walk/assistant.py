"""A scripted assistant: makes calls as a model does, and counts what the model reads."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import anyio
import mcp_types as types
from mcp import Client

from bench.call_cost import as_seen_by_model, json_bytes
from bench.harness.process import HarnessError
from tests.support.product.sandbox import Sandbox
from tests.support.virtual_setup import MINE, open_virtual_setup

THINKING_SECONDS: Final = 4.0
"""From an answer to the model's next call."""


@dataclass(slots=True)
class Assistant:
    """A client without forms, so that a guarded call takes a preview and a confirmed call."""

    client: Client
    trax: Sandbox
    calls: int = 0
    answer_bytes: int = 0

    async def call(self, tool: str, **arguments: object) -> dict[str, Any]:
        """Call a tool; returns the structured content.

        Raises:
            HarnessError: the call failed.
        """
        result = await self.client.call_tool(tool, arguments)
        if result.is_error:
            raise HarnessError(f"{tool} was answered {_text(result)}")
        self.calls += 1
        self.answer_bytes += _size(result)
        await anyio.sleep(THINKING_SECONDS)
        return result.structured_content or {}

    async def call_with_consent(self, tool: str, **arguments: object) -> dict[str, Any]:
        """Call for the preview, and again after the person's yes."""
        preview = await self.call(tool, **arguments)
        evidence = {"confirm": True, "confirmation": preview["confirmation"]}
        return await self.call(tool, **arguments, **evidence)

    async def listing_bytes(self) -> int:
        """The bytes of the tools as a model sees them."""
        listing = (await self.client.list_tools()).model_dump(mode="json", by_alias=True)
        return json_bytes([as_seen_by_model(it) for it in listing["tools"]])


@asynccontextmanager
async def new_assistant() -> AsyncIterator[Assistant]:
    """An assistant on a new sandbox."""
    async with open_virtual_setup(MINE) as it:
        yield Assistant(it.clients[MINE], it.trax)


def _size(result: types.CallToolResult) -> int:
    """The bytes of the text and of the structured content: hosts show a model one or both."""
    return len(_text(result).encode()) + json_bytes(result.structured_content)


def _text(result: types.CallToolResult) -> str:
    return "".join(it.text for it in result.content if isinstance(it, types.TextContent))
