"""A studio's chat: what was said, what is sent, and viewers who speak while the studio is live.

The viewers follow a script told by the clock, so the same moments always hold the same words. This
module knows no studio and no HTTP.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trax_mcp.sandbox.records import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

REMEMBERED = 1000
"""Messages kept per studio. Sandbox behaviour: how far back TRaX reaches is not documented."""


@dataclass(frozen=True, slots=True)
class Line:
    """What a viewer will say, `after` seconds of the studio being live."""

    after: float
    platform: str
    author: str
    author_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Script:
    """Lines in order of `after`, played again and again every `period` seconds."""

    lines: Sequence[Line]
    period: float

    def line(self, number: int) -> Line:
        """The line that comes as the `number`th, counting from 0 through all the rounds."""
        return self.lines[number % len(self.lines)]

    def due(self, number: int) -> float:
        """How many seconds into the broadcast that line comes."""
        return self.line(number).after + self.period * (number // len(self.lines))


class Chat:
    """One studio's messages, oldest first."""

    def __init__(self, script: Script, mint: Callable[[str], str]) -> None:
        self._messages: deque[Message] = deque(maxlen=REMEMBERED)
        self._script = script
        self._mint = mint
        self._broadcast: str | None = None
        self._told = 0

    def catch_up(self, broadcast: str, *, since: float, until: float) -> None:
        """Let the script's viewers say all that is due between `since` and `until`."""
        if self._broadcast != broadcast:
            self._broadcast, self._told = broadcast, 0
        while (at := since + self._script.due(self._told)) <= until:
            self.tell(self._script.line(self._told), at=at)
            self._told += 1

    def tell(self, line: Line, *, at: float) -> None:
        """Let a viewer say a line."""
        self.add(
            platform=line.platform,
            author=line.author,
            text=line.text,
            at=at,
            author_id=line.author_id,
        )

    def add(
        self, *, platform: str, author: str, text: str, at: float, author_id: str | None = None
    ) -> Message:
        """Append one message and return it with its id."""
        message = Message(self._mint("message"), platform, author, text, at, author_id)
        self._messages.append(message)
        return message

    def recent(self, limit: int) -> list[Message]:
        """The `limit` most recent messages, oldest first."""
        return list(self._messages)[-limit:]
