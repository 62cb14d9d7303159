"""An independent record of consent given and of changes that reached TRaX.

The ledger is between our client and the sandbox. It judges every change by the confirmations that
were issued and the evidence that came back, without the guard's own state.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import anyio
import httpx

from tests.support.product.sandbox_transport import SandboxTransport
from trax_mcp.api.operations import (
    CreateDestination,
    DeleteDestination,
    DeleteSource,
    GoLive,
    GoOffline,
    UnlinkConnection,
    UpdateDestination,
    UpdateSource,
    UpdateStudio,
)
from trax_mcp.consent.calls import GuardedCall, NotRun, Question, Result
from trax_mcp.consent.rules import Mode

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from tests.support.product.sandbox import Sandbox
    from trax_mcp.api.models import Model
    from trax_mcp.api.operation import Operation

VALID_SECONDS: Final = 300
_CHANGE_YIELDS: Final = 5
"""How much longer a change takes than a read, so that other calls run during it."""

RUNNING: ContextVar[RunningCall] = ContextVar("running")
"""The call on whose behalf a request is made."""


@dataclass(slots=True)
class RunningCall:
    """A running call: its start, the states it may have read, and the changes it sent."""

    call: GuardedCall
    began: float
    earlier: int
    """How many confirmations were issued before it began."""
    live_states: set[Hashable] = field(default_factory=set)
    other_states: set[Hashable] = field(default_factory=set)
    arrived: int = 0
    guarded: bool = False


@dataclass(slots=True)
class Issued:
    """An issued confirmation, and the call that it was issued for."""

    confirmation_id: str
    running: RunningCall
    at: float
    choice: str | None
    used: bool = False
    void: bool = False

    @property
    def call(self) -> GuardedCall:
        """The call that it was issued for."""
        return self.running.call


class Ledger:
    """All issued confirmations, and all violations by changes that arrived."""

    def __init__(self, sandbox: Sandbox, mode: Mode) -> None:
        self.sandbox = sandbox
        self.mode = mode
        self.issued: list[Issued] = []
        self.violations: list[str] = []
        self.sent = 0
        self._started: dict[str, str] = {}
        """Studio -> the stream that our calls started."""
        self._busy: list[str] = []
        self._declined: list[RunningCall] = []

    def begin(self, call: GuardedCall) -> RunningCall:
        """Record that a call begins."""
        return RunningCall(call, self.sandbox.clock.now(), len(self.issued))

    def record_read(self, running: RunningCall) -> None:
        """Record that a call may have read any part of the current world."""
        running.live_states.add(self._live_state(running.call.operation))
        running.other_states.add(self._other_state(running.call.operation))

    def end(self, running: RunningCall, result: Result | None) -> None:
        """Record the result of a call, and check that it is true."""
        match result:
            case Question():
                self._keep(running, result.confirmation_id, result.yes)
            case NotRun(confirmation=str(confirmation_id)):
                self._keep(running, confirmation_id, None)
            case NotRun(status="declined", reason="declined" | "cancelled"):
                self._declined.append(running)
        if isinstance(result, Question | NotRun) and running.arrived:
            self._report(running, "was sent, but its result says that it did not run")

    def end_all(self) -> None:
        """Record that all calls of a step have ended. Declined confirmations are now void."""
        for running in self._declined:
            if (issued := self._find(running)) is not None:
                issued.void = True
        self._declined.clear()

    def end_alone(self, running: RunningCall, outcome: str | None) -> None:
        """Check a stop that ran without concurrent calls.

        With consent it was sent. If its outcome is `applied`, the stream has stopped.
        """
        if not isinstance(running.call.operation, GoOffline):
            return
        if outcome == "applied" and self._is_running(running.call.operation.studio_id):
            self._report(running, "reports a stop, but the stream is still running")
        issued, now = self._find(running), self.sandbox.clock.now()
        in_time = issued is not None and now - issued.at < VALID_SECONDS
        agreed = (
            self.mode is not Mode.FLAG and in_time and not [*self._reasons_against(running, issued)]
        )
        if agreed and not running.arrived:
            self._report(running, "had consent and was not sent")

    def arrive(self, running: RunningCall) -> Issued | None:
        """Judge a change that arrives. Return the confirmation that it uses, if any."""
        running.arrived += 1
        operation = running.call.operation
        if running.arrived > (2 if isinstance(operation, GoOffline) else 1):
            self._report(running, "was sent too often by one call")
        running.guarded = self._needs_consent(running)
        if not running.guarded:
            return None
        self.sent += 1
        if isinstance(operation, GoLive) and self._is_running(operation.studio_id):
            self._report(running, "was sent while it is starting or on air")
        issued = self._find(running)
        if running.arrived == 1:  # a stop that is sent again uses the same consent
            for reason in self._reasons_against(running, issued):
                self._report(running, reason)
        if issued is not None:
            issued.used = True
        return issued

    @contextmanager
    def sending(self, running: RunningCall) -> Iterator[None]:
        """Check that no guarded change but a stop is sent during another one in its studio."""
        where = running.call.operation.studio()
        if not running.guarded:
            yield
            return
        is_stop = isinstance(running.call.operation, GoOffline)
        if where and where in self._busy and not is_stop:
            self._report(running, "was sent during another change")
        self._busy.append(where)
        try:
            yield
        finally:
            self._busy.remove(where)

    def not_applied(self, issued: Issued | None) -> None:
        """Record that a change was certainly not applied. Its confirmation is valid again."""
        if issued is not None:
            issued.used = False

    def maybe_applied(self, running: RunningCall) -> None:
        """Record that a change may be applied. A stop voids all earlier consent to go live."""
        operation = running.call.operation
        if not isinstance(operation, GoOffline):
            return
        for it in self.issued[: running.earlier]:
            it.void |= it.call.operation == GoLive(studio_id=operation.studio_id)

    def stream(self, studio: str) -> str | None:
        """The latest stream of a studio, whether or not our calls started it."""
        stream = self.sandbox.world.streams.get(studio)
        return stream.encoder_stream_id if stream else None

    def started_stream(self, studio: str, before: str | None) -> None:
        """Record the current stream as ours if it is not `before`."""
        if (stream := self.stream(studio)) is not None and stream != before:
            self._started[studio] = stream

    def _keep(self, running: RunningCall, confirmation_id: str, choice: str | None) -> None:
        self.issued.append(Issued(confirmation_id, running, self.sandbox.clock.now(), choice))

    def _find(self, running: RunningCall) -> Issued | None:
        confirmation_id = running.call.evidence.confirmation_id
        return next((it for it in self.issued if it.confirmation_id == confirmation_id), None)

    def _report(self, running: RunningCall, violation: str) -> None:
        self.violations.append(f"{running.call.operation!r} {violation}")

    def _reasons_against(self, running: RunningCall, issued: Issued | None) -> Iterator[str]:
        """Why this is not consent."""
        call = running.call
        if self.mode is Mode.FLAG and call.evidence.confirm:
            return
        if issued is None:
            yield "had no confirmation that was issued"
            return
        reasons = {
            "had another caller's confirmation": issued.call.caller != call.caller,
            "had a confirmation of another call": issued.call.operation != call.operation,
            "had an expired confirmation": running.began - issued.at >= VALID_SECONDS,
            "had a used confirmation": issued.used,
            "had a confirmation that a no or a stop voided": issued.void,
        }
        yield from (why for why, applies in reasons.items() if applies)
        if not isinstance(call.operation, GoOffline):
            if not issued.running.live_states & running.live_states:
                yield "went on or off air since consent was given"
            if self._other_state(call.operation) not in issued.running.other_states:
                yield "differs from what was shown"
        yield from self._problems_of_answer(call, issued)

    def _problems_of_answer(self, call: GuardedCall, issued: Issued) -> Iterator[str]:
        """Why the answer or the flag is not a yes."""
        evidence = call.evidence
        if evidence.answer is not None:
            given = (evidence.answer.reply, evidence.answer.choice)
            if issued.choice is None or given != ("chosen", issued.choice):
                yield f"had the answer {given}"
            return
        if issued.choice is not None or not evidence.confirm:
            yield "had no confirm with a confirmation"
        if call.can_ask and self.mode in {Mode.AUTO, Mode.HUMAN}:
            yield "had a person who was not asked"
        if self.mode is Mode.HUMAN and not isinstance(call.operation, GoOffline):
            yield "had no person"

    def _needs_consent(self, running: RunningCall) -> bool:
        match operation := running.call.operation:
            case GoLive() | GoOffline() | DeleteDestination() | DeleteSource() | UnlinkConnection():
                return True
            case UpdateStudio(auto_go_live=True):
                return True
            case UpdateDestination() if operation.stream_key is not None:
                return True
            case UpdateDestination(enabled=bool()) | UpdateSource(active=bool()):
                return self._may_be_on_air(running)
            case CreateDestination():
                return self._may_be_on_air(running)
            case _:
                return False

    def _may_be_on_air(self, running: RunningCall) -> bool:
        """Whether the studio may be live, or our go-live may put it on air."""
        return False not in running.live_states or self._is_running(running.call.operation.studio())

    def _is_running(self, studio: str) -> bool:
        """Whether a stream that our calls started is starting or on air, and not stopped."""
        stream = self.sandbox.world.streams.get(studio)
        ours = stream is not None and stream.encoder_stream_id == self._started.get(studio)
        return ours and stream is not None and stream.running

    def _live_state(self, operation: Operation[Model]) -> Hashable:
        world, now = self.sandbox.world, self.sandbox.clock.now()
        live = {which for which, stream in world.streams.items() if stream.live(now)}
        if not isinstance(operation, UnlinkConnection):
            return operation.studio() in live
        account = world.connections.get(operation.connection_id)
        places = [it for it in world.destinations.values() if it.enabled and it.studio_id in live]
        return frozenset(
            it.studio_id for it in places if account and it.platform == account.platform
        )

    def _other_state(self, operation: Operation[Model]) -> Hashable:
        """What consent depends on, apart from whether the studio is live."""
        world = self.sandbox.world
        match operation:
            case GoLive(studio_id=studio):
                places = [it for it in world.destinations.of(studio) if it.enabled]
                active = frozenset(it.id for it in world.sources.of(studio) if it.active)
                return frozenset((it.id, it.name, it.platform) for it in places), active
            case DeleteDestination(dest_id=which) | UpdateDestination(dest_id=which):
                place = world.destinations.get(which)
                return place and (place.name, place.platform)
            case DeleteSource(source_id=which) | UpdateSource(source_id=which):
                source = world.sources.get(which)
                return source and source.name
            case UnlinkConnection(connection_id=which):
                account = world.connections.get(which)
                return account and (account.display_name, account.platform)
            case _:
                studio_now = world.studios.get(operation.studio())
                return studio_now and studio_now.name


class Middleware(httpx.AsyncBaseTransport):
    """A transport to the sandbox that records in the ledger. `turns` delays each request."""

    def __init__(self, ledger: Ledger, turns: Sequence[int]) -> None:
        self._ledger = ledger
        self._sandbox = SandboxTransport(ledger.sandbox)
        self._turns = turns
        self._requests = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and record it and its outcome."""
        running = RUNNING.get()
        await self._yield()
        if request.method == "GET":
            self._ledger.record_read(running)
            try:
                return await self._sandbox.handle_async_request(request)
            finally:
                self._ledger.record_read(running)
                await self._yield()
        return await self._change(request, running)

    async def _change(self, request: httpx.Request, running: RunningCall) -> httpx.Response:
        issued, studio = self._ledger.arrive(running), running.call.operation.studio()
        before = self._ledger.stream(studio)
        try:
            with self._ledger.sending(running):
                await self._yield(_CHANGE_YIELDS)
                response = await self._sandbox.handle_async_request(request)
        except httpx.TransportError:
            self._ledger.maybe_applied(running)
            raise
        finally:
            self._ledger.started_stream(studio, before)
        if _certainly_refused(response.status_code):
            self._ledger.not_applied(issued)
        else:
            self._ledger.maybe_applied(running)
        return response

    async def _yield(self, times: int = 1) -> None:
        """Let other tasks run first, so that calls interleave in different orders."""
        self._requests += 1
        for _ in range(times * self._turns[self._requests % len(self._turns)]):
            await anyio.lowlevel.checkpoint()


def _certainly_refused(status: int) -> bool:
    return status in range(400, 500) or status == httpx.codes.SERVICE_UNAVAILABLE
