"""Who calls in each column of the table, and what each of them must be told.

Facts and words, and nothing that plays them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tests.acts import STUDIO
from tests.audience import CHAT_PATH
from tests.faults.answers import ANSWERED, Met
from tests.faults.table import TABLE, Kind, Word
from tests.faults.wires import MISTREATED
from tests.witness import STUDIO as PLACE

if TYPE_CHECKING:
    from collections.abc import Sequence

MET: Final = {**ANSWERED, **MISTREATED}
"""How each fault of the table is made, and told."""

WORDS: Final = "Hello"
"""What is sent where viewers see it at once."""


class Caller(NamedTuple):
    """A kind of caller: what it calls, and which requests of that meet the fault.

    `tool` is the operation that fails, `success` its status where it does not, and `shown_by` the
    one that shows what became of it. `requests`: how many of them one call makes at first.
    `begins`: how many seconds before the fault.
    """

    calls: str
    arguments: dict[str, Any]
    tool: str
    method: str
    path: str
    scope: str
    shown_by: str = ""
    success: int = 200
    requests: int = 1
    begins: int = 0
    on_air: bool = False


CALLERS: Final = {
    Kind.READ: Caller("get_studio", STUDIO, "get_studio", "GET", PLACE, "studios:read"),
    Kind.WRITE: Caller(
        "send_chat_message",
        {**STUDIO, "text": WORDS},
        "send_chat_message",
        "POST",
        CHAT_PATH,
        "chat:send",
        shown_by="list_chat_messages",
        success=201,
    ),
    Kind.START: Caller(
        "go_live",
        STUDIO,
        "go_live",
        "POST",
        f"{PLACE}/go-live",
        "stream:golive",
        shown_by="get_stream_status",
    ),
    Kind.STOP: Caller(
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
    Kind.FACTS: Caller("go_live", STUDIO, "get_studio", "GET", "*", "studios:read", requests=6),
    Kind.HURRY: Caller(
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
    Kind.CHAT: Caller(
        "wait_for_chat_messages",
        STUDIO,
        "list_chat_messages",
        "GET",
        CHAT_PATH,
        "chat:read",
        begins=2,
    ),
}

_BECAME: Final = {
    Word.AGAIN: "nothing was changed",
    Word.NEVER: "nothing was changed",
    Word.UNKNOWN: "whether it took effect is not known",
    Word.DONE: "it has taken effect, so do not call again",
}
_OUTCOMES: Final = {Word.UNKNOWN: "unknown", Word.DONE: "applied", Word.SEEN: "applied"}
_SEEN: Final = {
    "go_live": "it is on air since 2026-06-05T18:00:03.000Z",
    "go_offline": "it is off air",
}


def rows(kind: Kind) -> Sequence[str]:
    """The faults, each with what must come of it for this kind, as the name of a test."""
    return [f"{name} -> {words[kind]}" for name, words in TABLE.items()]


def expected(row: str, kind: Kind) -> dict[str, object]:
    """The whole failure that a caller must be told; the id of its own request is "ours"."""
    met, caller, word = MET[name_of(row)], CALLERS[kind], word_of(row)
    if kind is Kind.CHAT:  # a reader is told the same as of any other read
        word = TABLE[name_of(row)][Kind.READ]
        word = Word.AGAIN if word is Word.OK else word
    status = met.status or (caller.success if "accepted" in met.happened else None)
    error = {
        "code": met.code,
        "message": met.told or _message(met, caller, word),
        "httpStatus": status,
        "requestId": "ours",
        "requiredScope": caller.scope if met.scope else None,
        "retryAfterSeconds": met.retry_after,
        "retryable": word is Word.AGAIN,
        "outcome": _OUTCOMES.get(word, "not_applied"),
    }
    return {name: value for name, value in error.items() if value is not None}


def _message(met: Met, caller: Caller, word: Word) -> str:
    """What happened, what became of the call, what to do next."""
    happened = met.happened.format(tool=caller.tool, scope=caller.scope)
    if word is Word.SEEN:
        seen = _SEEN[caller.tool]
        return f"{happened}, but {caller.tool} took effect: {seen}. Do not call it again."
    looks = word in {Word.UNKNOWN, Word.DONE}
    then = f"Look with {caller.shown_by} before anything else." if looks else met.then
    return f"{happened}; {_BECAME[word]}. {then}"


def name_of(row: str) -> str:
    """Which fault a row is about."""
    return row.partition(" -> ")[0]


def word_of(row: str) -> Word:
    """What must come of it."""
    return Word(row.partition(" -> ")[2])
