"""What waits for a yes, and what was done on one: all that the guard remembers.

An entry is reached by an unguessable handle, belongs to one caller, lives five minutes and is taken
once. The store decides nothing. It is small on purpose: one that several servers share can stand in
its place. Expiry is by the clock that is handed in.
"""

import secrets
from collections import OrderedDict
from dataclasses import replace
from typing import Final

from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.api.operations import GoLive
from trax_mcp.clock import Clock
from trax_mcp.consent.evidence import Confirmation, UsedConfirmation

LIFETIME_SECONDS: Final = 300.0
MOST_PER_CALLER: Final = 32
MOST_IN_ALL: Final = 4096
STARTING_SECONDS: Final = 60.0
_HANDLE_BYTES = 16


class ConsentStore:
    """Entries by handle, and go-lives that are under way."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: OrderedDict[str, Confirmation | UsedConfirmation] = OrderedDict()
        self._starting: dict[str, float] = {}

    def put(
        self,
        operation: Operation[Model],
        *,
        caller: str,
        digest: str,
        shown: tuple[str, ...] = (),
        choice: str | None = None,
        asked_again: bool = False,
    ) -> Confirmation:
        """Keep what would be agreed to, under a fresh handle; the caller's oldest may go for it."""
        self._forget_expired()
        self._make_room(caller)
        entry = Confirmation(
            handle=secrets.token_urlsafe(_HANDLE_BYTES),
            caller=caller,
            operation=operation,
            digest=digest,
            expires=self._clock.seconds() + LIFETIME_SECONDS,
            shown=shown,
            choice=choice,
            asked_again=asked_again,
        )
        self._kept[entry.handle] = entry
        return entry

    def look(self, handle: str | None, *, caller: str) -> Confirmation | UsedConfirmation | None:
        """What is kept under a handle for this caller; None if expired or never issued to them."""
        self._forget_expired()
        kept = self._kept.get(handle or "")
        return kept if kept is not None and _entry(kept).caller == caller else None

    def take(self, handle: str) -> bool:
        """Use an entry up. True for exactly one taker: nothing can come in between."""
        kept = self._kept.get(handle)
        if not isinstance(kept, Confirmation):
            return False
        self._kept[handle] = UsedConfirmation(kept)
        return True

    def give_back(self, handle: str) -> None:
        """Make a taken entry usable again until it expires: it certainly did nothing."""
        if isinstance(kept := self._kept.get(handle), UsedConfirmation):
            self._kept[handle] = kept.entry

    def drop(self, handle: str) -> None:
        """Forget an entry that was answered with a no."""
        if isinstance(self._kept.get(handle), Confirmation):
            del self._kept[handle]

    def settle(self, handle: str, outcome: str) -> None:
        """Say what came of a taken entry."""
        if isinstance(kept := self._kept.get(handle), UsedConfirmation):
            self._kept[handle] = replace(kept, outcome=outcome)

    def void_starts(self, studio: str) -> None:
        """Forget every yes to take a studio live: a stop is the last word."""
        for handle, kept in list(self._kept.items()):
            if isinstance(kept, Confirmation) and _starts(kept.operation, studio):
                del self._kept[handle]

    def note_start(self, studio: str) -> None:
        """A go-live is on its way, or may be."""
        self._starting[studio] = self._clock.seconds() + STARTING_SECONDS

    def note_end(self, studio: str) -> None:
        """It was seen on air, sent offline, or certainly never began."""
        self._starting.pop(studio, None)

    def is_starting(self, studio: str) -> bool:
        """Whether a go-live was sent within the last minute and nothing has been seen since."""
        return self._starting.get(studio, 0) > self._clock.seconds()

    def _make_room(self, caller: str) -> None:
        """What was used stays: it must still be told apart from what never was."""
        waiting = [it for it in self._kept.values() if isinstance(it, Confirmation)]
        mine = [it.handle for it in waiting if it.caller == caller]
        for handle in mine[: 1 - MOST_PER_CALLER]:
            del self._kept[handle]
        while len(self._kept) >= MOST_IN_ALL:
            self._kept.popitem(last=False)

    def _forget_expired(self) -> None:
        now = self._clock.seconds()
        while self._kept and _entry(next(iter(self._kept.values()))).expires <= now:
            self._kept.popitem(last=False)  # all live equally long, so the oldest is the first
        for studio in [it for it, until in self._starting.items() if until <= now]:
            del self._starting[studio]


def _starts(operation: Operation[Model], studio: str) -> bool:
    return isinstance(operation, GoLive) and operation.studio_id == studio


def _entry(kept: Confirmation | UsedConfirmation) -> Confirmation:
    return kept.entry if isinstance(kept, UsedConfirmation) else kept
