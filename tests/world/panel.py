"""A panel in a client of MCP Apps, and a person who presses its buttons."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tests.world.answers import data_of

if TYPE_CHECKING:
    from tests.world.caller import Call, Caller

TICKET: Final = "live.traxstreaming/ticket"
"""Where the metadata of a result names the question to the panel."""


@dataclass
class Panel:
    """One question in a panel. `state` is what it showed when it last looked."""

    caller: Caller
    ticket: str
    state: dict[str, Any] = field(default_factory=dict)

    @property
    def yes(self) -> str:
        """The words on the button that approves."""
        return str(self.state["yes"])

    @property
    def no(self) -> str:
        """The words on the button that refuses."""
        return str(self.state["no"])

    async def look(self) -> dict[str, Any]:
        """Report that the question is shown; returns the state."""
        self.state = await self.tell()
        return self.state

    async def press(self, choice: str, **more: object) -> dict[str, Any]:
        """Press a button of the question that it showed last; returns the state."""
        return await self.tell(**{"choice": choice, **more})

    async def tell(self, **arguments: object) -> dict[str, Any]:
        """Call `answer_approval`, as the panel does."""
        return await self.caller.data("answer_approval", ticket=self.ticket, **arguments)


async def open_panel(caller: Caller, what: Call | str, /, **arguments: object) -> Panel:
    """Call a tool that asks in a panel. The panel has not looked yet."""
    result = await caller.call(what, **arguments)
    assert data_of(result)["status"] == "asking", data_of(result)
    return Panel(caller, str((result.meta or {})[TICKET]))
