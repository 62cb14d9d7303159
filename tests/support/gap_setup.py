"""A call, and a rival that comes in one of the gaps between its steps of the store.

A client takes a studio live, with a confirmation or with a form. Its call passes eight steps of the
store: look, look, add; then, with the yes, look, look, begin, finish, record. There are 16 gaps
around them.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, cast

import anyio
from mcp import Client

from tests.conftest import client_on
from tests.support.consent_clients import (
    Clients,
    servers,
    status_and_reason,
    two_key_sandbox,
)
from tests.support.guarded_calls import GO_LIVE, GO_OFFLINE, GUARDED_OPERATIONS
from tests.support.product.faults import Fault
from tests.support.product.shared_clock import HandClock, settled
from tests.support.server_process import PATIENCE_SECONDS
from tests.support.simulated_person import Person
from tests.support.yielding_store import YieldingStore
from trax_mcp.consent.memory_store import MemoryStore
from trax_mcp.consent.rules import Mode, Rules
from trax_mcp.server.app import ServerDeps

if TYPE_CHECKING:
    from collections.abc import (
        AsyncIterator,
        Awaitable,
        Callable,
        Mapping,
        Sequence,
    )

    from tests.support.guarded_calls import GuardedOperation
    from trax_mcp.consent.store import ConsentStore

    Outcome = tuple[str, str | None]
    RivalCall = Callable[[], Awaitable[object]]
    Rival = Callable[["GapSetup"], Awaitable[RivalCall]]

Phase = Literal["asks", "waits", "sends", "has sent"]

PHASES: Final[Mapping[Phase, Sequence[str]]] = {
    "asks": (
        "before look 1",
        "after look 1",
        "before look 2",
        "after look 2",
        "before add 1",
    ),
    "waits": (
        "after add 1",
        "before look 3",
        "after look 3",
        "before look 4",
        "after look 4",
        "before begin 1",
    ),
    "sends": ("after begin 1", "before finish 1"),
    "has sent": ("after finish 1", "before record 1", "after record 1"),
}
"""The gaps of a call that runs: before it has its yes, before it begins, in its turn, after it."""

GAPS: Final = tuple(gap for gaps in PHASES.values() for gap in gaps)
RAN: Final = ("ran", None)
NOTHING_TO_DO: Final = ("nothing_to_do", None)
USED: Final = ("confirmation_invalid", "used")
EXPIRED: Final = ("confirmation_invalid", "expired")
CHANGED: Final = ("confirmation_invalid", "changed")
DECLINED: Final = ("declined", "declined")

CANCELLED: Final = None
"""A client that cancelled gets no result. In memory, in the later era, it may get one late."""

LIVE: Final = GO_LIVE.sent
OFFLINE: Final = GO_OFFLINE.sent

NOT_LIVE: Final = Fault.status(200, {"live": False})


# The call and its client


@dataclass(slots=True)
class GapSetup:
    """A client that makes a call with a yes, and a rival that comes in one of its gaps.

    `again` gives the same yes once more; None while the client does not know its confirmation.
    """

    era: str
    clients: Clients
    store: YieldingStore
    client: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    again: RivalCall | None = None
    result: object = None
    rival_result: object = None

    async def run(self, call: Awaitable[object], *, gap: str, rival: Rival) -> None:
        """Make the call, let the rival come in this gap, and wait for both."""
        rival_call = await rival(self)
        async with anyio.create_task_group() as tasks:
            self.store.watch(gap, partial(tasks.start_soon, self._run_rival, rival_call))
            with self.client:
                self.result = await call
            assert gap in self.store.passed
            await self.store.left()
        await settled()  # a call that its client has cancelled may still run

    async def _run_rival(self, call: RivalCall) -> None:
        self.rival_result = await call()

    @property
    def sent(self) -> list[str]:
        """The starts and stops that have reached TRaX, in order."""
        return [it for it in self.clients.sent if it in (LIVE, OFFLINE)]

    @property
    def on_air(self) -> bool:
        """Whether the studio is on air or starting."""
        stream = self.clients.trax.world.streams.get("studio_42")
        return stream is not None and stream.running


@asynccontextmanager
async def open_gap_setup(era: str, mode: Mode = Mode.AUTO) -> AsyncIterator[GapSetup]:
    """A server whose store yields, and its clients. Nothing here may hang."""
    trax = two_key_sandbox()
    clock, person = HandClock(trax), Person()
    store = YieldingStore(MemoryStore(clock))
    deps = ServerDeps(rules=Rules(mode), clock=clock, store=cast("ConsentStore", store))
    mine, theirs = servers(client_on(trax), deps)
    with anyio.fail_after(PATIENCE_SECONDS):
        async with (
            Client(mine, mode=era, cache=None) as plain,
            Client(mine, mode=era, cache=None, elicitation_callback=person) as asking,
            Client(theirs, mode=era, cache=None) as other,
        ):
            yield GapSetup(era, Clients(trax, clock, plain, asking, other, person, deps), store)


async def with_confirmation(setup: GapSetup, operation: GuardedOperation) -> object:
    """Call, and call again with the confirmation."""
    shown = await setup.clients.call(operation)
    if status_and_reason(shown) != ("confirmation_required", None):
        return shown
    confirmation = (shown.structured_content or {})["confirmation"]
    setup.again = partial(setup.clients.call, operation, confirm=True, confirmation=confirmation)
    return await setup.again()


# The rivals


async def the_same_yes(setup: GapSetup) -> RivalCall:
    """The same confirmation, from the same client."""

    async def call() -> object:
        assert setup.again is not None
        return await setup.again()

    return call


async def another_yes(setup: GapSetup, operation: GuardedOperation = GO_LIVE) -> RivalCall:
    """Another caller's call, with a confirmation of its own from before."""
    confirmation = await setup.clients.confirmation(operation, client=setup.clients.other)
    return partial(
        setup.clients.call, operation, setup.clients.other, confirm=True, confirmation=confirmation
    )


async def a_change(setup: GapSetup, operation: GuardedOperation) -> RivalCall:
    """Another caller's change, with a yes if it needs one."""

    async def change() -> object:
        result = await setup.clients.call(operation, setup.clients.other)
        confirmation = (result.structured_content or {}).get("confirmation")
        if confirmation is None:
            return result
        evidence = {"confirm": True, "confirmation": confirmation}
        return await setup.clients.call(operation, setup.clients.other, **evidence)

    return change


async def a_cancellation(setup: GapSetup) -> RivalCall:
    """The client of the call cancels it."""

    async def cancel() -> None:
        setup.client.cancel()

    return cancel


async def a_stop_and_another_start(setup: GapSetup) -> RivalCall:
    """Another caller stops, and starts again. The start is not seen on air for now."""
    clients = setup.clients

    async def restart() -> list[object]:
        stopped = await clients.confirmed(GO_OFFLINE)
        confirmation = await clients.confirmation(GO_LIVE, client=clients.other)
        clients.trax.faults.add(NOT_LIVE, times=None, path="*/stream-status")
        started = await clients.call(
            GO_LIVE, clients.other, confirm=True, confirmation=confirmation
        )
        return [status_and_reason(stopped), status_and_reason(started)]

    return restart


RIVALS: Final[Mapping[str, Rival]] = {
    "the same yes": the_same_yes,
    "another yes": another_yes,
    "a stop": partial(another_yes, operation=GO_OFFLINE),
    "another destination": partial(
        a_change, operation=GUARDED_OPERATIONS["update_destination, enabled, on air"]
    ),
    "another address": partial(
        a_change, operation=GUARDED_OPERATIONS["update_source, url, on air"]
    ),
    "a cancellation": a_cancellation,
}


# The end of both


class End(NamedTuple):
    """The result of the client, that of the rival, and what was sent."""

    call: Outcome | None
    rival: Outcome | None
    sent: tuple[str, ...]


def outcome(result: object) -> Outcome | None:
    """The outcome of a result. None if the client cancelled."""
    return CANCELLED if result is None else status_and_reason(result)


async def check_is_usable(setup: GapSetup) -> None:
    """Stop, and go live once more: no call has kept its turn, and nothing is pending."""
    setup.clients.clock.advance(60)  # a person may have said no
    if setup.on_air:
        assert outcome(await setup.clients.confirmed(GO_OFFLINE)) == RAN
    assert outcome(await setup.clients.confirmed(GO_LIVE)) == RAN
    assert setup.on_air
