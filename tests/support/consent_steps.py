"""Steps around the guard as values, and a runner for them. The ledger judges the result."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

import anyio
from pydantic import SecretStr

from tests.conftest import client_on
from tests.support.consent_ledger import RUNNING, Issued, Ledger, Middleware
from tests.support.product.faults import Fault
from tests.support.product.frozen_sandbox import still
from tests.support.product.shared_clock import HandClock
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
from trax_mcp.sandbox import SANDBOX_KEY
from trax_mcp.sandbox.keys import ACCOUNT, SCOPES
from trax_mcp.sandbox.records import Key
from trax_mcp.server.app import ServerDeps, build_guard

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trax_mcp.api.models import Model
    from trax_mcp.api.operation import Operation
    from trax_mcp.consent.evidence import Reply
    from trax_mcp.consent.guard import ConsentGuard
    from trax_mcp.sandbox.world import World

SECOND_KEY: Final = "sk_live_sandbox_second"
CALLERS: Final = (Caller(SANDBOX_KEY), Caller(SECOND_KEY))

STUDIO: Final = {"studio_id": "studio_42"}
GO_LIVE: Final = GoLive(**STUDIO)
GO_OFFLINE: Final = GoOffline(**STUDIO)
NEW_KEY: Final = UpdateDestination(**STUDIO, dest_id="dest_1", stream_key=SecretStr("another"))
OPERATIONS: Final[Sequence[Operation[Model]]] = (
    GO_LIVE,
    GO_OFFLINE,
    GoLive(studio_id="studio_43"),
    DeleteDestination(**STUDIO, dest_id="dest_1"),
    DeleteDestination(**STUDIO, dest_id="dest_2"),
    DeleteSource(**STUDIO, source_id="source_1"),
    UnlinkConnection(connection_id="conn_1"),
    UpdateStudio(**STUDIO, auto_go_live=True),
    UpdateDestination(**STUDIO, dest_id="dest_1", stream_key=SecretStr("one")),
    NEW_KEY,
    # Only while live.
    UpdateDestination(**STUDIO, dest_id="dest_3", enabled=True),
    UpdateSource(**STUDIO, source_id="source_1", active=False),
    CreateDestination(**STUDIO, name="Backup", platform="twitch"),
    # Never.
    UpdateStudio(**STUDIO, auto_go_live=False),
    SendChatMessage(**STUDIO, text="Hello"),
)


# Steps


@dataclass(frozen=True)
class NoConfirmation:
    """No evidence, or only the flag."""

    confirm: bool = False


Use = Literal["own", "by another", "for another"]
"""Whether a confirmation is used by its caller and for its operation."""


@dataclass(frozen=True)
class Agree:
    """A valid yes with the confirmation issued `back` before the last."""

    back: int
    use: Use = "own"


@dataclass(frozen=True)
class WithConfirmation:
    """A `confirmation` argument with the confirmation issued `back` before the last."""

    back: int
    confirm: bool = True


@dataclass(frozen=True)
class WithAnswer:
    """A person's answer with the confirmation issued `back` before the last."""

    back: int
    reply: Reply = "chosen"
    choice: str = "yes"


EvidenceStep = NoConfirmation | Agree | WithConfirmation | WithAnswer


@dataclass(frozen=True)
class Call:
    """One call. If it has a confirmation, caller and operation come from there."""

    evidence: EvidenceStep = NoConfirmation()
    operation: Operation[Model] = GO_LIVE
    who: int = 0
    can_ask: bool = False


@dataclass(frozen=True)
class AtOnce:
    """Concurrent calls."""

    calls: tuple[Call, ...]


@dataclass(frozen=True)
class Wait:
    """Advance the clock."""

    seconds: int


@dataclass(frozen=True)
class Change:
    """A change on TRaX itself."""

    change: str


@dataclass(frozen=True)
class AddFault:
    """A fault for the next requests of a kind."""

    fault: str
    where: str
    times: int = 1


Step = AtOnce | Wait | Change | AddFault


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
REQUESTS: Final = {
    "going live": ("POST", "*/go-live"),
    "going offline": ("POST", "*/go-offline"),
    "any change": ("[!G]*", "*"),
    "the status": ("GET", "*/stream-status"),
    "any read": ("GET", "*"),
}


# Running them


class StepRunner:
    """Runs the steps of one example on one sandbox and guard."""

    def __init__(self, mode: Mode, turns: Sequence[int]) -> None:
        self.sandbox = still()
        self.sandbox.rate_limit = None
        self.sandbox.world.keys[SECOND_KEY] = Key(SECOND_KEY, "second", ACCOUNT, SCOPES)
        self.ledger = Ledger(self.sandbox, mode)
        self.clock = HandClock(self.sandbox)
        client = client_on(self.sandbox, transport=Middleware(self.ledger, turns))
        deps = ServerDeps(rules=Rules(mode), clock=self.clock)
        self.guard: ConsentGuard = build_guard(client, deps)

    async def run(self, steps: Sequence[Step]) -> None:
        """Run the steps in order, and assert after each that there are no violations."""
        for step in steps:
            with anyio.fail_after(10):
                await self._take(step)
            assert self.ledger.violations == []

    async def _take(self, step: Step) -> None:
        match step:
            case AtOnce(calls=several):
                calls = [self._guarded(it) for it in several]
                async with anyio.create_task_group() as tasks:
                    for call in calls:
                        tasks.start_soon(self._call, call, len(calls))
                self.ledger.end_all()
            case Wait(seconds=seconds):
                self.clock.advance(seconds)
            case Change(change=change):
                CHANGES[change](self.sandbox.world)
            case AddFault(fault=fault, where=where, times=times):
                method, path = REQUESTS[where]
                self.sandbox.faults.add(FAULTS[fault], times=times, method=method, path=path)

    async def _call(self, call: GuardedCall, at_once: int) -> None:
        running = self.ledger.begin(call)
        RUNNING.set(running)
        result: Result | None = None
        try:
            result = await self.guard.run(call)
            outcome = "applied" if isinstance(result, Done) else None
        except TraxError as error:
            outcome = error.failure.outcome
        self.ledger.end(running, result)
        if at_once == 1:
            self.ledger.end_alone(running, outcome)

    def _guarded(self, call: Call) -> GuardedCall:
        guarded = GuardedCall(call.operation, CALLERS[call.who], can_ask=call.can_ask)
        if isinstance(call.evidence, NoConfirmation):
            return replace(guarded, evidence=Evidence(confirm=call.evidence.confirm))
        if (issued := self._issued(call.evidence.back)) is None:
            return replace(guarded, evidence=Evidence(confirm=True, confirmation="invented"))
        guarded = replace(
            guarded,
            operation=issued.call.operation,
            caller=issued.call.caller,
            evidence=_evidence(call.evidence, issued),
        )
        return (
            _misused(guarded, issued, call.evidence)
            if isinstance(call.evidence, Agree)
            else guarded
        )

    def _issued(self, back: int) -> Issued | None:
        issued = self.ledger.issued
        return issued[-1 - back % len(issued)] if issued else None


def _evidence(evidence: Agree | WithConfirmation | WithAnswer, issued: Issued) -> Evidence:
    match evidence:
        case WithAnswer(reply=reply, choice=choice):
            offered = {"yes": issued.choice or "Yes", "no": DO_NOT, "other": "Yes, please"}
            return Evidence(answer=PersonAnswer(issued.confirmation_id, reply, offered[choice]))
        case Agree() if issued.choice is not None:
            return Evidence(answer=PersonAnswer(issued.confirmation_id, "chosen", issued.choice))
        case WithConfirmation(confirm=confirm):
            return Evidence(confirm=confirm, confirmation=issued.confirmation_id)
        case _:
            return Evidence(confirm=True, confirmation=issued.confirmation_id)


def _misused(call: GuardedCall, issued: Issued, agreed: Agree) -> GuardedCall:
    """From the caller it was issued to; or from another caller or for another operation."""
    call = replace(call, can_ask=issued.call.can_ask)
    if agreed.use == "by another":
        return replace(call, caller=next(it for it in CALLERS if it != call.caller))
    if agreed.use == "for another":
        return replace(call, operation=OPERATIONS[OPERATIONS.index(call.operation) - 1])
    return call


def run_steps(
    steps: Sequence[Step], *, mode: Mode = Mode.AUTO, turns: Sequence[int] = (0,)
) -> Ledger:
    """Run all steps, and return the ledger."""
    runner = StepRunner(mode, turns)
    anyio.run(runner.run, steps)
    return runner.ledger
