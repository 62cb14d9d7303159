"""The tool call of each column of the table, and the failure that each row must return."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tests.support.fault_table.answer_cases import ANSWER_CASES
from tests.support.fault_table.table import TABLE, Consequence, Role
from tests.support.fault_table.wire_cases import WIRE_CASES
from tests.support.guarded_calls import STUDIO
from tests.support.product.frozen_sandbox import STUDIO as STUDIO_PATH
from tests.support.subscribers import CHAT_PATH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.fault_table.answer_cases import FaultCase

FAULT_CASES: Final = {**ANSWER_CASES, **WIRE_CASES}
"""How to cause each fault of the table, and the texts that describe it."""

CHAT_TEXT: Final = "Hello"
"""The text of the chat message."""


class ToolCall(NamedTuple):
    """What a role calls, and which requests of the call meet the fault."""

    called_tool: str
    """The tool."""
    arguments: dict[str, Any]
    """Its arguments."""
    operation: str
    """The operation that fails."""
    method: str
    """The HTTP method of the requests that meet the fault."""
    path: str
    """Their path; `*` matches any."""
    scope: str
    """The scope that the operation needs."""
    look: str = ""
    """How to find out whether the change took effect, and what to do then."""
    success_status: int = 200
    """The HTTP status on success."""
    requests: int = 1
    """How many requests of one call meet the fault, without retries."""
    seconds_before: int = 0
    """How many seconds before the fault the test begins."""
    on_air: bool = False
    """Whether the studio is live when the fault begins."""


TOOL_CALLS: Final = {
    Role.READ: ToolCall("get_studio", STUDIO, "get_studio", "GET", STUDIO_PATH, "studios:read"),
    Role.WRITE: ToolCall(
        "send_chat_message",
        {**STUDIO, "text": CHAT_TEXT},
        "send_chat_message",
        "POST",
        CHAT_PATH,
        "chat:send",
        look="Look with list_chat_messages before anything else.",
        success_status=201,
    ),
    Role.START: ToolCall(
        "go_live",
        STUDIO,
        "go_live",
        "POST",
        f"{STUDIO_PATH}/go-live",
        "stream:golive",
        look="Look with check_studio in a minute; if it is off air then, ask for a new yes.",
    ),
    Role.STOP: ToolCall(
        "go_offline",
        STUDIO,
        "go_offline",
        "POST",
        f"{STUDIO_PATH}/go-offline",
        "stream:golive",
        look="Look with get_stream_status, and on the platforms; a second go_offline is harmless.",
        seconds_before=60,
        on_air=True,
    ),
    Role.START_PREVIEW: ToolCall(
        "go_live", STUDIO, "get_studio", "GET", "*", "studios:read", requests=6
    ),
    Role.STOP_PREVIEW: ToolCall(
        "go_offline",
        STUDIO,
        "get_studio",
        "GET",
        "*",
        "studios:read",
        requests=3,
        seconds_before=60,
        on_air=True,
    ),
    Role.CHAT: ToolCall(
        "wait_for_chat_messages",
        STUDIO,
        "list_chat_messages",
        "GET",
        CHAT_PATH,
        "chat:read",
        seconds_before=2,
    ),
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
    case: FaultCase
    """What goes wrong, and the texts that describe it."""

    def __str__(self) -> str:
        """The id of the test case."""
        return f"{self.role}: {self.name} -> {self.consequence}"

    @property
    def tool_call(self) -> ToolCall:
        """The call that meets the fault."""
        return TOOL_CALLS[self.role]


_EFFECT_TEXTS: Final = {
    Consequence.AGAIN: "nothing was changed",
    Consequence.NEVER: "nothing was changed",
    Consequence.UNKNOWN: "whether it took effect is not known",
    Consequence.DONE: "it has taken effect, so do not call again",
}
_OUTCOMES: Final = {
    Consequence.UNKNOWN: "unknown",
    Consequence.DONE: "applied",
}
_OBSERVED_TEXTS: Final = {
    "go_live": "On air for less than a minute (since 18:00:03 UTC).",
    "go_offline": "The studio is off air.",
}


def row_of(role: Role, name: str, consequence: Consequence | None = None) -> Row:
    """One fault, as this role meets it. Previews have a `consequence` beside the table."""
    column = Role.START if role is Role.STOP else role
    return Row(role, name, consequence or TABLE[name][column], FAULT_CASES[name])


def rows(role: Role) -> Sequence[Row]:
    """All faults, as this role meets them."""
    return [row_of(role, name) for name in TABLE]


def expected_failure(row: Row) -> dict[str, object]:
    """The whole failure that this row must return."""
    consequence = row.consequence
    if row.role is Role.CHAT:  # the same failure as of any other read
        consequence = TABLE[row.name][Role.READ]
        consequence = Consequence.AGAIN if consequence is Consequence.OK else consequence
    return failure(row.case, row.tool_call, consequence)


def observed_lines(row: Row) -> list[str]:
    """What a confirmed call must say whose response is lost, but whose effect was observed."""
    tool = row.tool_call.operation
    happened = row.case.happened.format(operation=tool, scope=row.tool_call.scope)
    seen = "on air" if row.role is Role.START else "off air"
    return [
        f"{_OBSERVED_TEXTS[tool]} Approved by its confirmation, after a preview.",
        f"{happened}. The studio was then seen {seen}: do not call {tool} again.",
    ]


def failure(case: FaultCase, tool_call: ToolCall, consequence: Consequence) -> dict[str, object]:
    """The whole failure for a fault case; the id of the failed request is "ours"."""
    status = case.status or (tool_call.success_status if "accepted" in case.happened else None)
    error = {
        "code": case.code,
        "message": case.full_message or _message(case, tool_call, consequence),
        "httpStatus": status,
        "requestId": "ours",
        "requiredScope": tool_call.scope if case.names_scope else None,
        "retryAfterSeconds": case.retry_after,
        "retryable": consequence is Consequence.AGAIN,
        "outcome": _OUTCOMES.get(consequence, "not_applied"),
    }
    return {name: value for name, value in error.items() if value is not None}


def _message(case: FaultCase, tool_call: ToolCall, consequence: Consequence) -> str:
    """What happened, what was changed, what to do next."""
    happened = case.happened.format(operation=tool_call.operation, scope=tool_call.scope)
    must_check = consequence in {Consequence.UNKNOWN, Consequence.DONE}
    advice = tool_call.look if must_check else case.advice
    effect = _effect_text(tool_call, consequence)
    return f"{happened}{effect and f'; {effect}'}. {advice}"


def _effect_text(tool_call: ToolCall, consequence: Consequence) -> str:
    """What became of the change. A read changes nothing, and does not say so."""
    if tool_call.method != "GET":
        return _EFFECT_TEXTS[consequence]
    is_preview = tool_call.called_tool != tool_call.operation and tool_call.path == "*"
    return f"{tool_call.called_tool} was not sent" if is_preview else ""
