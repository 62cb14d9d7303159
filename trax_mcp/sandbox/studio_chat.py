"""A studio's chat: its messages, and scripted viewers who write while the studio is live.

The script depends on the clock alone, so the same moments always hold the same messages.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from trax_mcp.sandbox.records import Message

MAX_MESSAGES = 1000
"""Messages kept per studio. Sandbox behaviour: TRaX does not document how many it keeps."""


@dataclass(frozen=True, slots=True)
class ScriptLine:
    """A viewer's message, due `after` seconds of the studio being live."""

    after: float
    platform: str
    author: str
    author_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Script:
    """Lines in order of `after`, repeated every `period` seconds."""

    lines: Sequence[ScriptLine]
    period: float

    def line(self, number: int) -> ScriptLine:
        """The line with this number, counted from 0 through all repetitions."""
        return self.lines[number % len(self.lines)]

    def due(self, number: int) -> float:
        """When that line is due, in seconds since the studio became live."""
        return self.line(number).after + self.period * (number // len(self.lines))


class Chat:
    """One studio's messages, oldest first."""

    def __init__(self, script: Script, new_id: Callable[[str], str]) -> None:
        self._messages: deque[Message] = deque(maxlen=MAX_MESSAGES)
        self._script = script
        self._new_id = new_id
        self._broadcast: str | None = None
        self._next_line = 0

    def catch_up(self, broadcast: str, *, since: float, until: float) -> None:
        """Add all lines of the script that are due between `since` and `until`."""
        if self._broadcast != broadcast:
            self._broadcast, self._next_line = broadcast, 0
        while (at := since + self._script.due(self._next_line)) <= until:
            self.add_line(self._script.line(self._next_line), at=at)
            self._next_line += 1

    def add_line(self, line: ScriptLine, *, at: float) -> None:
        """Add a viewer's message."""
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
        message = Message(self._new_id("message"), platform, author, text, at, author_id)
        self._messages.append(message)
        return message

    def recent(self, limit: int) -> list[Message]:
        """The `limit` most recent messages, oldest first."""
        return list(self._messages)[-limit:]
