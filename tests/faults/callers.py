"""Who calls in each column of the table, and what each of them must be told.

Facts and words, and nothing that plays them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tests.acts import STUDIO
from tests.audience import CHAT_PATH
from tests.faults.answers import ANSWERED
from tests.faults.table import TABLE, Fate, Role
from tests.faults.wires import MISTREATED
from tests.jsonrpc import ERAS, MODERN
from tests.witness import STUDIO as PLACE
from trax_mcp.sandbox import Fault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.faults.mishaps import Mishap

MISHAPS: Final = {**ANSWERED, **MISTREATED}
"""How each fault of the table is made, and told."""

SCRIPTED: Final = {
    name: mishap.fault
    for name, mishap in ANSWERED.items()
    if isinstance(mishap.fault, Fault) and TABLE[name][Role.READ] is not Fate.OK
}
"""Those that any sandbox can be scripted with, and that no call passes unharmed."""

WORDS: Final = "Hello"
"""What is sent where viewers see it at once."""


class Caller(NamedTuple):
    """A kind of caller: what it calls, and which requests of that meet the fault."""

    calls: str
    """Its tool."""
    arguments: dict[str, Any]
    """What it gives to that."""
    tool: str
    """The operation that fails."""
    method: str
    """The requests that meet the fault: how they ask."""
    path: str
    """And for what; `*` is anything."""
    scope: str
    """What a key needs for the operation."""
    shown_by: str = ""
    """The operation that shows what became of it."""
    success: int = 200
    """Its status where it does not fail."""
    requests: int = 1
    """How many requests that meet the fault one call makes at first."""
    begins: int = 0
    """How many seconds before the fault the test does."""
    on_air: bool = False
    """Whether the studio is live by then."""


CALLERS: Final = {
    Role.READ: Caller("get_studio", STUDIO, "get_studio", "GET", PLACE, "studios:read"),
    Role.WRITE: Caller(
        "send_chat_message",
        {**STUDIO, "text": WORDS},
        "send_chat_message",
        "POST",
        CHAT_PATH,
        "chat:send",
        shown_by="list_chat_messages",
        success=201,
    ),
    Role.START: Caller(
        "go_live",
        STUDIO,
        "go_live",
        "POST",
        f"{PLACE}/go-live",
        "stream:golive",
        shown_by="get_stream_status",
    ),
    Role.STOP: Caller(
        "go_offline",
        STUDIO,
        "go_offline",
        "POST",
        f"{PLACE}/go-offline",
        "stream:golive",
        shown_by="get_stream_status",
        begins=60,
        on_air=True,
    ),
    Role.FACTS: Caller("go_live", STUDIO, "get_studio", "GET", "*", "studios:read", requests=6),
    Role.HURRY: Caller(
        "go_offline",
        STUDIO,
        "get_studio",
        "GET",
        "*",
        "studios:read",
        requests=3,
        begins=60,
        on_air=True,
    ),
    Role.CHAT: Caller(
        "wait_for_chat_messages",
        STUDIO,
        "list_chat_messages",
        "GET",
        CHAT_PATH,
        "chat:read",
        begins=2,
    ),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A fault, as one kind of caller meets it."""

    role: Role
    """Who meets it."""
    name: str
    """The line of the table."""
    fate: Fate
    """What must come of it."""
    mishap: Mishap
    """What goes wrong, and how that is told."""

    def __str__(self) -> str:
        """The name of a test."""
        return f"{self.role}: {self.name} -> {self.fate}"

    @property
    def caller(self) -> Caller:
        """What is called."""
        return CALLERS[self.role]


_BECAME: Final = {
    Fate.AGAIN: "nothing was changed",
    Fate.NEVER: "nothing was changed",
    Fate.UNKNOWN: "whether it took effect is not known",
    Fate.DONE: "it has taken effect, so do not call again",
}
_OUTCOMES: Final = {Fate.UNKNOWN: "unknown", Fate.DONE: "applied", Fate.SEEN: "applied"}
_SEEN: Final = {
    "go_live": "it is on air since 2026-06-05T18:00:03.000Z",
    "go_offline": "it is off air",
}


def row_of(role: Role, name: str) -> Row:
    """One fault, as this kind of caller meets it."""
    return Row(role, name, TABLE[name][role], MISHAPS[name])


def rows(role: Role) -> Sequence[Row]:
    """All that this kind of caller can meet."""
    return [row_of(role, name) for name in TABLE]


def in_both_eras(role: Role) -> Sequence[tuple[Row, str]]:
    """The same in each protocol era; in the later one only, where wires are needed."""
    return [
        (row, era) for row in rows(role) for era in ERAS if era == MODERN or row.name in ANSWERED
    ]


def expected(row: Row) -> dict[str, object]:
    """The whole failure that the caller in this row must be told."""
    fate = row.fate
    if row.role is Role.CHAT:  # a reader is told the same as of any other read
        fate = TABLE[row.name][Role.READ]
        fate = Fate.AGAIN if fate is Fate.OK else fate
    return failure(row.mishap, row.caller, fate)


def failure(mishap: Mishap, caller: Caller, fate: Fate) -> dict[str, object]:
    """All that is told of a mishap; the id of the caller's own request is "ours"."""
    status = mishap.status or (caller.success if "accepted" in mishap.happened else None)
    error = {
        "code": mishap.code,
        "message": mishap.whole or _message(mishap, caller, fate),
        "httpStatus": status,
        "requestId": "ours",
        "requiredScope": caller.scope if mishap.scope else None,
        "retryAfterSeconds": mishap.retry_after,
        "retryable": fate is Fate.AGAIN,
        "outcome": _OUTCOMES.get(fate, "not_applied"),
    }
    return {name: value for name, value in error.items() if value is not None}


def _message(mishap: Mishap, caller: Caller, fate: Fate) -> str:
    """What happened, what became of the call, what to do next."""
    happened = mishap.happened.format(tool=caller.tool, scope=caller.scope)
    if fate is Fate.SEEN:
        seen = _SEEN[caller.tool]
        return f"{happened}, but {caller.tool} took effect: {seen}. Do not call it again."
    looks = fate in {Fate.UNKNOWN, Fate.DONE}
    then = f"Look with {caller.shown_by} before anything else." if looks else mishap.then
    return f"{happened}; {_BECAME[fate]}. {then}"
