"""The steps of a `ConsentStore`, as the guard takes them, for tests of the store."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

import anyio
import pytest

from tests.support.concurrency import settle
from tests.support.product.shared_clock import HandClock
from tests.support.server_process import PATIENCE_SECONDS
from trax_mcp.api.accepted_keys import NOT_ACCEPTED
from trax_mcp.api.operations import DeleteSource, GoLive, GoOffline, UpdateDestination, UpdateStudio
from trax_mcp.consent.evidence import Confirmation, UsedConfirmation
from trax_mcp.consent.preview import Preview, Target
from trax_mcp.consent.store import ConsentStore, Place, Seen, Stale, Started

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from datetime import datetime

    from tests.support.product.sandbox import Sandbox
    from trax_mcp.api.errors import Outcome
    from trax_mcp.api.models import Model
    from trax_mcp.api.operation import Operation

ArgumentT = TypeVar("ArgumentT")
ResultT = TypeVar("ResultT")

POSSIBLY_APPLIED: Final[tuple[Outcome, ...]] = ("applied", "unknown")
OUTCOMES: Final[tuple[Outcome, ...]] = (*POSSIBLY_APPLIED, "not_applied")
every_outcome = pytest.mark.parametrize("outcome", OUTCOMES)
possibly_applied = pytest.mark.parametrize("outcome", POSSIBLY_APPLIED)

STUDIO, OTHER_STUDIO = "studio_42", "studio_43"
GO_LIVE: Final = GoLive(studio_id=STUDIO)
GO_OFFLINE: Final = GoOffline(studio_id=STUDIO)
DELETE: Final = DeleteSource(studio_id=STUDIO, source_id="source_1")
CHANGE: Final = UpdateDestination(
    studio_id=STUDIO, dest_id="dest_1", rtmp_url="rtmps://new.example"
)
ENABLE: Final = UpdateDestination(studio_id=STUDIO, dest_id="dest_1", enabled=True)
AUTO_GO_LIVE: Final = UpdateStudio(studio_id=STUDIO, auto_go_live=True)

NOT_STOPS: Final = (GO_LIVE, DELETE, CHANGE)
LEADING_TO_AIR: Final = (GO_LIVE, ENABLE, AUTO_GO_LIVE)
ADDRESS: Final = "the address"

_IS_SHARED: Final = "TEST_STORE_URL" in os.environ
_MOST_ELSEWHERE: Final = 50
"""At so many other places a shared store is used: it forgets none because of their number."""

in_memory = pytest.mark.skipif(_IS_SHARED, reason="It is about the memory of one process.")

ME: Final = Place(id=STUDIO, caller="fingerprint-of-me", owner="fingerprint-of-me", has_access=True)
YOU: Final = replace(ME, caller="fingerprint-of-you", owner="fingerprint-of-you")
UNACCEPTED: Final = Place(
    id=STUDIO, caller="fingerprint-of-unaccepted", owner=NOT_ACCEPTED, has_access=False
)
"""A caller whose key TRaX has not accepted."""
ACCEPTED: Final = replace(UNACCEPTED, owner=UNACCEPTED.caller, has_access=True)
"""The same caller when TRaX has accepted their key in the studio."""

MOMENT: Final = 0.001
"""Less than any time that matters here, in seconds."""


class TwoClocks(HandClock):
    """A manual clock whose date can also be moved alone, as after a computer has slept."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self._ahead = timedelta()

    def now(self) -> datetime:
        """The date, which does not stand still while a computer sleeps."""
        return super().now() + self._ahead

    def sleep_through(self, seconds: float) -> None:
        """Move the date, but not the monotonic clock."""
        self._ahead += timedelta(seconds=seconds)


def preview_of(operation: Operation[Model]) -> Preview:
    """What a person would be shown, without any sentence."""
    return Preview(
        operation=operation.tool_name,
        target=Target(operation.target_id()),
        effects=(),
        warnings=(),
        unknown=(),
        choice="Yes",
        puts_on_air=operation in LEADING_TO_AIR or operation.starts_broadcast,
        digest="digest",
    )


async def look(
    store: ConsentStore,
    confirmation_id: str | None = None,
    *,
    place: Place = ME,
    studio: str = STUDIO,
) -> Seen:
    """Look at a place and at a confirmation."""
    return await store.look(replace(place, id=studio), confirmation_id)


async def stops_counted(store: ConsentStore, *, studio: str = STUDIO) -> int:
    """Return the number of stops at a place. A store may begin to count at any number."""
    untouched = await look(store, studio="studio_untouched")
    return (await look(store, studio=studio)).stop_count - untouched.stop_count


async def add(
    store: ConsentStore,
    operation: Operation[Model] = GO_LIVE,
    *,
    place: Place = ME,
    seen: Seen | None = None,
) -> Confirmation:
    """Look, unless `seen` is given, and keep what a yes would be to; this must succeed."""
    added = await try_to_add(store, operation, place=place, seen=seen)
    assert isinstance(added, Confirmation)
    return added


async def try_to_add(
    store: ConsentStore,
    operation: Operation[Model] = GO_LIVE,
    *,
    place: Place = ME,
    seen: Seen | None = None,
) -> Confirmation | Stale:
    """Look, unless `seen` is given, and keep what a yes would be to."""
    seen = seen or await look(store, place=place, studio=operation.studio())
    return await store.add(operation, preview_of(operation), seen=seen)


async def kept(
    store: ConsentStore, confirmation: Confirmation, *, place: Place = ME
) -> Confirmation | UsedConfirmation | None:
    """Return what the store keeps under an id for its caller, at this place."""
    return (await look(store, confirmation.id, place=place)).confirmation


async def left_of(store: ConsentStore, confirmations: Sequence[Confirmation]) -> list[Confirmation]:
    """Return those that the store still knows, used or not."""
    return [
        it
        for it in confirmations
        if await kept(store, it, place=replace(ME, caller=it.caller, owner=it.owner))
    ]


async def try_to_begin(
    store: ConsentStore,
    operation: Operation[Model] = GO_LIVE,
    confirmation: Confirmation | None = None,
    *,
    place: Place = ME,
    seen: Seen | None = None,
) -> Started | Stale:
    """Look, unless `seen` is given, and begin."""
    confirmation_id = confirmation.id if confirmation else None
    seen = seen or await look(store, confirmation_id, place=place, studio=operation.studio())
    with anyio.fail_after(PATIENCE_SECONDS):
        return await store.begin(operation, confirmation_id=confirmation_id, seen=seen)


async def begin(
    store: ConsentStore,
    operation: Operation[Model] = GO_LIVE,
    confirmation: Confirmation | None = None,
    *,
    place: Place = ME,
) -> Started:
    """Look and begin; this must succeed."""
    started = await try_to_begin(store, operation, confirmation, place=place)
    assert isinstance(started, Started)
    return started


async def begin_unheard(store: ConsentStore) -> Started:
    """Begin a stop that the engine does not answer. The look must say that it is a stop."""
    seen = await store.look(ME, None, GO_OFFLINE)
    stop = await store.begin(GO_OFFLINE, confirmation_id=None, seen=seen)
    assert isinstance(stop, Started)
    return stop


async def finish(
    store: ConsentStore,
    started: Started,
    outcome: Outcome = "applied",
    *,
    place: Place | None = None,
    hidden_fields: Sequence[str] = (),
) -> None:
    """Finish a call, in the place where it began unless another one is given."""
    await store.finish(started, outcome, place=place or started.place, hidden_fields=hidden_fields)


async def make(
    store: ConsentStore,
    operation: Operation[Model] = GO_LIVE,
    confirmation: Confirmation | None = None,
    *,
    place: Place = ME,
    outcome: Outcome = "applied",
    hidden_fields: Sequence[str] = (),
) -> Started:
    """Begin a call and finish it with this outcome."""
    started = await begin(store, operation, confirmation, place=place)
    await finish(store, started, outcome, hidden_fields=hidden_fields)
    return started


async def make_elsewhere(
    store: ConsentStore, count: int, *, first: int = 0, place: Place = ME
) -> None:
    """Make a call at each of so many other places, so that a store in memory forgets some."""
    count = min(count, _MOST_ELSEWHERE) if _IS_SHARED else count
    for number in range(first, first + count):
        operation = DeleteSource(studio_id=f"elsewhere_{number}", source_id="source_1")
        started = await try_to_begin(store, operation, place=place)
        if isinstance(started, Stale):  # the place that was forgotten for it had changed more
            started = await begin(store, operation, place=place)
        await finish(store, started)


@asynccontextmanager
async def running(
    step: Callable[[ArgumentT], Awaitable[ResultT]], argument: ArgumentT
) -> AsyncIterator[list[ResultT]]:
    """Run a step beside the block, and cancel it at the end. Its result is in the list."""
    results: list[ResultT] = []

    async def run() -> None:
        results.append(await step(argument))

    with anyio.fail_after(PATIENCE_SECONDS):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            await settle()
            yield results
            tasks.cancel_scope.cancel()


@asynccontextmanager
async def waiting(
    store: ConsentStore, operation: Operation[Model], confirmation: Confirmation | None = None
) -> AsyncIterator[list[Started | Stale]]:
    """Begin a call beside the block, which it waits for; cancel it at the end."""
    async with running(partial(try_to_begin, store, operation), confirmation) as results:
        assert results == []
        yield results
