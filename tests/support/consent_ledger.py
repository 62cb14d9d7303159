"""An independent record of consent given and of changes that reached TRaX.

The ledger stands between the server and the sandbox. It judges every change by what clients were
shown, by what they answered, and by what TRaX says itself.
"""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import anyio
import mcp_types as types

from tests.conftest import text_of
from tests.support.operation_table import ALWAYS, WHILE_LIVE
from tests.support.product.declared_consent import needs_yes
from tests.support.product.dropped_connections import ConnectionDropped
from tests.support.product.faults import Fault, Faults
from tests.support.simulated_person import choices, form_of
from tests.world.answers import has_run

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from tests.support.guarded_calls import GuardedOperation
    from tests.support.product.faults import Request, RequestHandler, Response
    from tests.support.product.sandbox import Sandbox

    Answer = types.CallToolResult | types.InputRequiredResult

VALID_SECONDS: Final = 300
_IN_PATH: Final = {"studioId", "destId", "sourceId", "connectionId"}
_GOES_OUT: Final = re.compile(r'^- (?:Goes|It would go) out on "([^"]*)"', re.MULTILINE)
_ON_SCREEN: Final = re.compile(r'^- Can be on screen: "([^"]*)"', re.MULTILINE)


@dataclass(slots=True, eq=False)
class RunningCall:
    """A call of a client, with its evidence, and what the ledger has seen of it.

    `can_ask` is whether its client can ask the person.
    """

    operation: GuardedOperation
    key: str
    can_ask: bool
    confirm: bool | None = None
    confirmation: str | None = None
    state: str | None = None
    response: types.ElicitResult | None = None
    began: float = 0
    earlier: int = 0
    """How many questions were shown before it began."""
    live: set[Hashable] = field(default_factory=set)
    """The states of the air while it ran."""
    arrived: int = 0
    result: Answer | None = None

    @property
    def tool(self) -> str:
        """Its tool."""
        return self.operation.tool

    @property
    def studio(self) -> str:
        """Its studio, if it has one."""
        return str(self.operation.arguments.get("studioId", ""))

    @property
    def is_stop(self) -> bool:
        """Whether it is a stop."""
        return self.tool == "go_offline"

    @property
    def leads_on_air(self) -> bool:
        """Whether it puts a studio on air, now or later."""
        return self.tool == "go_live" or self.operation.arguments.get("autoGoLive") is True

    def is_about(self, request: Request) -> bool:
        """Whether a request is what this call sends."""
        given = self.operation.arguments.items()
        body = {name: value for name, value in given if name not in _IN_PATH}
        sent = json.loads(request.body or b"{}")
        names = (request.secret, f"{request.method} {request.path}", sent)
        return names == (self.key, self.operation.sent, body)


@dataclass(slots=True)
class Shown:
    """A question or preview that a client got: its id, its text, and the yes that it offers."""

    id: str
    call: RunningCall
    at: float
    text: str
    choice: str | None
    used: bool = False
    void: bool = False


class Ledger:
    """Everything that was shown, and all violations by changes that arrived.

    `delays` are how long TRaX takes for one request after the other; `faults` happen to them.
    """

    def __init__(self, trax: Sandbox, mode: str, delays: Sequence[float]) -> None:
        self.trax = trax
        self.mode = mode
        self.shown: list[Shown] = []
        self.violations: list[str] = []
        self.guarded_changes = 0
        self.faults = Faults()
        self._delays = delays
        self._requests = 0
        self._running: list[RunningCall] = []
        self._on_air_by_us: set[str] = set()
        self._busy: list[str] = []
        trax.faults.add(Fault("ledger", self._handle), times=None)

    # Calls

    @contextmanager
    def running(self, call: RunningCall) -> Iterator[None]:
        """Record a call from its beginning to its result."""
        call.began, call.earlier = anyio.current_time(), len(self.shown)
        self._running.append(call)
        self._look()
        yield
        self._running.remove(call)
        match call.result:
            case types.InputRequiredResult() as asked:
                form = form_of(asked)
                self._keep(call, asked.request_state or "", form.message, choices(form)[0])
            case types.CallToolResult(structured_content={"confirmation": str(shown)}) as result:
                self._keep(call, shown, text_of(result), None)

    def end(self, calls: Sequence[RunningCall]) -> None:
        """Check the results of calls that were made at once. Noes void their questions."""
        for call in calls:
            alike = [it for it in calls if (it.key, it.operation) == (call.key, call.operation)]
            if any(it.arrived for it in alike) and all(map(_did_not_run, alike)):
                self._report(call, "was sent, but its result says that it did not run")
            if _was_declined(call) and (shown := self._shown_to(call)) is not None:
                shown.void = True
        if len(calls) == 1 and calls[0].is_stop:
            self._end_stop(calls[0])

    def changed_by_others(self) -> None:
        """A broadcast that somebody starts or stops on TRaX itself is not ours."""
        self._on_air_by_us.clear()

    def _end_stop(self, call: RunningCall) -> None:
        """A stop that ran alone was sent if it had consent, and is not said to be done if not."""
        result, shown = call.result, self._shown_to(call)
        ran = isinstance(result, types.CallToolResult) and has_run(result)
        if ran and call.studio in self._on_air_by_us and self.trax.is_running(call.studio):
            self._report(call, "reports a stop, but the stream is still running")
        agreed = shown is not None and not [*self._reasons_against(call, before=call.arrived)]
        if agreed and self.mode != "flag" and not call.arrived:
            self._report(call, "had consent and was not sent")

    def _keep(self, call: RunningCall, given: str, text: str, choice: str | None) -> None:
        self.shown.append(Shown(given, call, anyio.current_time(), text, choice))

    def _shown_to(self, call: RunningCall) -> Shown | None:
        given = {call.confirmation, call.state} - {None}
        return next((it for it in self.shown if it.id in given), None)

    def _report(self, call: RunningCall, violation: str) -> None:
        self.violations.append(f"{call.tool} {call.operation.arguments} {violation}")

    # Requests

    async def _handle(self, request: Request, handle: RequestHandler) -> Response:
        """A request arrives, is handled some seconds later, and what comes of it is recorded."""
        self._requests += 1
        delay = self._delays[self._requests % len(self._delays)]
        if request.method == "GET":
            await anyio.sleep(delay)
            self._look()
            return await self.faults.apply(request, handle)
        call = self._judge(request)
        guarded = call is not None and self._needs_consent(call)
        shown = self._shown_to(call) if call is not None and guarded else None
        studio = call.studio if call else ""
        before, status = self.trax.is_running(studio) if studio else False, 0
        if guarded and call and not call.is_stop:
            self._busy.append(studio)
        try:
            await anyio.sleep(delay)
            response = await self.faults.apply(request, handle)
            status = response.status
        except ConnectionDropped:
            status = 0
            raise
        finally:
            if guarded and call and not call.is_stop:
                self._busy.remove(studio)
            self._note_outcome(call, shown, was_running=before, status=status)
            self._look()
        return response

    def _look(self) -> None:
        """Note the state of the air for all calls that run: they may read it now."""
        for call in self._running:
            call.live.add(self._live_state(call))

    def _judge(self, request: Request) -> RunningCall | None:
        """The call that sends a change. Reports it if no call may."""
        calls = [it for it in self._running if it.is_about(request)]
        free = [it for it in calls if it.arrived < (2 if it.is_stop else 1)]
        if not free:
            if not self._is_undone(request):
                self.violations.append(f"{request.method} {request.path} was sent by no call")
            return None
        call = next((it for it in free if not [*self._problems(it)]), free[0])
        for problem in self._problems(call):
            self._report(call, problem)
        call.arrived += 1
        if self._needs_consent(call):
            self.guarded_changes += 1
            if (shown := self._shown_to(call)) is not None:
                shown.used = True
        return call

    def _is_undone(self, request: Request) -> bool:
        """Whether a go-live that has met a stop takes its studio off the air again."""
        return request.path.endswith("/go-offline") and any(
            it.tool == "go_live" and it.arrived and it.key == request.secret for it in self._running
        )

    def _note_outcome(
        self, call: RunningCall | None, shown: Shown | None, *, was_running: bool, status: int
    ) -> None:
        if call is None:
            return
        is_running = bool(call.studio) and self.trax.is_running(call.studio)
        if is_running and not was_running:
            self._on_air_by_us.add(call.studio)
        if not is_running:
            self._on_air_by_us.discard(call.studio)
        if status in range(400, 500) or status == 503:
            if shown is not None:  # certainly not applied, so its yes is good again
                shown.used = False
        elif call.is_stop:
            for it in self.shown[: call.earlier]:
                it.void |= it.call.leads_on_air and it.call.studio == call.studio

    # Judgements

    def _problems(self, call: RunningCall) -> Iterator[str]:
        if not self._needs_consent(call):
            return
        if call.studio in self._busy and not call.is_stop:
            yield "was sent during another change"
        if (
            call.tool == "go_live"
            and call.studio in self._on_air_by_us
            and self.trax.is_running(call.studio)
        ):
            yield "was sent while it is starting or on air"
        if not call.arrived:  # a stop that is sent again uses the same consent
            yield from self._reasons_against(call)

    def _reasons_against(self, call: RunningCall, *, before: int = 0) -> Iterator[str]:
        """Why this is not consent. `before`: it has been used up by this call already."""
        if self.mode == "flag" and call.confirm:
            return
        shown = self._shown_to(call)
        if shown is None:
            yield "had nothing that was shown"
            return
        reasons = {
            "had what another caller was shown": shown.call.key != call.key,
            "had what was shown for another call": shown.call.operation != call.operation,
            "came too late": call.began - shown.at >= VALID_SECONDS,
            "had a yes that was used": shown.used and not before,
            "had a yes that a no or a stop voided": shown.void,
        }
        yield from (why for why, applies in reasons.items() if applies)
        if not call.is_stop:
            if not shown.call.live & call.live:
                yield "went on or off air since consent was given"
            if "Not known: " not in shown.text and not self._is_as_shown(call, shown.text):
                yield "differs from what was shown"
        yield from self._problems_of_answer(call, shown)

    def _problems_of_answer(self, call: RunningCall, shown: Shown) -> Iterator[str]:
        """Why the answer or the flag is not a yes."""
        if call.response is not None:
            content = (call.response.content or {}).get("choice")
            if call.response.action != "accept" or shown.choice is None or content != shown.choice:
                yield f"had the answer {call.response}"
            return
        if shown.choice is not None or not call.confirm:
            yield "had no confirm with a confirmation"
        if call.can_ask and self.mode in {"auto", "human"}:
            yield "had a person who was not asked"
        if self.mode == "human" and not call.is_stop:
            yield "had no person"

    def _needs_consent(self, call: RunningCall) -> bool:
        when = needs_yes(call.tool, call.operation.arguments)
        return when == ALWAYS or (when == WHILE_LIVE and self._on_air(call))

    def _on_air(self, call: RunningCall) -> bool:
        """Whether the studio was on air as long as the call runs, or our go-live puts it there."""
        starts = call.studio in self._on_air_by_us and self.trax.is_running(call.studio)
        return False not in call.live or starts

    def _live_state(self, call: RunningCall) -> Hashable:
        if call.studio:
            return bool(self.trax.status(call.studio)["live"])
        account = self._record("connections", str(call.operation.arguments["connectionId"]))
        return frozenset(
            it["id"]
            for it in self.trax.records("studios")
            if self.trax.status(it["id"])["live"] and account
            for place in self.trax.records("destinations", of=it["id"])
            if place["enabled"] and place["platform"] == account["platform"]
        )

    def _is_as_shown(self, call: RunningCall, text: str) -> bool:
        """Whether TRaX has what the person was told, by name."""
        given = call.operation.arguments
        if call.leads_on_air:
            places = self.trax.records("destinations", of=call.studio)
            sources = self.trax.records("sources", of=call.studio)
            return set(_GOES_OUT.findall(text)) == {
                it["name"] for it in places if it["enabled"]
            } and (
                call.tool != "go_live"
                or set(_ON_SCREEN.findall(text)) == {it["name"] for it in sources if it["active"]}
            )
        for kind, name in (("destinations", "destId"), ("sources", "sourceId")):
            if name in given:
                it = self._record(kind, str(given[name]), of=call.studio)
                return it is None or f'"{it["name"]}"' in text
        if "connectionId" in given:
            it = self._record("connections", str(given["connectionId"]))
            return it is None or f'"{it["displayName"]}"' in text
        return f'"{self.trax.record(call.studio)["name"]}"' in text

    def _record(self, kind: str, record_id: str, **of: str) -> dict[str, Any] | None:
        return next((it for it in self.trax.records(kind, **of) if it["id"] == record_id), None)


def _data(call: RunningCall) -> dict[str, Any]:
    return getattr(call.result, "structured_content", None) or {}


def _did_not_run(call: RunningCall) -> bool:
    return (
        isinstance(call.result, types.InputRequiredResult) or _data(call).get("executed") is False
    )


def _was_declined(call: RunningCall) -> bool:
    return (_data(call).get("status"), _data(call).get("reason")) in {
        ("declined", "declined"),
        ("declined", "cancelled"),
    }
