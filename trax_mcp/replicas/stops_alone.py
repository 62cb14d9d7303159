"""Stops without the engine: what they need stands in their confirmations."""

from dataclasses import replace
from datetime import UTC, datetime

from cachetools import TTLCache

from trax_mcp.api.error_texts import store_unavailable
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.clock import Clock
from trax_mcp.consent.confirmations import LIFETIME_SECONDS
from trax_mcp.consent.evidence import Confirmation, broadcast_digest, call_digest, short_digest
from trax_mcp.consent.preview import NOTHING_HIDDEN, digest
from trax_mcp.consent.store import Place, Seen, Stale, Started
from trax_mcp.replicas.engine import Engine
from trax_mcp.replicas.records import StoredConfirmation
from trax_mcp.replicas.step import KEPT_SECONDS, Step
from trax_mcp.replicas.stop_confirmations import digests_of, end_of, is_of_run, is_signed, sign


class StopsAlone:
    """Gives and checks the confirmations of stops, and remembers those that `replica` has used."""

    def __init__(self, engine: Engine, clock: Clock, replica: str) -> None:
        self._engine = engine
        self._clock = clock
        self._replica = replica
        self._used: TTLCache[str, int] = TTLCache(4096, KEPT_SECONDS, timer=clock.seconds)

    def note_use(self, confirmation_id: str, number: int) -> None:
        """A call has used this confirmation."""
        self._used[confirmation_id] = number

    def give_back(self, confirmation_id: str | None) -> None:
        """The call that used this confirmation was certainly not applied."""
        self._used.pop(confirmation_id or "", None)

    def new_number(self) -> int:
        """A number for a call of now, by the engine's clock if it is known: this may be wrong."""
        return int((self._engine.now() or self._clock.now().timestamp()) * 1_000_000)

    def seen(self, place: Place, confirmation_id: str | None, operation: Operation[Model]) -> Seen:
        """The facts for a stop, without the engine: whether its confirmation is genuine."""
        confirmation = self._checked(place, confirmation_id, operation)
        return Seen(
            place=place,
            version=(0, 0),
            stop_count=0,
            hidden=NOTHING_HIDDEN,
            go_live_pending=False,
            auto_go_live=False,
            confirmation=confirmation,
            age=self._age(confirmation) if confirmation else 0.0,
        )

    def begin(
        self, operation: Operation[Model], confirmation_id: str | None, seen: Seen
    ) -> Started | Stale:
        """Begin a stop without the engine.

        Raises:
            NotSent: any other call.
        """
        if not operation.stops_broadcast:
            raise store_unavailable()
        number = self.new_number()
        if confirmation_id is not None:
            # It does not expire while the stop waits.
            if confirmation_id in self._used or not isinstance(seen.confirmation, Confirmation):
                return Stale()
            self._used[confirmation_id] = number
        return Started(seen.place, operation, confirmation_id, number, seen.stop_count)

    def complete(
        self, step: Step, confirmation_id: str | None, operation: Operation[Model]
    ) -> None:
        """Add what the engine does not know of the confirmation of a stop.

        An earlier run of the engine may have kept it, or this replica may have used it alone.
        """
        kept = step.confirmation
        if kept is not None and (number := self._used.get(kept.confirmation.id)):
            step.confirmation = kept if kept.number else kept.used(number, self._replica)
        if kept is not None or is_of_run(confirmation_id or "", step.snapshot.run):
            return
        if confirmation := self._checked(step.place, confirmation_id, operation):
            expires = step.now + LIFETIME_SECONDS - self._age(confirmation)
            step.confirmation = StoredConfirmation(replace(confirmation, expires=expires))

    def signed(
        self,
        confirmation: Confirmation,
        operation: Operation[Model],
        place: Place,
        broadcast_start: str | None,
        *,
        is_kept: bool,
    ) -> Confirmation:
        """A stop's confirmation, under an id that every replica can check without the engine.

        If it `is_kept`, the engine of this run is asked whether it is valid.
        """
        signed = sign(
            place,
            until=confirmation.expires_at.timestamp(),
            run=self._engine.run if is_kept else "",
            broadcast=broadcast_digest(broadcast_start),
            choice=short_digest(confirmation.choice),
        )
        return replace(confirmation, id=signed, call=call_digest(operation, signed))

    def _age(self, confirmation: Confirmation) -> float:
        """For how many seconds it has been valid."""
        left = confirmation.expires_at - self._clock.now()
        return LIFETIME_SECONDS - left.total_seconds()

    def _checked(
        self, place: Place, confirmation_id: str | None, operation: Operation[Model]
    ) -> Confirmation | None:
        """The confirmation of a stop, if it is genuine and was not used by this replica."""
        if (
            confirmation_id is None
            or confirmation_id in self._used
            or not is_signed(confirmation_id, place, now=self._clock.now().timestamp())
        ):
            return None
        broadcast, choice = digests_of(confirmation_id)
        return Confirmation(
            id=confirmation_id,
            caller=place.caller,
            owner=place.owner,
            studio=operation.studio(),
            call=call_digest(operation, confirmation_id),
            digest=digest(operation, ()),
            expires=0.0,
            expires_at=datetime.fromtimestamp(end_of(confirmation_id), UTC),
            stops_broadcast=True,
            broadcast=broadcast,
            choice_digest=choice,
        )
