"""Steps of clients, of TRaX and of time as values, and a runner for them, in virtual time.

The ledger judges what reaches TRaX.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Final, Literal

import anyio
from mcp import Client

from tests.support.consent_ledger import Ledger, RunningCall
from tests.support.guarded_calls import GO_LIVE, GO_OFFLINE, GUARDED_OPERATIONS, GuardedOperation
from tests.support.product.faults import Fault
from tests.support.product.server import Product
from tests.support.product.virtual_time import VirtualClock, run_in_virtual_time
from tests.support.simulated_person import Person, chosen, filled_in
from tests.support.virtual_setup import COLLEAGUE, MINE, virtual_sandbox
from tests.world.wire import MODERN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import mcp_types as types

    from tests.support.consent_ledger import Shown
    from tests.support.product.sandbox import Sandbox

KEYS: Final = (MINE, COLLEAGUE)
STUDIO: Final = "PATCH /v1/studios/studio_42"
ENABLE: Final = GUARDED_OPERATIONS["update_destination, enabled, on air"]
DELETE: Final = GUARDED_OPERATIONS["delete_destination"]
NEW_KEY: Final = GuardedOperation(
    "update_destination",
    {"studioId": "studio_42", "destId": "dest_1", "streamKey": "another"},
    f"{STUDIO}/destinations/dest_1",
    {"streamKey": "one"},
)
OPERATIONS: Final[Sequence[GuardedOperation]] = (
    GO_LIVE,
    GO_OFFLINE,
    GuardedOperation(
        "go_live", {"studioId": "studio_43"}, "POST /v1/studios/studio_43/go-live", {}
    ),
    DELETE,
    GUARDED_OPERATIONS["delete_source"],
    GUARDED_OPERATIONS["unlink_connection"],
    GUARDED_OPERATIONS["update_studio, autoGoLive"],
    NEW_KEY.other,
    NEW_KEY,
    # Only while live.
    ENABLE,
    GUARDED_OPERATIONS["update_source, active, on air"],
    GUARDED_OPERATIONS["create_source, on air"],
    # Never.
    GuardedOperation("update_studio", {"studioId": "studio_42", "autoGoLive": False}, STUDIO, {}),
)

Use = Literal["own", "by another", "for another"]
"""Whether a yes is given by the caller that was asked, and for the call that was shown."""
Reply = Literal["yes", "no", "another choice", "decline", "cancel", "nothing"]


@dataclass(frozen=True)
class Yes:
    """A yes to what was shown `back` before the last."""

    back: int = 0
    use: Use = "own"


@dataclass(frozen=True)
class Confirmation:
    """What was shown `back` before the last as a confirmation, with or without the flag."""

    back: int
    confirm: bool = True


@dataclass(frozen=True)
class Answer:
    """An answer in a form to what was shown `back` before the last."""

    back: int
    reply: Reply = "yes"


@dataclass(frozen=True)
class Call:
    """One call. With evidence, the caller and the operation are those of what was shown."""

    operation: GuardedOperation = field(default=GO_LIVE)
    evidence: Yes | Confirmation | Answer | None = None
    who: int = 0
    can_ask: bool = False
    confirm: bool | None = None


@dataclass(frozen=True)
class AtOnce:
    """Concurrent calls."""

    calls: tuple[Call, ...]


@dataclass(frozen=True)
class Wait:
    """Time passes."""

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


def _change(which: str, kind: str, **fields: object) -> Callable[[Sandbox], None]:
    def change(trax: Sandbox) -> None:
        if any(it["id"] == which for it in trax.records(kind, of="studio_42")):
            trax.change(which, **fields)

    return change


def _turn_writes(trax: Sandbox) -> None:
    trax.write_enabled = not trax.write_enabled


CHANGES: Final[dict[str, Callable[[Sandbox], object]]] = {
    "enable dest_3": _change("dest_3", "destinations", enabled=True),
    "disable dest_2": _change("dest_2", "destinations", enabled=False),
    "rename dest_1": _change("dest_1", "destinations", name="Elsewhere"),
    "activate source_2": _change("source_2", "sources", active=True),
    "rename source_1": _change("source_1", "sources", name="Other camera"),
    "go live": lambda trax: trax.go_live(),
    "go offline": lambda trax: trax.go_offline(),
    "writes on or off": _turn_writes,
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


class StepRunner:
    """Runs the steps of one example on one sandbox and server."""

    def __init__(self, mode: str, delays: Sequence[float]) -> None:
        self.trax = virtual_sandbox()
        self.ledger = Ledger(self.trax, mode, delays)
        settings = {"TRAX_CONFIRM": mode, "TRAX_TIMEOUT_SECONDS": "10"}
        self._product = Product(self.trax, VirtualClock(), settings, pause=anyio.sleep)
        self._clients: dict[tuple[str, bool], Client] = {}

    async def run(self, steps: Sequence[Step]) -> None:
        """Run the steps in order, and assert after each that there are no violations."""
        async with AsyncExitStack() as stack:
            for key in KEYS:
                server = self._product.server(key)
                for can_ask in (False, True):
                    person = Person() if can_ask else None
                    client = Client(server, mode=MODERN, cache=None, elicitation_callback=person)
                    self._clients[key, can_ask] = await stack.enter_async_context(client)
            for step in steps:
                await self._take(step)
                assert self.ledger.violations == []

    async def _take(self, step: Step) -> None:
        match step:
            case AtOnce(calls=several):
                calls = [self._prepared(it) for it in several]
                async with anyio.create_task_group() as tasks:
                    for call in calls:
                        tasks.start_soon(self._call, call)
                self.ledger.end(calls)
            case Wait(seconds=seconds):
                await anyio.sleep(seconds)
            case Change(change=change):
                CHANGES[change](self.trax)
                if change.startswith("go "):
                    self.ledger.changed_by_others()
            case AddFault(fault=fault, where=where, times=times):
                method, path = REQUESTS[where]
                self.ledger.faults.add(FAULTS[fault], times=times, method=method, path=path)

    async def _call(self, call: RunningCall) -> None:
        given = {"confirm": call.confirm, "confirmation": call.confirmation}
        evidence = {name: value for name, value in given.items() if value is not None}
        responses: types.InputResponses | None = (
            {"consent": call.response} if call.response else None
        )
        with self.ledger.running(call):
            call.result = await self._clients[call.key, call.can_ask].session.call_tool(
                call.operation.tool,
                {**call.operation.arguments, **evidence},
                input_responses=responses,
                request_state=call.state,
                allow_input_required=True,
            )

    def _prepared(self, call: Call) -> RunningCall:
        made = partial(RunningCall, call.operation, KEYS[call.who], call.can_ask)
        if call.evidence is None:
            return made(confirm=call.confirm)
        if not self.ledger.shown:
            return made(confirm=True, confirmation="invented")
        shown = self.ledger.shown[-1 - call.evidence.back % len(self.ledger.shown)]
        made = partial(RunningCall, shown.call.operation, shown.call.key, call.can_ask)
        match call.evidence:
            case Confirmation(confirm=confirm):
                return made(confirm=confirm, confirmation=shown.id)
            case Answer(reply=reply):  # only a client with forms answers
                response = _response(shown, reply)
                return replace(made(state=shown.id, response=response), can_ask=True)
            case Yes(use=use):
                return _agreeing(shown, use)


def _agreeing(shown: Shown, use: Use) -> RunningCall:
    """A yes by the same client and for the same call; or by another key or for another call."""
    key, operation = shown.call.key, shown.call.operation
    if use == "by another":
        key = next(it for it in KEYS if it != key)
    if use == "for another":
        operation = OPERATIONS[OPERATIONS.index(operation) - 1]
    call = RunningCall(operation, key, shown.call.can_ask)
    if shown.choice is None:
        call.confirm, call.confirmation = True, shown.id
    else:
        call.state, call.response = shown.id, _response(shown, "yes")
    return call


def _response(shown: Shown, reply: Reply) -> types.ElicitResult:
    match reply:
        case "yes":
            return chosen(shown.choice or "Yes")
        case "no":
            return chosen("Do not")
        case "another choice":
            return chosen("Yes, please")
        case "nothing":
            return filled_in(None)
        case _:
            return filled_in({"choice": shown.choice}).model_copy(update={"action": reply})


def run_steps(
    steps: Sequence[Step], *, mode: str = "auto", delays: Sequence[float] = (0.0,)
) -> Ledger:
    """Run all steps, and return the ledger."""
    ledgers: list[Ledger] = []

    async def run() -> None:
        runner = StepRunner(mode, delays)
        ledgers.append(runner.ledger)
        await runner.run(steps)

    run_in_virtual_time(run)
    return ledgers[0]
