"""Decides which sessions of the earlier protocol era stay open. No I/O and no clock.

Anyone can open sessions, and send any text as a key. Each key that TRaX has accepted therefore has
a limit of its own, and all other callers share one limit. Over a limit, the session that was not
used for the longest time ends.
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
"""The same for a session of any other caller."""


@dataclass(eq=False, slots=True)
class Session:
    """An open session. `user` is the user of the SDK who may use it."""

    id: str = field(repr=False)  # a secret
    caller: Caller
    last_used: float
    """When its last request began or ended, in seconds of the clock."""
    user: Any = field(default=None, repr=False)
    requests: int = 0
    """Its requests in flight. An open stream counts as one."""
    owner: str = NOT_ACCEPTED
    """The owner whose limit it counts in. Set by the table."""

    @property
    def is_idle(self) -> bool:
        """Whether it has no request in flight and no open stream."""
        return self.requests == 0


class SessionTable:
    """The open sessions, by id and by owner."""

    def __init__(self, keys: AcceptedKeys) -> None:
        self._keys = keys
        self._by_id: dict[str, Session] = {}
        self._by_owner: defaultdict[str, dict[Session, None]] = defaultdict(dict)

    def find(self, session_id: str, caller: Caller) -> Session | None:
        """The session with this id, if it is this caller's."""
        session = self._by_id.get(session_id)
        return session if session is not None and session.caller == caller else None

    def is_full(self, caller: Caller) -> bool:
        """Whether one more session of this caller would end another."""
        self._move_sessions(NOT_ACCEPTED)
        owner = self._keys.owner(caller)
        return len(self._by_owner[owner]) >= _limit(owner)

    def add(self, session: Session) -> Sequence[Session]:
        """Add a session. Remove and return those that are over the limit now, which must end."""
        self._move_sessions(NOT_ACCEPTED)
        self._by_id[session.id] = session
        self._add_to_owner(session)
        return self._remove_surplus(session.owner)

    def remove(self, session: Session) -> None:
        """Remove a session that has ended."""
        if self._by_id.pop(session.id, None) is not None:
            self._by_owner[session.owner].pop(session, None)

    def remove_idle(self, now: float) -> Sequence[Session]:
        """Remove and return the sessions that must end: idle for too long, or over a limit."""
        for owner in tuple(self._by_owner):
            self._move_sessions(owner)
        ended = [session for session in self._by_id.values() if _ends_at(session) <= now]
        for session in ended:
            self.remove(session)
        for owner in tuple(self._by_owner):
            ended += self._remove_surplus(owner)
        return ended

    def seconds_to_next_end(self, now: float) -> float:
        """How long to wait before the next `remove_idle`.

        At most the shortest idle time: no session that is added meanwhile ends earlier.
        """
        ends = map(_ends_at, self._by_id.values())
        return min(min(ends, default=math.inf) - now, OTHER_IDLE_SECONDS)

    def _add_to_owner(self, session: Session) -> None:
        session.owner = self._keys.owner(session.caller)
        self._by_owner[session.owner][session] = None

    def _move_sessions(self, owner: str) -> None:
        """Move the sessions of callers whose owner has changed since they were added."""
        for session in tuple(self._by_owner[owner]):
            if self._keys.owner(session.caller) != owner:
                del self._by_owner[owner][session]
                self._add_to_owner(session)

    def _remove_surplus(self, owner: str) -> Sequence[Session]:
        sessions = self._by_owner[owner]
        surplus = len(sessions) - _limit(owner)
        ended = heapq.nsmallest(surplus, sessions, key=lambda it: (not it.is_idle, it.last_used))
        for session in ended:
            self.remove(session)
        if not sessions:
            del self._by_owner[owner]
        return ended


def _limit(owner: str) -> int:
    return MAX_OTHER_SESSIONS if owner == NOT_ACCEPTED else MAX_SESSIONS


def _ends_at(session: Session) -> float:
    if not session.is_idle:
        return math.inf
    accepted = session.owner != NOT_ACCEPTED
    return session.last_used + (IDLE_SECONDS if accepted else OTHER_IDLE_SECONDS)
