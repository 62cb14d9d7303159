"""A scripted assistant: makes calls as a model does, and counts what the model reads."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import anyio

from tests.world.answers import data_of, text_of
from tests.world.world import MINE, open_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.product.sandbox import Sandbox
    from tests.world.caller import Caller

THINKING_SECONDS: Final = 4.0
"""From an answer to the model's next call."""


@dataclass
class Assistant:
    """A client without forms, so that a guarded call takes a preview and a confirmed call."""

    caller: Caller
    trax: Sandbox
    calls: int = 0
    answer_bytes: int = 0

    async def call(self, tool: str, **arguments: object) -> dict[str, Any]:
        """Call a tool, which must succeed; returns the structured content."""
        result = await self.caller.client.call_tool(tool, arguments)
        assert not result.is_error, text_of(result)
        self.calls += 1
        # Hosts show a model the text, the structured content, or both.
        self.answer_bytes += len(text_of(result).encode()) + json_bytes(result.structured_content)
        await anyio.sleep(THINKING_SECONDS)
        return data_of(result)

    async def call_with_approval(self, tool: str, **arguments: object) -> dict[str, Any]:
        """Call for the preview, and again after the person has approved it."""
        preview = await self.call(tool, **arguments)
        await self.caller.read_preview()
        evidence = {"confirm": True, "confirmation": preview["confirmation"]}
        return await self.call(tool, **arguments, **evidence)

    async def listing_bytes(self) -> int:
        """The bytes of the tools as a model sees them."""
        listing = (await self.caller.client.list_tools()).model_dump(mode="json", by_alias=True)
        fields = ("name", "description", "inputSchema")
        return json_bytes([{name: tool[name] for name in fields} for tool in listing["tools"]])


@asynccontextmanager
async def new_assistant() -> AsyncIterator[Assistant]:
    """An assistant on a new sandbox."""
    async with open_world(MINE, virtual=True) as it:
        yield Assistant(it[MINE], it.trax)


def json_bytes(data: object) -> int:
    """The bytes of compact JSON."""
    return len(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode())
