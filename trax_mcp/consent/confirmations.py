"""Keeps confirmations until they expire, up to a number for each owner."""

import secrets
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Final

from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.clock import Clock
from trax_mcp.consent.evidence import Confirmation, UsedConfirmation
from trax_mcp.consent.preview import Preview

LIFETIME_SECONDS: Final = 300.0
"""How long a confirmation is valid."""
MAX_PER_OWNER: Final = 32
"""The most confirmations of one owner in each group: for stops, for other calls, used ones."""
MAX_CONFIRMATIONS: Final = 4096
"""The most confirmations for stops, and the most of all others, of all owners together."""

_ID_BYTES: Final = 16
_KEPT_AFTER_EXPIRY_SECONDS: Final = 10.0

Stored = Confirmation | UsedConfirmation


class Confirmations:
    """The confirmations of a process, the oldest first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._stored: OrderedDict[str, Stored] = OrderedDict()

    def get(self, confirmation_id: str | None) -> Stored | None:
        """The confirmation of an id, unless it has expired or is not known."""
        stored = self._stored.get(confirmation_id or "")
        return stored if stored and not self._has_expired(_confirmation(stored)) else None

    def add(
        self,
        operation: Operation[Model],
        preview: Preview,
        *,
        caller: str,
        owner: str,
        choice: str | None,
        asked_again: bool,
        hidden_version: int,
    ) -> Confirmation:
        """Keep a confirmation under a new id that cannot be guessed. May evict others."""
        self._remove_expired()
        confirmation = Confirmation(
            id=secrets.token_urlsafe(_ID_BYTES),
            caller=caller,
            owner=owner,
            operation=operation,
            digest=preview.digest,
            expires=self._clock.seconds() + LIFETIME_SECONDS,
            expires_at=self._clock.now() + timedelta(seconds=LIFETIME_SECONDS),
            shown=preview.shown,
            puts_on_air=preview.puts_on_air,
            choice=choice,
            asked_again=asked_again,
            hidden_version=hidden_version,
        )
        self._put(confirmation)
        return confirmation

    def use(self, confirmation: Confirmation) -> bool:
        """Mark a confirmation as used. False if it was used, discarded or evicted meanwhile."""
        if self._stored.get(confirmation.id) != confirmation:
            return False
        self._put(UsedConfirmation(confirmation))
        return True

    def give_back(self, confirmation_id: str | None, *, after_stop: bool) -> None:
        """Make a used confirmation valid again: its call was certainly not applied.

        `after_stop`: a stop came meanwhile, so that a call may no longer put anything on air.
        """
        stored = self._stored.get(confirmation_id or "")
        if isinstance(stored, UsedConfirmation):
            if after_stop and stored.confirmation.puts_on_air:
                del self._stored[stored.confirmation.id]
            else:
                self._put(stored.confirmation)

    def record(self, confirmation_id: str | None, outcome: str) -> None:
        """Keep the outcome of a used confirmation, in words."""
        if isinstance(stored := self._stored.get(confirmation_id or ""), UsedConfirmation):
            self._stored[stored.confirmation.id] = replace(stored, outcome=outcome)

    def discard(self, confirmation_id: str) -> None:
        """Forget an unused confirmation."""
        self.discard_if(lambda it: it.id == confirmation_id)

    def discard_if(self, condition: Callable[[Confirmation], bool]) -> None:
        """Forget all unused confirmations that meet a condition."""
        for stored in tuple(self._stored.values()):
            if isinstance(stored, Confirmation) and condition(stored):
                del self._stored[stored.id]

    def _put(self, stored: Stored) -> None:
        """Store one under its id. Evicts the oldest of its group over the limit."""
        confirmation_id = _confirmation(stored).id
        others = [
            it_id
            for it_id, it in self._stored.items()
            if it_id != confirmation_id and _group(it) == _group(stored)
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
            confirmations = [_confirmation(it) for it in alike]
            ((owner, _),) = Counter(it.owner for it in confirmations).most_common(1)
            del self._stored[next(it.id for it in confirmations if it.owner == owner)]

    def _remove_expired(self) -> None:
        """Remove those that expired a while ago: a stop may be about to use one."""
        before = self._clock.seconds() - _KEPT_AFTER_EXPIRY_SECONDS
        for stored in tuple(self._stored.values()):
            if _confirmation(stored).expires < before:
                del self._stored[_confirmation(stored).id]

    def _has_expired(self, confirmation: Confirmation) -> bool:
        """By either clock: the monotonic one stands still while a computer sleeps."""
        return (
            self._clock.seconds() >= confirmation.expires
            or self._clock.now() >= confirmation.expires_at
        )


def _confirmation(stored: Stored) -> Confirmation:
    return stored.confirmation if isinstance(stored, UsedConfirmation) else stored


def _is_for_stop(stored: Stored) -> bool:
    return isinstance(stored, Confirmation) and stored.operation.stops_broadcast


def _group(stored: Stored) -> tuple[str, str]:
    """The group in which the limits count it. Stops count for each caller and studio alone."""
    if isinstance(stored, UsedConfirmation):
        return stored.confirmation.owner, "used"
    if stored.operation.stops_broadcast:
        return stored.caller, f"stop {stored.operation.studio()}"
    return stored.owner, "other"
