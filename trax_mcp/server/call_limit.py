"""The most tool calls of each key in a minute over HTTP. No call waits for it.

A request is counted before the SDK has it: the SDK answers sessions of the earlier era in a stream,
and sends its status before a tool runs. Each process counts for itself, and then adds to what
replicas share; what they have counted together comes back a moment later, and holds here too. So a
few more may pass at several replicas.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from math import ceil
from typing import Final, NamedTuple, Protocol

import mcp_types as types
from cachetools import LRUCache
from starlette.responses import Response
from starlette.types import Scope

from trax_mcp.api.accepted_keys import AcceptedKeys
from trax_mcp.api.caller import Caller
from trax_mcp.api.errors import NotSent
from trax_mcp.api.operations import OPERATIONS
from trax_mcp.clock import Clock
from trax_mcp.server import call_log, panel
from trax_mcp.server.door import CALLER, refuse
from trax_mcp.server.results import error_payload

NEVER_LIMITED: Final = (*(it.tool_name for it in OPERATIONS if it.stops_broadcast), panel.TOOL_NAME)
"""The tools of stops, and of what a person has answered in a panel."""

_MINUTE: Final = 60.0
_MAX_KEYS: Final = 4096
_LATEST_SECONDS: Final = 2.0
"""How late what replicas have counted may be known here."""

Heard = Callable[[int, float], None]
"""Takes the calls of a key at all replicas in this minute, and the seconds until it ends."""


class SharedCounts(Protocol):
    """The calls that replicas count together."""

    def add(self, owner: str, heard: Heard) -> None:
        """Count one more call of a key, without waiting. `heard` follows if the engine answers."""


class _Call(NamedTuple):
    """A call of a tool. `is_answer`: it brings what a person has said to a question."""

    id: types.RequestId | None
    tool: str
    is_answer: bool


@dataclass(slots=True)
class _Minute:
    """The calls of one key until the end of a minute, which the first of them has begun."""

    ends: float
    calls: int = 0

    def hear(self, calls: int, ends: float) -> None:
        """Take over what all replicas have counted; it may be a moment old, or of a new minute."""
        if ends > self.ends + _LATEST_SECONDS:
            self.calls, self.ends = calls, ends
        else:
            self.calls, self.ends = max(self.calls, calls), min(self.ends, ends)


class CallLimit:
    """At most so many calls a minute with each key that TRaX has accepted.

    Those with other keys share limits of their own. Calls that bring the answer to a question are
    counted apart, up to the same number: whoever has asked a person can use what they said.
    """

    def __init__(
        self, most: int, keys: AcceptedKeys, clock: Clock, shared: SharedCounts | None = None
    ) -> None:
        self._most = most
        self._keys = keys
        self._clock = clock
        self._shared = shared
        self._minutes: LRUCache[str, _Minute] = LRUCache(_MAX_KEYS)

    def check(self, scope: Scope, body: bytes) -> Response | None:
        """Count a request if it calls a tool. Returns the response to one too many."""
        caller: Caller = scope[CALLER]
        call = _read_call(body) if self._keys.has(caller) else None
        if call is None or (error := self._count(caller, call)) is None:
            return None
        call_log.write_refused(scope, caller, call.tool, error.code)
        return refuse(
            HTTPStatus.TOO_MANY_REQUESTS,
            error.message,
            {"Retry-After": f"{error.retry_after_seconds:g}"},
            request_id=call.id,
            data=error_payload(error),
        )

    def _count(self, caller: Caller, call: _Call) -> NotSent | None:
        """Count a call. Returns why it is one too many."""
        now, whose = self._clock.seconds(), f"{caller.owner}{' answers' if call.is_answer else ''}"
        minute = self._minutes.get(whose)
        if minute is None or now >= minute.ends:
            minute = self._minutes[whose] = _Minute(now + _MINUTE)
        if minute.calls >= self._most:
            what = "answers" if call.is_answer else "calls"
            return self._too_many(ceil(minute.ends - now), what)
        minute.calls += 1
        if self._shared is not None:
            self._shared.add(whose, partial(self._hear, minute))
        return None

    def _hear(self, minute: _Minute, calls: int, seconds: float) -> None:
        minute.hear(calls, self._clock.seconds() + seconds)

    def _too_many(self, seconds: int, what: str) -> NotSent:
        return NotSent(
            "rate_limited",
            f"More than {self._most} {what} came with this key in a minute, which is this server's"
            " limit and not TRaX's",
            f"Call again in {seconds} s.",
            retryable=True,
            retry_after_seconds=seconds,
        )


def _read_call(body: bytes) -> _Call | None:
    """The call of a tool in a request. None if there is none, or it is never limited.

    The SDK parses with `json.loads` too, or in the earlier era with what accepts no more than that.
    """
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return None
    match message:
        case {"method": "tools/call", "params": {"name": str(tool)} as params} if (
            tool not in NEVER_LIMITED
        ):
            request_id = message.get("id")
            is_id = isinstance(request_id, str | int)
            return _Call(request_id if is_id else None, tool, _is_answer(params))
    return None


def _is_answer(params: Mapping[str, object]) -> bool:
    """Whether a call brings what a person has said, in a form or to a preview.

    Some clients send null for each argument that they leave out.
    """
    match params.get("arguments"):
        case {"confirmation": confirmation} if confirmation:
            return True
    return bool(params.get("requestState") or params.get("inputResponses"))
