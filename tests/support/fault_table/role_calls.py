"""The tool call of each column of the table, and what each row must return."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tests.support.fault_table.answer_cases import ANSWER_CASES
from tests.support.fault_table.table import TABLE, Consequence, Role
from tests.support.fault_table.wire_cases import WIRE_CASES
from tests.support.guarded_calls import STUDIO
from tests.support.product.frozen_sandbox import STUDIO as STUDIO_PATH

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.support.fault_table.answer_cases import FaultCase

CHAT_PATH: Final = f"{STUDIO_PATH}/chat/messages"
FAULT_CASES: Final = {**ANSWER_CASES, **WIRE_CASES}
"""How to cause each fault of the table."""

CHAT_TEXT: Final = "Hello"
"""The text of the chat message."""


class ToolCall(NamedTuple):
    """What a role calls, and which requests of the call meet the fault."""

    tool: str
    """The tool."""
    method: str
    """The HTTP method of the requests that meet the fault."""
    path: str
    """Their path; `*` matches any."""
    requests: int = 1
    """How many requests of one call meet the fault, without retries."""
    lists: int = 0
    """How many of them read a list."""
    arguments: Mapping[str, Any] = STUDIO
    """Those of the tool."""
    seconds_before: int = 0
    """How many seconds before the fault the test begins."""
    on_air: bool = False
    """Whether the studio is live when the fault begins."""


TOOL_CALLS: Final = {
    Role.READ: ToolCall("get_studio", "GET", STUDIO_PATH),
    Role.WRITE: ToolCall(
        "send_chat_message", "POST", CHAT_PATH, arguments={**STUDIO, "text": CHAT_TEXT}
    ),
    Role.START: ToolCall("go_live", "POST", f"{STUDIO_PATH}/go-live"),
    Role.STOP: ToolCall(
        "go_offline", "POST", f"{STUDIO_PATH}/go-offline", seconds_before=60, on_air=True
    ),
    Role.START_PREVIEW: ToolCall("go_live", "GET", "*", requests=6, lists=3),
    Role.STOP_PREVIEW: ToolCall(
        "go_offline", "GET", "*", requests=3, lists=1, seconds_before=60, on_air=True
    ),
    Role.CHAT: ToolCall("wait_for_chat_messages", "GET", CHAT_PATH, seconds_before=2),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A fault, as one role meets it."""

    role: Role
    """The column of the table."""
    name: str
    """The line of the table."""
    consequence: Consequence
    """What must follow."""

    def __str__(self) -> str:
        """The id of the test case."""
        return f"{self.role}: {self.name} -> {self.consequence}"

    @property
    def case(self) -> FaultCase:
        """What goes wrong."""
        return FAULT_CASES[self.name]

    @property
    def tool_call(self) -> ToolCall:
        """The call that meets the fault."""
        return TOOL_CALLS[self.role]

    @property
    def without_limit(self) -> int:
        """How many lists are asked for again without `limit`, which TRaX may have refused."""
        return self.tool_call.lists if self.name == "400 invalid_request" else 0

    @property
    def verdict(self) -> tuple[str, bool]:
        """The outcome that a failure must tell, and whether the call may be made again."""
        consequence = self.consequence
        if self.role is Role.CHAT:  # the same failure as of any other read
            consequence = TABLE[self.name][Role.READ]
            consequence = Consequence.NEVER if consequence is Consequence.OK else consequence
        outcome = _OUTCOMES.get(consequence, "not_applied")
        return outcome, consequence is Consequence.AGAIN


_OUTCOMES: Final = {Consequence.UNKNOWN: "unknown", Consequence.DONE: "applied"}


def row_of(role: Role, name: str, consequence: Consequence | None = None) -> Row:
    """One fault, as this role meets it. Previews have a `consequence` beside the table."""
    column = Role.START if role is Role.STOP else role
    return Row(role, name, consequence or TABLE[name][column])


def rows(role: Role) -> Sequence[Row]:
    """All faults, as this role meets them."""
    return [row_of(role, name) for name in TABLE]
