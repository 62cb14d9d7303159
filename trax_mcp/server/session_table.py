"""Decides which sessions of the earlier protocol era stay open. No I/O and no clock.

Anybody can open sessions, and send any text as a key. Each key that TRaX has accepted has its own
room, and all other callers share one. Where room is full, the session that is unused for longest
ends.
"""

import heapq
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from trax_mcp.api.accepted_keys import NOT_ACCEPTED, AcceptedKeys
from trax_mcp.api.caller import Caller

MAX_SESSIONS: Final = 50
"""The most sessions of one key that TRaX has accepted."""
MAX_OTHER_SESSIONS: Final = 100
"""The most sessions of all other callers together."""
IDLE_SECONDS: Final = 1800.0
"""How long a session of an accepted key stays open without a request."""
OTHER_IDLE_SECONDS: Final = 300.0
"""How long any other session does."""


@dataclass(eq=False, slots=True)
class Session:
    """An open session. `user` is who may use it, as the SDK knows them."""

    id: str = field(repr=False)  # a secret
    caller: Caller
    last_used: float
    """When its last request began or ended, in seconds of the clock."""
    user: Any = field(default=None, repr=False)
    requests: int = 0
    """Its requests in flight. An open stream is one."""
    owner: str = NOT_ACCEPTED
    """In whose room it is. Set by the table."""

    @property
    def is_idle(self) -> bool:
        """Whether it has no request in flight and no open stream."""
        return self.requests == 0


class SessionTable:
    """The open sessions, in rooms of limited size."""

    def __init__(self, keys: AcceptedKeys) -> None:
        self._keys = keys
        self._by_id: dict[str, Session] = {}
        self._rooms: defaultdict[str, dict[Session, None]] = defaultdict(dict)

    def find(self, session_id: str, caller: Caller) -> Session | None:
        """The session with this id, if it is this caller's."""
        session = self._by_id.get(session_id)
        return session if session is not None and session.caller == caller else None

    def is_full(self, caller: Caller) -> bool:
        """Whether one more session of this caller would end another."""
        self._move_sessions(NOT_ACCEPTED)
        owner = self._keys.owner(caller)
        return len(self._rooms[owner]) >= _room_size(owner)

    def add(self, session: Session) -> Sequence[Session]:
        """Add a session. Remove and return those that end to make room for it."""
        self._move_sessions(NOT_ACCEPTED)
        self._by_id[session.id] = session
        self._put(session)
        return self._remove_surplus(session.owner)

    def remove(self, session: Session) -> None:
        """Remove a session that has ended."""
        if self._by_id.pop(session.id, None) is not None:
            self._rooms[session.owner].pop(session, None)

    def remove_idle(self, now: float) -> Sequence[Session]:
        """Remove and return the sessions that end because they were idle for too long."""
        for owner in tuple(self._rooms):
            self._move_sessions(owner)
        ended = [session for session in self._by_id.values() if _ends_at(session) <= now]
        for session in ended:
            self.remove(session)
        ended.extend(it for owner in tuple(self._rooms) for it in self._remove_surplus(owner))
        return ended

    def seconds_to_next_end(self, now: float) -> float:
        """How long to wait before the next `remove_idle`.

        At most the shortest idle time: no session that is added meanwhile ends earlier.
        """
        ends = map(_ends_at, self._by_id.values())
        return min(min(ends, default=math.inf) - now, OTHER_IDLE_SECONDS)

    def _put(self, session: Session) -> None:
        session.owner = self._keys.owner(session.caller)
        self._rooms[session.owner][session] = None

    def _move_sessions(self, owner: str) -> None:
        """Move the sessions of callers whom TRaX has accepted, or refused, since they were put."""
        for session in tuple(self._rooms[owner]):
            if self._keys.owner(session.caller) != owner:
                del self._rooms[owner][session]
                self._put(session)

    def _remove_surplus(self, owner: str) -> Sequence[Session]:
        room = self._rooms[owner]
        surplus = len(room) - _room_size(owner)
        ended = heapq.nsmallest(surplus, room, key=lambda it: (not it.is_idle, it.last_used))
        for session in ended:
            self.remove(session)
        if not room:
            del self._rooms[owner]
        return ended


def _room_size(owner: str) -> int:
    return MAX_OTHER_SESSIONS if owner == NOT_ACCEPTED else MAX_SESSIONS


def _ends_at(session: Session) -> float:
    if not session.is_idle:
        return math.inf
    accepted = session.owner != NOT_ACCEPTED
    return session.last_used + (IDLE_SECONDS if accepted else OTHER_IDLE_SECONDS)
