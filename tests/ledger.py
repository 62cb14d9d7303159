"""Who has agreed to what, written down by the tests themselves, and what of it reached TRaX.

The ledger stands between our client and the sandbox. It knows what the road has handed out and
what came back as evidence, and judges every change that arrives by that alone: nothing of the
guard's memory or decisions is used here.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import anyio
import httpx

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
from trax_mcp.sandbox import Sandbox, SandboxTransport

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from trax_mcp.api.models import Model
    from trax_mcp.api.operation import Operation

YES_SECONDS: Final = 300
_CHANGES_TAKE: Final = 5
"""Times as long as a look, so that others come by while one is under way."""

WALKING: ContextVar[Walking] = ContextVar("walking")
"""The call on whose behalf a request is made."""


@dataclass(slots=True)
class Walking:
    """A call on its way: when it began, what there was to see, how often it changed anything."""

    visit: GuardedCall
    began: float
    earlier: int
    """How many handles had been handed out before it began."""
    lives: set[Hashable] = field(default_factory=set)
    rests: set[Hashable] = field(default_factory=set)
    arrived: int = 0
    guarded: bool = False


@dataclass(slots=True)
class Issued:
    """A handle that was handed out, to whom, for what, and in which world."""

    handle: str
    walking: Walking
    at: float
    choice: str | None
    spent: bool = False
    void: bool = False

    @property
    def visit(self) -> GuardedCall:
        """The call for which it was handed out."""
        return self.walking.visit


class Ledger:
    """Everything handed out, and everything that was wrong with what arrived."""

    def __init__(self, sandbox: Sandbox, mode: Mode) -> None:
        self.sandbox = sandbox
        self.mode = mode
        self.issued: list[Issued] = []
        self.wrong: list[str] = []
        self.sent = 0
        self._started: dict[str, str] = {}
        """Studio -> the stream that we began."""
        self._busy: list[str] = []
        self._declined: list[Walking] = []

    def begin(self, visit: GuardedCall) -> Walking:
        """A call sets out."""
        return Walking(visit, self.sandbox.clock.now(), len(self.issued))

    def see(self, walking: Walking) -> None:
        """A call may have read any part of the world as it is now."""
        walking.lives.add(self._live(walking.visit.operation))
        walking.rests.add(self._rest(walking.visit.operation))

    def end(self, walking: Walking, result: Result | None) -> None:
        """A call has come back: keep what it was handed, and see that it tells the truth."""
        match result:
            case Question():
                self._keep(walking, result.handle, result.yes)
            case NotRun(confirmation=str(handle)):
                self._keep(walking, handle, None)
            case NotRun(status="declined", reason="declined" | "cancelled"):
                self._declined.append(walking)
        if isinstance(result, Question | NotRun) and walking.arrived:
            self._complain(walking, "was sent, and is said not to have run")

    def end_all(self) -> None:
        """All calls of a step have come back: from now on a no is a no."""
        for walking in self._declined:
            if (issued := self._find(walking)) is not None:
                issued.void = True
        self._declined.clear()

    def end_alone(self, walking: Walking, outcome: str | None) -> None:
        """A call that nobody else got in the way of has come back, with the outcome that it tells.

        A stop with its yes went out, and what is said to have stopped has stopped.
        """
        if not isinstance(walking.visit.operation, GoOffline):
            return
        if outcome == "applied" and self._runs(walking.visit.operation.studio_id):
            self._complain(walking, "is said to have stopped what is still on its way")
        issued, now = self._find(walking), self.sandbox.clock.now()
        in_time = issued is not None and now - issued.at < YES_SECONDS
        agreed = self.mode is not Mode.FLAG and in_time and not [*self._not(walking, issued)]
        if agreed and not walking.arrived:
            self._complain(walking, "had its yes and was not sent")

    def arrive(self, walking: Walking) -> Issued | None:
        """A change arrives at TRaX: find the yes that it spends, if it needs one."""
        walking.arrived += 1
        operation = walking.visit.operation
        if walking.arrived > 1:
            self._complain(walking, "was sent twice by one call")
        walking.guarded = self._needs_yes(walking)
        if not walking.guarded:
            return None
        self.sent += 1
        if isinstance(operation, GoLive) and self._runs(operation.studio_id):
            self._complain(walking, "was sent while it is starting or on air")
        issued = self._find(walking)
        for wrong in self._not(walking, issued):
            self._complain(walking, wrong)
        if issued is not None:
            issued.spent = True
        return issued

    @contextmanager
    def under_way(self, walking: Walking) -> Iterator[None]:
        """A guarded change is on its way to TRaX: of a studio only one at a time."""
        where = walking.visit.operation.studio()
        if not walking.guarded:
            yield
            return
        if where and where in self._busy:
            self._complain(walking, "was sent beside another change")
        self._busy.append(where)
        try:
            yield
        finally:
            self._busy.remove(where)

    def refuse(self, issued: Issued | None) -> None:
        """TRaX has certainly not done it: the yes is as good as before."""
        if issued is not None:
            issued.spent = False

    def pass_on(self, walking: Walking) -> None:
        """TRaX may have done it: a stop is the last word on every start before it."""
        operation = walking.visit.operation
        if not isinstance(operation, GoOffline):
            return
        for it in self.issued[: walking.earlier]:
            it.void |= it.visit.operation == GoLive(studio_id=operation.studio_id)

    def stream(self, studio: str) -> str | None:
        """The stream of a studio that was begun last, by whomever."""
        stream = self.sandbox.world.streams.get(studio)
        return stream.encoder_stream_id if stream else None

    def begun(self, studio: str, before: str | None) -> None:
        """Since the stream `before` there may be one that is ours."""
        if (stream := self.stream(studio)) is not None and stream != before:
            self._started[studio] = stream

    def _keep(self, walking: Walking, handle: str, choice: str | None) -> None:
        self.issued.append(Issued(handle, walking, self.sandbox.clock.now(), choice))

    def _find(self, walking: Walking) -> Issued | None:
        handle = walking.visit.evidence.handle
        return next((it for it in self.issued if it.handle == handle), None)

    def _complain(self, walking: Walking, wrong: str) -> None:
        self.wrong.append(f"{walking.visit.operation!r} {wrong}")

    def _not(self, walking: Walking, issued: Issued | None) -> Iterator[str]:
        """Why this is no consent."""
        visit = walking.visit
        if self.mode is Mode.FLAG and visit.evidence.confirm:
            return
        if issued is None:
            yield "had no handle of ours"
            return
        wrong = {
            "had another caller's handle": issued.visit.caller != visit.caller,
            "had a handle for another call": issued.visit.operation != visit.operation,
            "had an expired handle": walking.began - issued.at >= YES_SECONDS,
            "had a handle that was spent": issued.spent,
            "had a handle that a no or a stop has voided": issued.void,
        }
        yield from (why for why, so in wrong.items() if so)
        if not isinstance(visit.operation, GoOffline):
            if not issued.walking.lives & walking.lives:
                yield "went on or off air since the yes"
            if self._rest(visit.operation) not in issued.walking.rests:
                yield "is not as it was shown"
        yield from self._unspoken(visit, issued)

    def _unspoken(self, visit: GuardedCall, issued: Issued) -> Iterator[str]:
        """Why nobody who may say so has said yes."""
        evidence = visit.evidence
        if evidence.answer is not None:
            said = (evidence.answer.said, evidence.answer.choice)
            if issued.choice is None or said != ("chosen", issued.choice):
                yield f"had the answer {said}"
            return
        if issued.choice is not None or not evidence.confirm:
            yield "had no confirm with a confirmation"
        if visit.can_ask and self.mode in {Mode.AUTO, Mode.HUMAN}:
            yield "had a person who was not asked"
        if self.mode is Mode.HUMAN and not isinstance(visit.operation, GoOffline):
            yield "had no person"

    def _needs_yes(self, walking: Walking) -> bool:
        match operation := walking.visit.operation:
            case GoLive() | GoOffline() | DeleteDestination() | DeleteSource() | UnlinkConnection():
                return True
            case UpdateStudio(auto_go_live=True):
                return True
            case UpdateDestination() if operation.stream_key is not None:
                return True
            case UpdateDestination(enabled=bool()) | UpdateSource(active=bool()):
                return self._watched(walking)
            case CreateDestination():
                return self._watched(walking)
            case _:
                return False

    def _watched(self, walking: Walking) -> bool:
        """Whether viewers see it, or will as soon as what we began is on air."""
        return False not in walking.lives or self._runs(walking.visit.operation.studio())

    def _runs(self, studio: str) -> bool:
        """Whether what we began ourselves is starting or on air, and not stopped."""
        stream = self.sandbox.world.streams.get(studio)
        ours = stream is not None and stream.encoder_stream_id == self._started.get(studio)
        return ours and stream is not None and stream.running

    def _live(self, operation: Operation[Model]) -> Hashable:
        world, now = self.sandbox.world, self.sandbox.clock.now()
        live = {which for which, stream in world.streams.items() if stream.live(now)}
        if not isinstance(operation, UnlinkConnection):
            return operation.studio() in live
        account = world.connections.get(operation.connection_id)
        places = [it for it in world.destinations.values() if it.enabled and it.studio_id in live]
        return frozenset(
            it.studio_id for it in places if account and it.platform == account.platform
        )

    def _rest(self, operation: Operation[Model]) -> Hashable:
        """What a yes is to, apart from whether it is on air."""
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
    """The way to the sandbox, past the ledger; each request takes as many turns as it is told."""

    def __init__(self, ledger: Ledger, turns: Sequence[int]) -> None:
        self._ledger = ledger
        self._sandbox = SandboxTransport(ledger.sandbox)
        self._turns = turns
        self._asked = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass a request on, and see what it is and what becomes of it."""
        walking = WALKING.get()
        await self._dawdle()
        if request.method == "GET":
            self._ledger.see(walking)
            try:
                return await self._sandbox.handle_async_request(request)
            finally:
                self._ledger.see(walking)
                await self._dawdle()
        return await self._change(request, walking)

    async def _change(self, request: httpx.Request, walking: Walking) -> httpx.Response:
        issued, studio = self._ledger.arrive(walking), walking.visit.operation.studio()
        before = self._ledger.stream(studio)
        try:
            with self._ledger.under_way(walking):
                await self._dawdle(_CHANGES_TAKE)
                response = await self._sandbox.handle_async_request(request)
        except httpx.TransportError:
            self._ledger.pass_on(walking)
            raise
        finally:
            self._ledger.begun(studio, before)
        if _certainly_refused(response.status_code):
            self._ledger.refuse(issued)
        else:
            self._ledger.pass_on(walking)
        return response

    async def _dawdle(self, times: int = 1) -> None:
        """Let others go first, so that calls meet in ever new orders."""
        self._asked += 1
        for _ in range(times * self._turns[self._asked % len(self._turns)]):
            await anyio.lowlevel.checkpoint()


def _certainly_refused(status: int) -> bool:
    return status in range(400, 500) or status == httpx.codes.SERVICE_UNAVAILABLE
