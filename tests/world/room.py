"""A control room in a client that draws apps, and a person who looks at it and presses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tests.world.answers import data_of
from tests.world.panel import TICKET, Panel

if TYPE_CHECKING:
    import mcp_types as types

    from tests.world.caller import BackgroundCall, Caller

QUESTIONS: Final = "live.traxstreaming/questions"
"""Where the metadata of a look names the open questions."""
FRIDAY: Final = "studio_42"


@dataclass
class Room:
    """One room of a caller: what it shows, as its script keeps it."""

    caller: Caller
    studio: str = FRIDAY
    version: str | None = None
    cursor: str | None = None
    state: dict[str, Any] = field(default_factory=dict)
    chat: list[dict[str, Any]] = field(default_factory=list)
    tickets: list[str] = field(default_factory=list)
    answer: dict[str, Any] = field(default_factory=dict)
    """The last answer as it came."""

    async def look(self, *, wait: float = 0, **more: object) -> dict[str, Any]:
        """Look once, and keep what is new. Returns the state."""
        return self.keep(await self.caller.call("watch_control_room", **self.arguments(wait, more)))

    def arguments(self, wait: float, more: dict[str, object]) -> dict[str, Any]:
        """The arguments of a look."""
        known = {"version": self.version, "after": self.cursor}
        given = {name: it for name, it in known.items() if it is not None}
        return {"studioId": self.studio, "waitSeconds": wait, **given, **more}

    def wait(self, **more: object) -> BackgroundCall:
        """Begin to wait for news."""
        return self.caller.start("watch_control_room", **self.arguments(25, more))

    def keep(self, result: types.CallToolResult) -> dict[str, Any]:
        """Keep what is new in an answer."""
        assert not result.is_error, result
        self.answer = answer = data_of(result)
        self.version = answer["version"]
        self.state = answer.get("state", self.state)
        if "chat" in answer:
            self.chat += answer["chat"]["messages"]
            self.cursor = answer["chat"]["cursor"]
        self.tickets = list((result.meta or {}).get(QUESTIONS, ()))
        return self.state

    async def press(self, press: str, **arguments: object) -> types.CallToolResult:
        """Press a button; returns the result as it came."""
        return await self.caller.call(
            "press_in_control_room", studioId=self.studio, press=press, arguments=arguments
        )

    async def outcome(self, press: str, **arguments: object) -> str:
        """Press a button that asks nothing; returns the outcome, in words."""
        result = await self.press(press, **arguments)
        assert TICKET not in (result.meta or {}), result
        return str(data_of(result)["outcome"])

    async def card(self, press: str, **arguments: object) -> Panel:
        """Press a button that asks; returns the card, which is shown."""
        result = await self.press(press, **arguments)
        assert data_of(result)["asking"] is True, result
        return await self.shown(str((result.meta or {})[TICKET]))

    async def shown(self, ticket: str) -> Panel:
        """The card of a ticket, which the person has read."""
        card = Panel(self.caller, ticket)
        await card.look()
        if self.caller.clock is not None:
            await _a_moment(self.caller.clock)
        return card


async def _a_moment(clock: Any) -> None:  # noqa: ANN401  either clock
    if hasattr(clock, "advance"):
        clock.advance(1)
    else:
        await clock.sleep(1)
