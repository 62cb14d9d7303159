"""What opens a control room in a browser on this computer, as the server knows it."""

from collections.abc import Awaitable, Callable
from typing import Final, Literal, Protocol

from trax_mcp.api.contract import JsonObject

TICKET: Final = "live.traxstreaming/ticket"
"""In the `_meta` of a press: what lets the room answer its question."""
QUESTIONS: Final = "live.traxstreaming/questions"
"""In the `_meta` of a look: the same of the questions that are open."""
RoomCall = Callable[[str, JsonObject], Awaitable[JsonObject]]
"""Runs "watch", "press" or "answer" with its arguments. Returns a tool's result as JSON of MCP."""
Opening = Literal["opened", "shown", "just_opened", "failed"]
"""What became of a wish to open a room. `shown`: a tab shows it already."""


class RoomHost(Protocol):
    """Where rooms are shown."""

    async def open(self, studio_id: str, call: RoomCall) -> Opening:
        """Open the room of a studio, unless a person sees it, or is about to."""
        ...

    def is_shown(self, studio_id: str) -> bool:
        """Whether a person sees the room of a studio."""
        ...

    def close(self) -> None:
        """Leave nothing behind: the process is about to end."""
        ...
