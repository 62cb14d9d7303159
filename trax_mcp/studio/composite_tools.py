"""What a tool is that makes several calls to TRaX, and needs nobody's approval."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.contract import JsonObject
from trax_mcp.api.operation import Progress, ToolInput
from trax_mcp.clock import Clock
from trax_mcp.studio.outputs import Words

IsStarting = Callable[[str], Awaitable[bool]]
"""Whether this server has sent a go-live to a studio within the last minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolUse:
    """What one call of a composite tool works with. Files may come from `media_dirs`."""

    client: Client
    caller: Caller
    clock: Clock
    progress: Progress
    is_starting: IsStarting
    media_dirs: Sequence[Path]


class CompositeTool(ToolInput, abstract=True):
    """A tool of this kind."""

    async def run(self, use: ToolUse) -> tuple[JsonObject, Words]:
        """Run it. Returns the answer, and what it means in words.

        Raises:
            TraxError: it failed.
        """
        raise NotImplementedError
