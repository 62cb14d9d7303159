"""What can happen around the road, as steps that can be read, and somebody who plays them.

Each step is a value; a list of them is a story. Whether it ends well is for the ledger to say.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

import anyio
from pydantic import SecretStr

from tests.conftest import client_on
from tests.hand import HandClock
from tests.ledger import WALKING, Issued, Ledger, Middleware
from tests.witness import still
from trax_mcp.api.caller import Caller
from trax_mcp.api.errors import TraxError
from trax_mcp.api.operations import (
    CreateDestination,
    DeleteDestination,
    DeleteSource,
    GoLive,
    GoOffline,
    SendChatMessage,
    UnlinkConnection,
    UpdateDestination,
    UpdateSource,
    UpdateStudio,
)
from trax_mcp.consent.calls import Done, GuardedCall, Result
from trax_mcp.consent.evidence import Evidence, PersonAnswer
from trax_mcp.consent.policy import DO_NOT
from trax_mcp.consent.rules import Mode, Rules
from trax_mcp.sandbox import SANDBOX_KEY, Fault, World
from trax_mcp.sandbox.keys import ACCOUNT, SCOPES
from trax_mcp.sandbox.records import Key
from trax_mcp.server.app import ServerDeps, build_guard

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trax_mcp.api.models import Model
    from trax_mcp.api.operation import Operation
    from trax_mcp.consent.evidence import Said
    from trax_mcp.consent.guard import ConsentGuard

SECOND_KEY: Final = "sk_live_sandbox_second"
CALLERS: Final = (Caller(SANDBOX_KEY), Caller(SECOND_KEY))

S: Final = {"studio_id": "studio_42"}
GO_LIVE: Final = GoLive(**S)
GO_OFFLINE: Final = GoOffline(**S)
NEW_KEY: Final = UpdateDestination(**S, dest_id="dest_1", stream_key=SecretStr("another"))
OPERATIONS: Final[Sequence[Operation[Model]]] = (
    GO_LIVE,
    GO_OFFLINE,
    GoLive(studio_id="studio_43"),
    DeleteDestination(**S, dest_id="dest_1"),
    DeleteDestination(**S, dest_id="dest_2"),
    DeleteSource(**S, source_id="source_1"),
    UnlinkConnection(connection_id="conn_1"),
    UpdateStudio(**S, auto_go_live=True),
    UpdateDestination(**S, dest_id="dest_1", stream_key=SecretStr("one")),
    NEW_KEY,
    # Only while live.
    UpdateDestination(**S, dest_id="dest_3", enabled=True),
    UpdateSource(**S, source_id="source_1", active=False),
    CreateDestination(**S, name="Backup", platform="twitch"),
    # Never.
    UpdateStudio(**S, auto_go_live=False),
    SendChatMessage(**S, text="Hello"),
)


# What can happen


@dataclass(frozen=True)
class Nothing:
    """No evidence, or only a flag."""

    confirm: bool = False


Use = Literal["own", "by another", "for another"]
"""Whether a handle comes back from its caller and for its call."""


@dataclass(frozen=True)
class Agree:
    """A yes to what was handed out `back` handles ago, given as it must be given."""

    back: int
    use: Use = "own"


@dataclass(frozen=True)
class Carry:
    """As a confirmation, what was handed out `back` handles ago, whatever it is."""

    back: int
    confirm: bool = True


@dataclass(frozen=True)
class Say:
    """As a person's answer, what was handed out `back` handles ago, whatever it is."""

    back: int
    said: Said = "chosen"
    choice: str = "yes"


Brings = Nothing | Agree | Carry | Say


@dataclass(frozen=True)
class Call:
    """One call. With a handle, caller and operation are those of the handle, or nearly so."""

    brings: Brings = Nothing()
    operation: Operation[Model] = GO_LIVE
    who: int = 0
    can_ask: bool = False


@dataclass(frozen=True)
class AtOnce:
    """Calls that are made at the same time."""

    calls: tuple[Call, ...]


@dataclass(frozen=True)
class Wait:
    """Time passes."""

    seconds: int


@dataclass(frozen=True)
class Meanwhile:
    """Somebody else changes something, on TRaX's own pages."""

    change: str


@dataclass(frozen=True)
class Trouble:
    """The next requests of a kind go wrong."""

    fault: str
    where: str
    times: int = 1


Step = AtOnce | Wait | Meanwhile | Trouble


def _change_place(which: str, **fields: object) -> Callable[[World], object]:
    return lambda it: (
        which in it.destinations and it.destinations.change(it.destinations[which], fields)
    )


def _change_source(which: str, **fields: object) -> Callable[[World], object]:
    return lambda it: which in it.sources and it.sources.change(it.sources[which], fields)


def _change_writes(world: World) -> None:
    world.deployment.write_enabled = not world.deployment.write_enabled


CHANGES: Final[dict[str, Callable[[World], object]]] = {
    "enable dest_3": _change_place("dest_3", enabled=True),
    "disable dest_3": _change_place("dest_3", enabled=False),
    "disable dest_2": _change_place("dest_2", enabled=False),
    "rename dest_1": _change_place("dest_1", name="Elsewhere"),
    "activate source_2": _change_source("source_2", active=True),
    "rename source_1": _change_source("source_1", name="Other camera"),
    "go live": lambda world: world.go_live(world.studios["studio_42"]),
    "go offline": lambda world: world.go_offline(world.studios["studio_42"]),
    "writes on or off": _change_writes,
}
FAULTS: Final = {
    "lost before": Fault.dropped(),
    "lost after": Fault.dropped(when="after"),
    "trouble before": Fault.status(500),
    "trouble after": Fault.status(500, when="after"),
    "refused": Fault.error(429, "rate_limited", Retry_After="1"),
    "gateway": Fault.status(502, when="after"),
    "unreadable": Fault.truncated(),
}
PLACES: Final = {
    "going live": ("POST", "*/go-live"),
    "going offline": ("POST", "*/go-offline"),
    "any change": ("[!G]*", "*"),
    "the status": ("GET", "*/stream-status"),
    "any look": ("GET", "*"),
}


# Playing it


class Play:
    """One sandbox, one road, and the steps of one example."""

    def __init__(self, mode: Mode, turns: Sequence[int]) -> None:
        self.sandbox = still()
        self.sandbox.rate_limit = None
        self.sandbox.world.keys[SECOND_KEY] = Key(SECOND_KEY, "second", ACCOUNT, SCOPES)
        self.ledger = Ledger(self.sandbox, mode)
        self.clock = HandClock(self.sandbox)
        client = client_on(self.sandbox, transport=Middleware(self.ledger, turns))
        house = ServerDeps(rules=Rules(mode), clock=self.clock)
        self.road: ConsentGuard = build_guard(client, house)

    async def run(self, plot: Sequence[Step]) -> None:
        """Take one step after the other; after each, nothing may be wrong."""
        for step in plot:
            with anyio.fail_after(10):
                await self._take(step)
            assert self.ledger.wrong == []

    async def _take(self, step: Step) -> None:
        match step:
            case AtOnce(calls=several):
                visits = [self._visit(it) for it in several]
                async with anyio.create_task_group() as tasks:
                    for visit in visits:
                        tasks.start_soon(self._walk, visit, len(visits))
                self.ledger.end_all()
            case Wait(seconds=seconds):
                self.clock.advance(seconds)
            case Meanwhile(change=change):
                CHANGES[change](self.sandbox.world)
            case Trouble(fault=fault, where=where, times=times):
                method, path = PLACES[where]
                self.sandbox.faults.add(FAULTS[fault], times=times, method=method, path=path)

    async def _walk(self, visit: GuardedCall, calls: int) -> None:
        walking = self.ledger.begin(visit)
        WALKING.set(walking)
        result: Result | None = None
        try:
            result = await self.road.walk(visit)
            outcome = "applied" if isinstance(result, Done) else None
        except TraxError as error:
            outcome = error.failure.outcome
        self.ledger.end(walking, result)
        if calls == 1:
            self.ledger.end_alone(walking, outcome)

    def _visit(self, call: Call) -> GuardedCall:
        visit = GuardedCall(call.operation, CALLERS[call.who], can_ask=call.can_ask)
        if isinstance(call.brings, Nothing):
            return replace(visit, evidence=Evidence(confirm=call.brings.confirm))
        if (issued := self._issued(call.brings.back)) is None:
            return replace(visit, evidence=Evidence(confirm=True, confirmation="invented"))
        visit = replace(
            visit,
            operation=issued.visit.operation,
            caller=issued.visit.caller,
            evidence=_evidence(call.brings, issued),
        )
        return _askew(visit, issued, call.brings) if isinstance(call.brings, Agree) else visit

    def _issued(self, back: int) -> Issued | None:
        issued = self.ledger.issued
        return issued[-1 - back % len(issued)] if issued else None


def _evidence(brings: Agree | Carry | Say, issued: Issued) -> Evidence:
    match brings:
        case Say(said=said, choice=choice):
            offered = {"yes": issued.choice or "Yes", "no": DO_NOT, "other": "Yes, please"}
            return Evidence(answer=PersonAnswer(issued.handle, said, offered[choice]))
        case Agree() if issued.choice is not None:
            return Evidence(answer=PersonAnswer(issued.handle, "chosen", issued.choice))
        case Carry(confirm=confirm):
            return Evidence(confirm=confirm, confirmation=issued.handle)
        case _:
            return Evidence(confirm=True, confirmation=issued.handle)


def _askew(visit: GuardedCall, issued: Issued, agreed: Agree) -> GuardedCall:
    """From the client that was shown it; or else from another, or for the call next to it."""
    visit = replace(visit, can_ask=issued.visit.can_ask)
    if agreed.use == "by another":
        return replace(visit, caller=next(it for it in CALLERS if it != visit.caller))
    if agreed.use == "for another":
        return replace(visit, operation=OPERATIONS[OPERATIONS.index(visit.operation) - 1])
    return visit


def play(plot: Sequence[Step], *, mode: Mode = Mode.AUTO, turns: Sequence[int] = (0,)) -> Ledger:
    """Play the steps to their end, and return what the ledger holds then."""
    game = Play(mode, turns)
    anyio.run(game.run, plot)
    return game.ledger
