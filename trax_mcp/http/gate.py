"""Asks TRaX about a key before the first call with it, and learns from each answer for an hour.

Anyone can invent keys. Until TRaX has accepted one, it counts in limits as nobody's. Only a key
that TRaX says is invalid is kept out: so none is lost in an outage, and TRaX judges each call.
"""

import asyncio
from contextlib import suppress
from contextvars import Context
from typing import Final

from cachetools import TTLCache

from trax_mcp.api.caller import ANONYMOUS, Caller
from trax_mcp.api.client import Client
from trax_mcp.api.errors import TraxError
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.api.reads import ListStudios
from trax_mcp.api.responses import Response
from trax_mcp.clock import Clock

_KEYS: Final = 4096
_ACCEPTED_SECONDS: Final = 3600.0
_ASKED_SECONDS: Final = 10.0
"""How long a refused key is kept out, and how long TRaX isn't asked about it again."""
_PATIENCE_SECONDS: Final = 2.0


class Gate:
    """What TRaX has said of keys, by owner."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._accepted: TTLCache[str, None] = TTLCache(_KEYS, _ACCEPTED_SECONDS, clock.seconds)
        self._asked: TTLCache[str, bool] = TTLCache(_KEYS, _ASKED_SECONDS, clock.seconds)
        """Whether the key is kept out."""
        self._checks: dict[str, asyncio.Task[None]] = {}
        client.observe(self._learn)
        client.name_of = self.name

    def name(self, caller: Caller) -> str:
        """The name under which a caller counts in limits."""
        return caller.owner if caller.owner in self._accepted else ANONYMOUS.owner

    def keeps_out(self, caller: Caller) -> bool:
        """Whether TRaX has refused the key just now."""
        return self._asked.get(caller.owner, False)

    def has_answer(self, caller: Caller) -> bool:
        """Whether nothing is to be asked: there is no key, or TRaX was asked about it."""
        owner = caller.owner
        return caller.key is None or owner in self._accepted or owner in self._asked

    async def ask(self, caller: Caller) -> None:
        """Ask TRaX about a key, unless it was asked before, and wait a moment for the answer."""
        if self.has_answer(caller):
            return
        owner = caller.owner
        if (check := self._checks.get(owner)) is None:
            # A task of its own, since others wait for the same answer. The context is empty, so
            # that it ends nobody's turn.
            check = asyncio.create_task(self._check(caller), context=Context())
            self._checks[owner] = check
        await asyncio.wait({check}, timeout=_PATIENCE_SECONDS)

    async def _check(self, caller: Caller) -> None:
        try:
            with suppress(TraxError):
                await self._client.send(ListStudios(limit=1), caller, retry=False)
        finally:
            self._asked.setdefault(caller.owner, False)
            del self._checks[caller.owner]

    def _learn(
        self,
        operation: Operation[Model],
        caller: Caller,
        result: Response[Model] | TraxError | None,
    ) -> None:
        if operation.endpoint.public or result is None:
            return
        if isinstance(result, Response):
            is_accepted = bool(result.size)  # an empty one can come from anywhere
        else:
            is_accepted = result.code == "insufficient_scope"
        if is_accepted:
            self._accepted[caller.owner] = None
            self._asked.pop(caller.owner, None)
        elif isinstance(result, TraxError) and result.code == "invalid_key":
            self._accepted.pop(caller.owner, None)
            self._asked[caller.owner] = True
