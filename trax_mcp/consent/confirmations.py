"""Keeps confirmations until they expire, up to a number for each owner."""

import secrets
from collections import Counter, OrderedDict
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.clock import Clock
from trax_mcp.consent.evidence import Confirmation, Stored, UsedConfirmation, call_digest, original
from trax_mcp.consent.preview import Preview
from trax_mcp.consent.store import Seen

LIFETIME_SECONDS: Final = 300.0
"""How long a confirmation is valid."""
MAX_PER_OWNER: Final = 32
"""The most confirmations of one owner in each group: for stops, for other calls, used ones."""
MAX_CONFIRMATIONS: Final = 4096
"""The most confirmations for stops, and the most of all others, of all owners together."""

_ID_BYTES: Final = 16
_KEPT_AFTER_EXPIRY_SECONDS: Final = 10.0


class Confirmations:
    """The confirmations of a process, the oldest first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._stored: OrderedDict[str, Stored] = OrderedDict()

    def get(self, confirmation_id: str | None) -> Stored | None:
        """The confirmation of an id, unless it has expired or is not known."""
        stored = self._stored.get(confirmation_id or "")
        return stored if stored and not self._has_expired(original(stored)) else None

    def add(
        self,
        operation: Operation[Model],
        preview: Preview,
        *,
        seen: Seen,
        choice: str | None,
        asked_again: bool,
    ) -> Confirmation:
        """Keep a confirmation under a new id that cannot be guessed. May evict others."""
        self._remove_expired()
        confirmation = new_confirmation(
            operation,
            preview,
            seen=seen,
            choice=choice,
            asked_again=asked_again,
            expires=self._clock.seconds() + LIFETIME_SECONDS,
            expires_at=self._clock.now() + timedelta(seconds=LIFETIME_SECONDS),
        )
        self._put(confirmation)
        return confirmation

    def use(self, stored: Stored | None) -> bool:
        """Mark a confirmation as used. False if it was used, discarded or evicted meanwhile."""
        if not isinstance(stored, Confirmation) or self._stored.get(stored.id) != stored:
            return False
        self._put(UsedConfirmation(stored))
        return True

    def give_back(self, confirmation_id: str | None) -> None:
        """Make a used confirmation valid again: its call was certainly not applied."""
        stored = self._stored.get(confirmation_id or "")
        if isinstance(stored, UsedConfirmation):
            self._put(stored.confirmation)

    def record(self, confirmation_id: str | None, outcome: str) -> None:
        """Keep the outcome of a used confirmation, in words."""
        if isinstance(stored := self._stored.get(confirmation_id or ""), UsedConfirmation):
            self._stored[stored.confirmation.id] = replace(stored, outcome=outcome)

    def discard(self, confirmation_id: str) -> None:
        """Forget an unused confirmation."""
        if isinstance(self._stored.get(confirmation_id), Confirmation):
            del self._stored[confirmation_id]

    def _put(self, stored: Stored) -> None:
        """Store one under its id. Evicts the oldest of its group over the limit."""
        confirmation_id = original(stored).id
        others = [
            it_id
            for it_id, it in self._stored.items()
            if it_id != confirmation_id and group(it) == group(stored)
        ]
        for it_id in others[: max(0, len(others) - MAX_PER_OWNER + 1)]:
            del self._stored[it_id]
        if confirmation_id not in self._stored:
            self._make_room(stored)
        self._stored[confirmation_id] = stored

    def _make_room(self, incoming: Stored) -> None:
        """Evict the oldest one of the owner who has the most, if there are too many of a kind.

        Those for stops and all others count apart: neither evicts the other.
        """
        alike = [it for it in self._stored.values() if _is_for_stop(it) == _is_for_stop(incoming)]
        if len(alike) >= MAX_CONFIRMATIONS:
            confirmations = [original(it) for it in alike]
            ((owner, _),) = Counter(it.owner for it in confirmations).most_common(1)
            del self._stored[next(it.id for it in confirmations if it.owner == owner)]

    def _remove_expired(self) -> None:
        """Remove those that expired a while ago: a stop may be about to use one."""
        before = self._clock.seconds() - _KEPT_AFTER_EXPIRY_SECONDS
        for stored in tuple(self._stored.values()):
            if original(stored).expires < before:
                del self._stored[original(stored).id]

    def _has_expired(self, confirmation: Confirmation) -> bool:
        """By either clock: the monotonic one stands still while a computer sleeps."""
        return (
            self._clock.seconds() >= confirmation.expires
            or self._clock.now() >= confirmation.expires_at
        )


def new_confirmation(
    operation: Operation[Model],
    preview: Preview,
    *,
    seen: Seen,
    choice: str | None,
    asked_again: bool,
    expires: float,
    expires_at: datetime,
) -> Confirmation:
    """A confirmation with a new id that cannot be guessed."""
    confirmation_id = secrets.token_urlsafe(_ID_BYTES)
    return Confirmation(
        id=confirmation_id,
        caller=seen.place.caller,
        owner=seen.place.owner,
        studio=operation.studio(),
        call=call_digest(operation, confirmation_id),
        digest=preview.digest,
        expires=expires,
        expires_at=expires_at,
        stops_broadcast=operation.stops_broadcast,
        shown=preview.shown,
        puts_on_air=preview.puts_on_air,
        choice=choice,
        asked_again=asked_again,
        hidden_version=seen.hidden.version,
        stop_count=seen.stop_count,
    )


def _is_for_stop(stored: Stored) -> bool:
    return isinstance(stored, Confirmation) and stored.stops_broadcast


def group(stored: Stored) -> tuple[str, str]:
    """The owner and the group that the limits count. Stops count for each caller and studio."""
    if isinstance(stored, UsedConfirmation):
        return stored.confirmation.owner, "used"
    if stored.stops_broadcast:
        return stored.caller, f"stop {stored.studio}"
    return stored.owner, "other"
