"""The sessions of the earlier protocol era, of which each caller has room for some.

Anyone can open sessions, and the SDK keeps them for half an hour. Each key that TRaX has accepted
has room of its own, and all other callers share one. Where a room is full, the session ends that
was not used for the longest time, but none in use.
"""

import logging
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from mcp.server.streamable_http import MCP_SESSION_ID_HEADER
from starlette.types import ASGIApp, Message, Scope

from trax_mcp.api.accepted_keys import NOT_ACCEPTED
from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.errors import TraxError
from trax_mcp.api.reads import ListStudios
from trax_mcp.clock import Clock
from trax_mcp.http.door import PATH
from trax_mcp.instruments import SESSIONS as LASTED

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

SESSIONS: Final = 500
"""The most sessions of a key that TRaX has accepted."""
SHARED_SESSIONS: Final = 100
"""The most of all other callers together."""
ALL_SESSIONS: Final = 4096
_IDLE_SECONDS: Final = 1800.0
"""The SDK ends a session that was not used for so long."""

_LOG: Final = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class Session:
    """A session. `user` is the SDK's, who may use it; `token` is that of the last request."""

    id: str = field(repr=False)  # a secret
    caller: Caller
    user: Any = field(repr=False)
    began: float
    token: str | None = field(default=None, repr=False)
    last_used: float = 0
    calls: int = 0
    streams: int = 0

    @property
    def is_idle(self) -> bool:
        """Whether it has no call in flight and no open stream."""
        return not self.calls and not self.streams


class Sessions:
    """The open sessions. `app` is the SDK's, and `tasks` is set when it runs."""

    tasks: "TaskGroup"

    def __init__(self, app: ASGIApp, client: Client, clock: Clock) -> None:
        self._app = app
        self._client = client
        self._keys = client.accepted_keys
        self._clock = clock
        self._by_id: dict[str, Session] = {}
        """The one that was used longest ago is the first."""

    def find(self, session_id: str | None, caller: Caller) -> Session | None:
        """The session with this id, if it is this caller's."""
        session = self._by_id.get(session_id or "")
        return session if session is not None and session.caller == caller else None

    async def open(self, session_id: str, caller: Caller, user: object) -> Session | None:
        """Add a session, for which another one ends if need be. None if all others are in use."""
        if self._owners()[NOT_ACCEPTED] >= SHARED_SESSIONS and not self._keys.has(caller):
            await self._try_key(caller)
        full = self._full(self._keys.limit_name(caller))
        if full is not None:
            others = (it for it in self._by_id.values() if self._keys.limit_name(it.caller) == full)
            if (unused := next((it for it in others if it.is_idle), None)) is None:
                return None
            self.end(unused)
        return Session(session_id, caller, user, self._clock.seconds())

    def begin(self, session: Session, token: str | None, *, is_stream: bool) -> None:
        """Note that a request begins."""
        self._by_id.pop(session.id, None)
        self._by_id[session.id] = session
        session.token = token
        self._count(session, 1, is_stream=is_stream)

    def finish(self, session: Session, *, is_stream: bool) -> None:
        """Note that a request has ended."""
        self._count(session, -1, is_stream=is_stream)

    def remove(self, session: Session) -> bool:
        """Remove a session that has ended. False if it was removed before."""
        if self._by_id.pop(session.id, None) is None:
            return False
        LASTED.record(self._clock.seconds() - session.began, {"network.transport": "tcp"})
        return True

    def end(self, session: Session) -> None:
        """End a session. Its client then gets 404, and opens another.

        Source: MCP 2025-11-25, Transports, "Session Management".
        """
        if self.remove(session):
            # Not in the request's task: that can be cancelled.
            self.tasks.start_soon(self._delete, session)

    def forget_ended(self) -> None:
        """Forget those that the SDK has ended."""
        earliest = self._clock.seconds() - _IDLE_SECONDS
        for session in tuple(self._by_id.values()):
            if session.is_idle and session.last_used < earliest:
                self.remove(session)

    def forget_all(self) -> None:
        """Forget all at the end of the process, and measure how long they have lasted."""
        for session in tuple(self._by_id.values()):
            self.remove(session)

    def tokens(self) -> set[str | None]:
        """The tokens that were used last in each session."""
        return {it.token for it in self._by_id.values()}

    def end_those_of(self, token: str) -> None:
        """End the sessions in which this token was used last."""
        for session in tuple(self._by_id.values()):
            if session.token == token:
                self.end(session)

    def _owners(self) -> Counter[str]:
        """How many sessions each owner has."""
        return Counter(self._keys.limit_name(it.caller) for it in self._by_id.values())

    def _full(self, owner: str) -> str | None:
        """Whose session must end for a new one of this owner, if there is no room."""
        owners = self._owners()
        if owners[owner] >= (SHARED_SESSIONS if owner == NOT_ACCEPTED else SESSIONS):
            return owner
        return owners.most_common(1)[0][0] if owners.total() >= ALL_SESSIONS else None

    def _count(self, session: Session, change: int, *, is_stream: bool) -> None:
        session.last_used = self._clock.seconds()
        if is_stream:
            session.streams += change
        else:
            session.calls += change

    async def _try_key(self, caller: Caller) -> None:
        """Make one call, so that the client learns whether TRaX accepts the key."""
        if caller.key is not None:
            with suppress(TraxError):
                await self._client.send(ListStudios(limit=1), caller, retry=False)

    async def _delete(self, session: Session) -> None:
        """End a session as its client would: with DELETE."""
        scope: Scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "DELETE",
            "path": PATH,
            "query_string": b"",
            "headers": [(MCP_SESSION_ID_HEADER.encode(), session.id.encode())],
            **({} if session.user is None else {"user": session.user}),
        }
        try:
            await self._app(scope, _receive_nothing, _send_nothing)
        except Exception:  # noqa: BLE001  a failure of one session must not end the server
            _LOG.exception("a session could not be ended")


async def _receive_nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _send_nothing(_message: Message) -> None:
    pass
