"""What consent remembers: confirmations and the state of each studio, as steps of a protocol.

Each step of a `ConsentStore` is atomic. Between two steps anything may happen, so a step that
depends on an earlier `look` gets what was seen, and returns `Stale` if it is outdated.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from trax_mcp.api.errors import Outcome
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.consent.evidence import Confirmation, UsedConfirmation
from trax_mcp.consent.preview import HiddenChanges, Preview


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a caller's calls run one after another: a studio, or the target without one.

    `has_access`: TRaX has accepted a call of this caller in the studio. All callers with access
    share one place. Every other caller has a place of their own, so that they cannot delay or
    change the calls of others. Limits count a caller as `owner`. `key` is the caller's API key.
    """

    id: str
    caller: str
    owner: str
    has_access: bool
    key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What `look` saw of a place, and of a confirmation.

    `version` has a number for the shared place and one for the caller's own, which increase when a
    guarded call begins or ends there. `stop_count` increases with each stop that
    TRaX did not refuse, `hidden` with each hidden change. `go_live_pending`: a go-live was sent in
    the last minute, and its result was not seen. `auto_go_live`: this server turned it on.
    `age` is that of the confirmation, in seconds. `declined_seconds`: a person said no to the call,
    and is not asked about it again for so long.
    """

    place: Place
    version: tuple[int, int]
    stop_count: int
    hidden: HiddenChanges
    go_live_pending: bool
    auto_go_live: bool
    confirmation: Confirmation | UsedConfirmation | None
    age: float = 0.0
    declined_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Started:
    """A guarded call that has begun at a place, with a number of its own.

    `stop_count` is that of the place when the call began. `overlapping_go_lives`, of a stop, are
    the numbers of the go-lives that were being sent there when the stop was sent.
    """

    place: Place
    operation: Operation[Model]
    confirmation_id: str | None
    number: int
    stop_count: int
    overlapping_go_lives: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Stale:
    """Nothing was done: what `look` saw is no longer true."""


class ConsentStore(Protocol):
    """Remembers confirmations and the state of studios. A cancelled step has done nothing."""

    async def look(
        self,
        place: Place,
        confirmation_id: str | None,
        operation: Operation[Model] | None = None,
    ) -> Seen:
        """Return the state of a place, the caller's confirmation of that id, and any recent no."""
        ...

    async def add(
        self,
        operation: Operation[Model],
        preview: Preview,
        *,
        seen: Seen,
        choice: str | None = None,
        asked_again: bool = False,
    ) -> Confirmation | Stale:
        """Keep a confirmation under a new id that cannot be guessed.

        Another confirmation may be evicted; one for a stop only by another one for a stop.
        """
        ...

    async def wait_for_go_live(self, place: Place) -> None:
        """Wait until no go-live is being sent at a place."""
        ...

    async def begin(
        self, operation: Operation[Model], *, confirmation_id: str | None, seen: Seen
    ) -> Started | Stale:
        """Wait for the turn at a place, then use the confirmation and start the call.

        A stop does not wait, and is never stale because of what others did. All others wait until
        no stop is being sent.
        """
        ...

    def may_send(self, started: Started) -> bool:
        """Whether it is still this call's turn, as far as this process knows. Never waits."""
        ...

    async def note_overlap(self, started: Started) -> Started:
        """Add the go-lives that are being sent at the place of a stop.

        A stop that has not begun everywhere begins again, under another number.
        """
        ...

    async def go_live_may_follow(self, started: Started) -> bool:
        """Wait until the go-live that was being sent when this stop began has ended.

        Return whether TRaX may have applied it after the stop. False if there was none, or if
        another go-live has begun since.
        """
        ...

    async def wait_for_stop(self, started: Started) -> None:
        """Wait until a stop that began after this call has ended, and TRaX did not refuse it."""
        ...

    async def was_overtaken(self, started: Started) -> bool:
        """Whether a stop has come that did not know of this go-live: TRaX may have got it earlier.

        Its replica could not ask, or took that of the go-live for gone. False if another go-live
        has begun since.
        """
        ...

    async def finish(
        self, started: Started, outcome: Outcome, *, place: Place, hidden_fields: Sequence[str]
    ) -> None:
        """End the turn. A confirmation is given back if the call was certainly not applied.

        `place` is the place as it is now: TRaX may have accepted the caller there meanwhile.
        `hidden_fields` are the things that the call may have changed and that no read shows.
        """
        ...

    async def record(self, started: Started, outcome: str, *, on_air: bool) -> None:
        """Keep the outcome of a call in words. `on_air`: its go-live was seen on air."""
        ...

    async def record_on_air(self, seen: Seen) -> None:
        """A studio was seen on air: no go-live is pending there, unless one began meanwhile."""
        ...

    async def record_auto_go_live(self, place: Place, *, on: bool) -> None:
        """This server has turned `autoGoLive` of a studio on or off."""
        ...

    async def discard(self, confirmation_id: str) -> None:
        """Forget an unused confirmation."""
        ...

    async def decline(self, confirmation: Confirmation, operation: Operation[Model]) -> None:
        """Forget an unused confirmation: a person said no, and is not asked again for a while."""
        ...
