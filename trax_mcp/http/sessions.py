"""The sessions of the earlier era, of which a name has so many, and no more than are free."""

import logging
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Final

from mcp.server import ServerRequestContext
from mcp.server.context import CallNext, HandlerResult

from trax_mcp.api.caller import Caller
from trax_mcp.clock import Clock
from trax_mcp.http.gate import Gate
from trax_mcp.instruments import SESSIONS
from trax_mcp.server.request import CALLER
from trax_mcp.server.sdk_compat import connection_of

MOST_OF_A_NAME: Final = 500
MOST_OF_ALL: Final = 4096

_LOG: Final = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class _Session:
    """`token` is that of its last request."""

    caller: Caller
    began: float
    token: str | None = field(default=None, repr=False)
    held: AsyncExitStack | None = field(default=None, repr=False)
    """What ends with it, such as its subscriptions."""


class Sessions:
    """The open sessions, by their ids, which are secrets. The SDK ends idle ones."""

    def __init__(self, gate: Gate, clock: Clock) -> None:
        self._gate = gate
        self._clock = clock
        self._open: dict[str, _Session] = {}

    async def watch(
        self, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> HandlerResult:
        """Middleware of the SDK that learns of each session, and of its end."""
        if ctx.method == "initialize" and ctx.request is not None:
            connection = connection_of(ctx)
            if (session_id := connection.session_id) is not None:
                session = self._session(session_id, ctx.request.scope[CALLER])
                session.held = connection.exit_stack
                session.held.callback(self._end, session_id)
        return await call_next(ctx)

    async def may_open(self, session_id: str, caller: Caller, token: str | None) -> bool:
        """Add a session. False if its caller has too many; TRaX is asked about the key before."""
        self._session(session_id, caller).token = token
        if self._are_too_many(caller):
            await self._gate.ask(caller)
        if self._are_too_many(caller):
            del self._open[session_id]
            return False
        return True

    def note_token(self, session_id: str, caller: Caller, token: str | None) -> None:
        """Note the token of a request in a session."""
        session = self._open.get(session_id)
        if session is not None and session.caller == caller:
            session.token = token

    def tokens(self) -> set[str | None]:
        """The tokens that were used last in each session."""
        return {it.token for it in self._open.values()}

    async def close_those_of(self, token: str | None) -> None:
        """Close what the sessions with this token hold. The SDK ends them when they are idle."""
        for session in tuple(self._open.values()):
            if session.token != token or session.held is None:
                continue
            try:
                await session.held.aclose()
            except Exception:  # noqa: BLE001  a failure of one session must not end the server
                _LOG.exception("a session couldn't be closed")

    def _session(self, session_id: str, caller: Caller) -> _Session:
        return self._open.setdefault(session_id, _Session(caller, self._clock.seconds()))

    def _are_too_many(self, caller: Caller) -> bool:
        names = Counter(self._gate.name(it.caller) for it in self._open.values())
        return names[self._gate.name(caller)] > min(MOST_OF_A_NAME, MOST_OF_ALL - len(self._open))

    def _end(self, session_id: str) -> None:
        if (ended := self._open.pop(session_id, None)) is not None:
            SESSIONS.record(self._clock.seconds() - ended.began, {"network.transport": "tcp"})
