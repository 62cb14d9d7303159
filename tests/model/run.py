"""A history as it runs: real clients at two replicas, and a TRaX that is slow and fails.

Calls are tasks in virtual time, so that they cross. The story has a line for each thing that comes.
"""

from __future__ import annotations

import asyncio
import json
from contextvars import ContextVar
from http import HTTPStatus
from math import inf
from random import Random
from typing import TYPE_CHECKING, Any, Final

import anyio
import mcp_types as types

from tests.model.acts import FRIDAY, GO_LIVE, GO_OFFLINE, OTHERS, STOP_REHEARSAL
from tests.model.promises import Call, Promises, Shown
from tests.support.product.faults import Fault, Faults
from tests.support.product.sandbox_transport import SandboxTransport
from tests.support.product.server import yes_to_stop
from tests.support.product.virtual_time import VirtualClock, VirtualLoop
from tests.support.simulated_person import Person, choices, chosen, form_of
from tests.world.answers import has_run, text_of
from tests.world.caller import PREVIEW_SECONDS
from tests.world.wire import MODERN
from tests.world.world import COLLEAGUE, CUSTOMER, MINE, NO_ACCESS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import httpx
    from mcp import Client

    from tests.model.acts import Act
    from tests.model.promises import Sent
    from tests.support.product.faults import Request, RequestHandler, Response
    from tests.support.product.sandbox import Sandbox
    from tests.world.world import World

TIMEOUT_SECONDS: Final = 10
LONGEST_SECONDS: Final = 90
"""All calls have ended by then."""
_MESSAGE_SECONDS: Final = 8
_FLOOD: Final = 20
ACTS: Final = (GO_LIVE, GO_OFFLINE, *OTHERS)
FAULTS: Final = {
    "refused": Fault.error(429, "rate_limited", Retry_After="60"),
    "crowded out": Fault.error(429, "rate_limited"),
    "conflict": Fault.error(409, "conflict"),
    "lacks a scope": Fault.error(403, "insufficient_scope"),
    "trouble": Fault.status(500, when="after"),
    "lost before": Fault.dropped(),
    "lost after": Fault.dropped(when="after"),
    "unreadable": Fault.truncated(),
    "silent": Fault.silence(),
}
REQUESTS: Final = {
    "going live": ("POST", "*/go-live"),
    "going offline": ("POST", "*/go-offline"),
    "any change": ("[!G]*", "*"),
    "the status": ("GET", "*/stream-status"),
}
_REPLICA: Final = ContextVar[int]("replica")


class ReplicaTransport(SandboxTransport):
    """The way of one replica to TRaX, by which the model knows whose request it is."""

    def __init__(self, sandbox: Sandbox, replica: int) -> None:
        super().__init__(sandbox)
        self._replica = replica

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass one request to the sandbox."""
        _REPLICA.set(self._replica)
        return await super().handle_async_request(request)


class Run:
    """The calls of a history and what they meet. `slowest`: the seconds of a read and a change."""

    def __init__(self, world: World, ways: str, seed: int, slowest: tuple[float, float]) -> None:
        assert isinstance(world.clock, VirtualClock)
        self.promises = Promises(world.trax, ways)
        self.story: list[str] = []
        self.shown: list[Shown] = []
        self.faults = Faults()
        self._world, self._clock, self._slowest = world, world.clock, slowest
        self._random = Random(seed)  # noqa: S311  no secret
        self._ended: dict[Call, anyio.Event] = {}
        self._scopes: dict[Call, anyio.CancelScope] = {}
        self._due: dict[Call, int] = {}
        self._clients: dict[tuple[str, int, bool], Client] = {}
        for replica in world.replicas:
            replica.engine.pause = self._pause
        world.trax.faults.add(Fault("model", self._handle), times=None)

    # Steps

    async def ask(self, act: Act, key: str, replica: int, *, can_ask: bool) -> None:
        """A caller asks for an approval."""
        call = Call(key, replica, can_ask, act)
        await self._start(call)
        await self._finish(call)

    async def approve(self, back: int, at: Sequence[int]) -> None:
        """A person reads and approves what was shown, at one replica or at two."""
        for shown in self._shown(back):
            if shown.choice is None and not shown.call.act.stops:
                await anyio.sleep(max(0.0, shown.at + PREVIEW_SECONDS - self._wall()))
            for replica in at:
                await self._start(_approved(shown, replica))

    async def stop(self, key: str, asked: int, at: int, *, can_ask: bool) -> None:
        """Somebody stops the Friday show."""
        before = len(self.shown)
        await self.ask(GO_OFFLINE, key, asked, can_ask=can_ask)
        for shown in self.shown[before:]:
            await self._start(_approved(shown, at))

    async def misuse(self, how: str, back: int, replica: int) -> None:
        """Somebody uses what is no approval."""
        for shown in self._shown(back):
            call = _approved(shown, replica)
            match how:
                case "another's":
                    call.key = COLLEAGUE if call.key == MINE else MINE
                case "another call's":
                    other = ACTS[ACTS.index(call.act) - 1]
                    call.act = STOP_REHEARSAL if call.act is GO_OFFLINE else other
                case "at once":
                    pass
                case "bare":
                    call.shown, call.choice, call.confirm = None, None, True
                case "unconfirmed":
                    call.choice, call.confirm = None, False
                case "no" if call.choice is not None:
                    call.choice = shown.no
                case "choice" if call.choice is not None:
                    call.choice = "Yes, please"
                case _:
                    call.can_ask, call.choice, call.confirm = True, None, True
            await self._start(call)

    async def attack(self, how: str, replica: int) -> None:
        """A stranger stops the studio, somebody signs for another, or another customer floods."""
        if how == "a flood":
            customer = await self._world.caller(CUSTOMER, at=replica)
            for _ in range(_FLOOD):
                customer.start("send_chat_message", studioId="studio_99", text="Hello")
            return
        key = NO_ACCESS if how == "a stranger" else MINE
        call = Call(key, replica, can_ask=False, act=GO_OFFLINE)
        call.confirm, call.signed = True, yes_to_stop(NO_ACCESS, studio_id=FRIDAY)
        await self._start(call)

    async def give_up(self, after: int) -> None:
        """The client of the last call gives up, after so many moments at which calls wait."""
        for call in self.promises.calls[-1:]:
            self._due[call] = after

    async def change(self, what: str) -> None:
        """Somebody changes something on TRaX itself."""
        self.say(f"on TRaX itself: {what}")
        trax, number = self._world.trax, len(self.story)
        match what:
            case "a destination renamed":
                trax.change("dest_1", name=f"Main channel {number}")
            case "one enabled":
                if not trax.record("dest_3")["enabled"]:
                    self.promises.enabled.append((anyio.current_time(), f"Kick {number}"))
                trax.change("dest_3", name=f"Kick {number}", enabled=True)
            case "a camera renamed":
                trax.change("source_1", name=f"Camera {number}")
            case "live":
                trax.go_live()
            case _:
                trax.go_offline()
        self.promises.look()

    async def fail(self, fault: str, where: str) -> None:
        """The next request of a kind fails."""
        method, path = REQUESTS[where]
        self.say(f"next, {where}: {fault}")
        self.faults.add(FAULTS[fault], method=method, path=path)

    async def trouble(self, replica: int, how: str, seconds: float) -> None:
        """The engine is late or away for a replica, or loses its answers, for a while."""
        engine, until = self._world.replicas[replica].engine, anyio.current_time() + seconds
        self.say(f"the engine is {how} for replica {replica}, for {seconds} seconds")
        self.promises.trouble[replica] = max(self.promises.trouble[replica], until)
        engine.is_away, engine.loses_answers = how == "away", how == "lossy"
        engine.late_seconds = 0.35 if how == "late" else 0.0

        def end() -> None:
            engine.is_away, engine.loses_answers, engine.late_seconds = False, False, 0.0

        asyncio.get_running_loop().call_later(seconds, end)

    async def wait(self, seconds: float) -> None:
        """Time passes, at once as far as no call runs."""
        until = anyio.current_time() + seconds
        while anyio.current_time() < until and self.promises.is_busy:  # noqa: ASYNC110  virtual
            await anyio.sleep(min(1, until - anyio.current_time()))
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.elapsed = max(until, loop.elapsed)

    async def suspend(self, seconds: float) -> None:
        """The computer sleeps, for TRaX at once."""
        self.say(f"the computer sleeps for {seconds} seconds")
        self._clock.suspend(seconds)
        now = anyio.current_time()
        self.promises.trouble = [max(it, now) for it in self.promises.trouble]
        for call in self.promises.calls:
            call.is_approved &= call.ended < inf

    def _shown(self, back: int) -> Sequence[Shown]:
        return self.shown[-1 - back :][:1]

    def _wall(self) -> float:
        return self._clock.now().timestamp()

    def say(self, what: str) -> None:
        """Add a line to the history."""
        self.story.append(f"{anyio.current_time():8.2f}  {what}")

    # Calls

    async def _start(self, call: Call) -> None:
        """Let a client call, which goes on while other steps are taken."""
        call.name = f"call {len(self.promises.calls) + 1}"
        client = await self._client(call.key, call.replica, can_ask=call.can_ask)
        self.promises.begin(call, self._clock.now().timestamp())
        who = call.key.rpartition("_")[2] + (" (asked in forms)" if call.can_ask else "")
        evidence = [f"with what {call.shown.call.name} was shown"] if call.shown else []
        evidence += ["confirmed"] if call.confirm else []
        evidence += [f"answer {call.choice!r}"] if call.choice else []
        evidence += ["own signature"] if call.signed else []
        words = ", ".join(
            [f"{call.name}: {who} at replica {call.replica}", str(call.act), *evidence]
        )
        self.say(words)
        self._ended[call] = anyio.Event()
        self._world.tasks.start_soon(self._run, call, client)

    async def _finish(self, call: Call) -> None:
        """Wait for the answer of a call."""
        with anyio.move_on_after(LONGEST_SECONDS):
            await self._ended[call].wait()

    async def _run(self, call: Call, client: Client) -> None:
        arguments, more = dict(call.act.arguments), dict[str, Any]()
        confirmation = call.signed or (call.shown.id if call.shown else None)
        if call.choice is not None:
            answers = {"consent": chosen(call.choice)}
            more = {"request_state": confirmation, "input_responses": answers}
        elif confirmation:
            arguments["confirmation"] = confirmation
        if call.confirm:
            arguments["confirm"] = True
        call.is_cancelled = True
        with anyio.CancelScope() as self._scopes[call]:
            result = await client.session.call_tool(
                call.act.tool, arguments, allow_input_required=True, **more
            )
            call.is_cancelled = False
            self._keep(call, result)
        self.promises.end(call)
        self._ended[call].set()
        self.say(f"{call.name}: {'gave up' if call.is_cancelled else call.status}")

    def _keep(self, call: Call, result: types.CallToolResult | types.InputRequiredResult) -> None:
        wall = self._clock.now().timestamp()
        if isinstance(result, types.InputRequiredResult):
            call.status, (choice, no) = "asked", choices(form_of(result))
            self._show(Shown(result.request_state or "", call, wall, choice, no))
            return
        call.text, data = text_of(result), result.structured_content or {}
        call.status = "ran" if has_run(result) else f"not run: {data.get('reason')}"
        if "error" in data:
            call.status = f"{data['error']['code']} error: {data['error']['outcome']}"
        if "changes" in data and call.act.tool == "apply_changes":
            call.outcomes = tuple(it["outcome"] for it in data["changes"])
            call.status = "ran" if has_run(result) else f"changes: {', '.join(call.outcomes)}"
        if "confirmation" in data or data.get("status") == "confirmation_required":
            self._show(Shown(data.get("confirmation", ""), call, wall))

    def _show(self, shown: Shown) -> None:
        """Keep what was shown. A question that is asked again is good once all the same."""
        for it in self.shown:
            if shown.id and it.id == shown.id:
                shown.uses = it.uses
        self.shown.append(shown)

    async def _client(self, key: str, replica: int, *, can_ask: bool) -> Client:
        name = (key, replica, can_ask)
        if name not in self._clients:
            person, era = (Person(), MODERN) if can_ask else (None, self._world.era)
            caller = await self._world.caller(key, era=era, person=person, at=replica)
            self._clients[name] = caller.client
        return self._clients[name]

    # TRaX and the engine

    async def _handle(self, request: Request, handle: RequestHandler) -> Response:
        """TRaX takes its time, and some faults happen."""
        reads, changes = self._slowest
        if request.method == "GET":
            await self._take(reads)
            self.promises.look()
            response = await self.faults.apply(request, handle)
            if response.status >= HTTPStatus.BAD_REQUEST:
                self._blind(request.secret)
            return response
        if request.path.endswith("/messages"):
            await anyio.sleep(_MESSAGE_SECONDS)
            return await handle(request)
        key, path = request.secret or "", f"{request.method} {request.path}"
        sent = self.promises.arrive(key, _REPLICA.get(), path, json.loads(request.body or b"{}"))
        self.say(f"{sent.call.name}: TRaX has {path}")
        fate = "unknown"
        try:
            await self._take(changes)
            response = await self._answer(sent, request, handle)
            fate = _fate(response)
            await self._take(changes)
        except anyio.get_cancelled_exc_class():
            fate = "unknown"
            if anyio.current_time() < sent.at + TIMEOUT_SECONDS - 1:
                self.promises.broken.append(f"{sent.call.name} was cut off while it was sent")
            raise
        finally:
            self.promises.answer(sent, fate)
            self.say(f"{sent.call.name}: {path} was {fate}")
        return response

    async def _answer(self, sent: Sent, request: Request, handle: RequestHandler) -> Response:
        response = await self.faults.apply(request, handle)
        if response.status == HTTPStatus.FORBIDDEN:
            self.promises.apart.add((sent.call.key, sent.call.replica))
        return response

    def _blind(self, key: str | None) -> None:
        for call in self.promises.calls:
            if call.key == key and call.ended == inf:
                call.is_blind = True

    async def _take(self, slowest: float) -> None:
        if self._random.random() < 0.7:
            await anyio.sleep(self._random.random() * slowest)
        await self._pause()

    async def _pause(self) -> None:
        """A moment at which a call waits: others may run, and a client may give up."""
        for call, left in [*self._due.items()]:
            self._due[call] = left - 1
            if left <= 0:
                del self._due[call]
                self._scopes[call].cancel()
        for _ in range(self._random.choice((0, 0, 0, 1, 2, 12))):
            await anyio.lowlevel.checkpoint()


def _approved(shown: Shown, replica: int) -> Call:
    asked, choice = shown.call, shown.choice
    call = Call(asked.key, replica, asked.can_ask, asked.act, shown, choice=choice)
    call.confirm = choice is None
    return call


def _fate(response: Response) -> str:
    """What an answer says of a change."""
    if response.status == HTTPStatus.TOO_MANY_REQUESTS and not response.headers:
        return "crowded out"
    if HTTPStatus.BAD_REQUEST <= response.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return "refused"
    is_whole = response.status < HTTPStatus.BAD_REQUEST and response.body.endswith(b"}")
    return "applied" if is_whole or response.status == HTTPStatus.NO_CONTENT else "unknown"
