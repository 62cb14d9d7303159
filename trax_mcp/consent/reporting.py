"""Finds out what came of a call that was sent, records it and says it.

A lost answer is looked up by reading the stream status, and never sent again.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, Final

import anyio

from trax_mcp.actions.change import Change
from trax_mcp.actions.destinations import UpdateDestination
from trax_mcp.actions.shown import with_views
from trax_mcp.actions.sources import UpdateSource
from trax_mcp.actions.view import View
from trax_mcp.api.client import Client
from trax_mcp.api.errors import Outcome, TraxError
from trax_mcp.api.models import Destination, Source, read_switch
from trax_mcp.api.responses import Response
from trax_mcp.clock import Clock, iso
from trax_mcp.consent.attempts import Attempt, Sent, is_certain, lost, outcome_of
from trax_mcp.consent.audit import Audit
from trax_mcp.consent.calls import ApprovedIn, Done, GuardedCall, Step
from trax_mcp.consent.questions import outcome_in_words
from trax_mcp.consent.shielded_tasks import ShieldedTasks
from trax_mcp.consent.store import Store
from trax_mcp.consent.ways import WaysToAsk
from trax_mcp.studio.facts import Fact, Facts, Observed
from trax_mcp.studio.list_cache import ListCache
from trax_mcp.studio.outcome import OBSERVED_SECONDS, OutcomeObserver
from trax_mcp.studio.reading import FactReader

_TIMEOUTS: Final = 2

_LOG = logging.getLogger(__name__)


class Reporter:
    """Observes and reports calls that were sent."""

    def __init__(
        self,
        client: Client,
        *,
        ask: WaysToAsk,
        store: Store,
        audit: Audit,
        tasks: ShieldedTasks,
        clock: Clock,
        lists: ListCache,
    ) -> None:
        self._client = client
        self._ask = ask
        self._store = store
        self._audit = audit
        self._tasks = tasks
        self._clock = clock
        self._lists = lists

    def deadline(self, times: int = _TIMEOUTS) -> float:
        """The time, on anyio's clock, when some requests and an observation must have ended."""
        return anyio.current_time() + times * self._client.timeout_seconds + OBSERVED_SECONDS

    async def observe_and_record(
        self,
        call: GuardedCall,
        sent: Sent,
        record: Callable[[str, Observed | None], Awaitable[None]],
        *,
        digest: str | None = None,
        until: Callable[[], Awaitable[None]] | None = None,
    ) -> Observed | None:
        """Observe a call that is no stop, and `record` its outcome in words, here and in the log.

        All that waits is shielded: a call that the client cancels ends only afterwards. `until`
        returns when a stop has come after a go-live: then it is stopping.

        Raises:
            TraxError: the call failed, and its effect was not seen.
        """
        observed = await self._observe(call, sent, until)
        is_on_air = observed is not None and observed.state == "on_air"
        is_seen = is_on_air and isinstance(sent, TraxError)
        outcome: Outcome = "applied" if is_seen else outcome_of(sent)
        if call.starts_broadcast:  # what came of others is known without a look
            self.write_outcome(call, sent, outcome, observed, digest=digest)
        if outcome != "not_applied":
            words = outcome_in_words(outcome, observed.state if observed else None)
            with anyio.CancelScope(shield=True):
                await self._store.later.now_or_later(partial(record, words, observed))
        if isinstance(sent, TraxError) and not is_seen:
            raise sent
        return observed

    async def _observe(
        self, call: GuardedCall, sent: Sent, until: Callable[[], Awaitable[None]] | None
    ) -> Observed | None:
        """The state that the stream status shows. None if the call started no broadcast."""
        (operation,) = call.operations
        if not operation.starts_broadcast or outcome_of(sent) == "not_applied":
            return None
        observed = Observed("unknown", iso(self._clock.now()))
        with self._tasks.shield(deadline=self.deadline(1)):
            try:
                observed = await self._watch(call, until)
            except Exception:  # noqa: BLE001  the call is done: its outcome must be recorded
                _LOG.exception("watching %s failed", operation.tool_name)
        return observed

    async def _watch(
        self, call: GuardedCall, until: Callable[[], Awaitable[None]] | None
    ) -> Observed:
        observer, observed = self._observer(call), None
        async with anyio.create_task_group() as tasks:

            async def end_early() -> None:
                if until is not None:
                    await until()
                    tasks.cancel_scope.cancel()

            tasks.start_soon(end_early)
            observed = await observer.run(live=True, progress=call.progress)
            tasks.cancel_scope.cancel()
        return observed or Observed("stopping", iso(self._clock.now()))

    async def watch_stop(self, call: GuardedCall, sent: Sent) -> tuple[Observed, bool]:
        """The state after a stop, and whether the show was seen on air before.

        One that TRaX has refused is not watched: the status is read once.
        """
        observed = Observed("unknown", iso(self._clock.now()))
        observer = self._observer(call)
        with self._tasks.shield(deadline=self.deadline(1)):
            try:
                if outcome_of(sent) == "not_applied":
                    observed = await observer.look()
                else:
                    observed = await observer.run(live=False, progress=call.progress)
            except Exception:  # noqa: BLE001  the call is done: its outcome must be recorded
                _LOG.exception("watching %s failed", call.tool)
        return observed, observer.was_on_air

    def _observer(self, call: GuardedCall) -> OutcomeObserver:
        studio_id = call.studio_id
        return OutcomeObserver(self._client, call.caller, studio_id, clock=self._clock)

    async def read_back(
        self, call: GuardedCall, step: Change[Any], sent: Sent
    ) -> tuple[Sent, str | None]:
        """What came of a switch whose answer was lost, by a read, and how the answer was lost.

        If the read shows something else, the change may still come: the failure says so.
        """
        switch = _switch(step)
        if switch is None or not isinstance(sent, TraxError) or sent.outcome != "unknown":
            return sent, None
        fact, name = switch
        facts = Facts()
        with suppress(TraxError):
            reader = FactReader(self._client, call.caller, step.studio(), quick=True)
            facts = await reader.read((fact,))
        listed: Sequence[Destination | Source] = facts.of(fact).value or ()
        found = next((it for it in listed if it.id == step.target_id()), None)
        if found is None:
            return sent, None
        shown = found.model_dump(by_alias=True, exclude_unset=True)
        asked = {it: value for it, value in step.arguments().items() if it in shown}
        if name in asked and all(shown[it] == value for it, value in asked.items()):
            return Response(shown, sent.request_id or "", status=0, size=0), lost(sent)
        is_on = read_switch(shown.get(name))
        was = "whether it is on couldn't be read right after"
        if is_on is not None:
            was = f"it was {'on' if is_on else 'off'} right after"
        not_done = f"{sent.not_done}, and {was}"
        return replace(sent, not_done=not_done), None

    def write_outcome(
        self,
        call: GuardedCall,
        sent: Sent,
        outcome: Outcome,
        observed: Observed | None,
        *,
        digest: str | None,
    ) -> None:
        """Write what came of a call that was sent to the audit log."""
        self._audit.write(
            "sent",
            call,
            digest=digest,
            outcome=outcome,
            code=sent.code if isinstance(sent, TraxError) else None,
            requestId=sent.request_id,
            observed=observed.state if observed else None,
        )

    async def report(
        self,
        call: GuardedCall,
        sent: Sent,
        view: View,
        *,
        approved_in: ApprovedIn | None = None,
        lost: str | None = None,
    ) -> Done:
        """The result in words, from this view and the lists that are kept."""
        (operation,) = call.operations
        done = Done(
            None if isinstance(sent, TraxError) else sent,
            view.observed,
            undone=view.undone,
            approved_in=approved_in,
            lost=sent.told if isinstance(sent, TraxError) and not view.was_off else lost,
        )
        report = operation.report(self._completed(call, view), done.data)
        return done._replace(**report._asdict())

    def report_several(self, attempt: Attempt, view: View, *, is_failed: bool) -> Done:
        """The result of several changes. `is_failed`: the effect of the last one was not seen."""
        call, last = attempt.call, len(attempt.sent) - 1
        views = with_views(call.operations, self._completed(call, view))
        steps = [
            _step(
                it,
                its_view if index == last else replace(its_view, observed=None, undone=None),
                attempt.sent[index] if index <= last else None,
                is_failed=is_failed or index < last,
                cut_short=attempt.cut_short,
                lost=attempt.lost if index == last else None,
            )
            for index, (it, its_view) in enumerate(views)
        ]
        return Done(
            None,
            view.observed,
            undone=attempt.undone,
            approved_in=self.approved_in(call, attempt.question_id),
            steps=tuple(steps),
        )

    def _completed(self, call: GuardedCall, view: View) -> View:
        known = self._lists.known(call.caller, call.studio_id)
        return replace(view, facts=view.facts.completed_by(known))

    def approved_in(self, call: GuardedCall, question_id: str | None) -> ApprovedIn | None:
        """How a call that ran was approved. None if it needed no consent."""
        if question_id is None:
            is_alone = call.evidence.confirm and self._ask.confirm_alone
            return "confirm_alone" if is_alone else None
        return call.evidence.approved_in


def _step(
    change: Change[Any],
    view: View,
    sent: Sent | None,
    *,
    is_failed: bool,
    cut_short: str,
    lost: str | None,
) -> Step:
    """What came of one of several changes."""
    tool, (act, _) = change.tool_name, change.choices(view)
    if sent is None:
        return Step(tool, "not_sent", f"{act}: not sent, because {cut_short}.")
    if isinstance(sent, TraxError) and is_failed:
        return Step(tool, sent.outcome, f"{act}: {sent.summary}", error=sent)
    data = {} if isinstance(sent, TraxError) else sent.data
    report = change.report(view, data)
    is_seen = view.state == "on_air"
    is_done = is_seen or is_certain(change, sent)
    said = [it.text for it in (*report.said, *report.warnings)]
    return Step(
        tool,
        "applied" if is_done else "unknown",
        " ".join([*said, read_back_text(lost)] if lost else said),
        data,
        next_step=report.next_step,
    )


def read_back_text(lost: str) -> str:
    """That what a call has done was read, since its answer was lost."""
    return f"{lost}. This was read right after."


def _switch(step: Change[Any]) -> tuple[Fact, str] | None:
    """The list that shows a switch which a call turns, and its name there. Else None.

    Only of a call that changes nothing else but a name: no read shows the rest reliably.
    """
    match step:
        case UpdateDestination(enabled=bool()):
            fact, name = Fact.DESTINATIONS, "enabled"
        case UpdateSource(active=bool()):
            fact, name = Fact.SOURCES, "active"
        case _:
            return None
    changed = {it for it in step.arguments() if not it.endswith("Id")}
    return (fact, name) if changed <= {name, "name"} else None
