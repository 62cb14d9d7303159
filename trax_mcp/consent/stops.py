"""Stops a broadcast. A stop that has its yes reads no fact and waits for no turn.

It waits for a go-live that is being sent, for a moment, and for nothing else: also where the engine
is away.
"""

import secrets
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from typing import Final

import anyio
from cachetools import TTLCache

from trax_mcp.actions.shown import Preview, show
from trax_mcp.actions.view import View
from trax_mcp.api.client import Client
from trax_mcp.api.errors import NotSent, Outcome, TraxError, interrupted
from trax_mcp.clock import Clock
from trax_mcp.consent.attempts import Sent, outcome_of
from trax_mcp.consent.calls import ApprovedIn, Ask, Done, GuardedCall, NotRun, Result
from trax_mcp.consent.later_steps import LaterStep
from trax_mcp.consent.policy import (
    ALREADY_USED,
    NeedsAnswer,
    NeedsConfirmation,
    Proceed,
    Refuse,
    Verdict,
    by_a_person,
    in_audit_log,
    judge_stop,
    not_run,
)
from trax_mcp.consent.questions import IN_PROGRESS, QUESTION_SECONDS, outcome_in_words
from trax_mcp.consent.records import KEPT_SECONDS, Away, Place
from trax_mcp.consent.reporting import Reporter
from trax_mcp.consent.rules import Rules
from trax_mcp.consent.sending import Sender
from trax_mcp.consent.stop_ends import StopEnd, end_of_stop
from trax_mcp.consent.stop_token import StopToken, sign_stop
from trax_mcp.consent.store import Seen, Store
from trax_mcp.studio.facts import Facts
from trax_mcp.studio.reading import FactReader

_WAIT_SECONDS: Final = 2.0
"""How long a stop waits until no go-live is being sent, so that it comes last."""
_ENGINE_SECONDS: Final = 0.3
"""How long a stop waits for the engine before and after that. Then it goes on alone."""
_FACTS_SECONDS: Final = 0.4
"""How long a text about a stop waits for what the engine knows."""
_MAX_USED: Final = 4096
_NO_ACCESS: Final = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}


class Stops:
    """Runs stops."""

    def __init__(
        self,
        client: Client,
        sender: Sender,
        reporter: Reporter,
        *,
        rules: Rules,
        store: Store,
        clock: Clock,
    ) -> None:
        self._client = client
        self._sender = sender
        self._reporter = reporter
        self._rules = rules
        self._store = store
        self._clock = clock
        self._used_here: TTLCache[str, str] = TTLCache(_MAX_USED, KEPT_SECONDS, clock.seconds)
        """What came of each yes that was used here, while the engine may not know."""
        self._asked_about: TTLCache[tuple[str, str | None], Facts]
        self._asked_about = TTLCache(_MAX_USED, QUESTION_SECONDS, clock.seconds)
        """The facts of each question that was asked here. A stop itself reads none, nor a name."""

    async def run(self, call: GuardedCall) -> Result:
        """Stop, if a person has agreed; else ask.

        Raises:
            TraxError: a fact could not be read, or the stop was sent, or tried, and failed.
        """
        began = anyio.current_time()
        text = call.evidence.question_id or ""
        studio_id = call.studio_id
        token = StopToken.read(text, key=call.caller.key or "", studio_id=studio_id)
        is_for_another = await self._is_for_another(call, text, token)
        outcome = await self._outcome(text) if token else None
        if outcome is not None:
            return self._already_used(call, outcome)
        now = self._clock.now().timestamp()
        verdict = judge_stop(
            call.evidence,
            token,
            ask=self._rules.ask,
            can_ask=call.can_ask,
            is_for_another=is_for_another,
            now=now,
        )
        if isinstance(verdict, Refuse):
            age = 0.0 if token is None else now - token.until + QUESTION_SECONDS
            verdict = by_a_person(verdict, call.evidence, age=age)
        self._write_verdict(call, verdict)
        match verdict:
            case Proceed():
                yes = text if token else secrets.token_hex(16)  # confirm_alone
                return await self._stop(call, yes, until=began + _WAIT_SECONDS)
            case Refuse():
                return not_run(call.tool, verdict)
            case NeedsAnswer() | NeedsConfirmation():
                return await self._ask(call, verdict)
        raise TypeError(verdict)

    async def _ask(
        self, call: GuardedCall, verdict: NeedsAnswer | NeedsConfirmation
    ) -> Ask | NotRun:
        (stop,) = call.operations
        reader = FactReader(self._client, call.caller, call.studio_id, quick=True, urgent=True)
        try:
            facts = await reader.read(stop.all_reads)
        except TraxError as error:
            raise error.before_sending() from None
        with anyio.move_on_after(_FACTS_SECONDS), suppress(Away):  # the yes may come elsewhere
            await self._store.tell_replicas_of_access(call)
        place = self._store.place(call)
        if (seen := await self._look(place, call)) is not None:
            facts = facts._replace(auto_go_live=seen.studio.auto_go_live)
            if facts.live and seen.start_may_come:
                with anyio.move_on_after(_FACTS_SECONDS), suppress(Away):
                    await self._store.note_on_air(place, seen)
        self._asked_about[call.caller.owner, call.studio_id] = facts
        preview = show(call.operations, View(facts, now=self._clock.now()))
        if isinstance(verdict, NeedsAnswer):
            return Ask(self._sign(call, preview, is_for_model=False), preview)
        refused = not_run(call.tool, verdict, preview=preview)
        if self._rules.ask.confirm_alone:
            return refused
        expires_at = self._clock.now() + timedelta(seconds=QUESTION_SECONDS)
        token = self._sign(call, preview, is_for_model=True)
        return replace(refused, confirmation=token, expires_at=expires_at)

    async def _stop(self, call: GuardedCall, token: str, *, until: float) -> Done | NotRun:
        """Let a go-live that is being sent end first, void every earlier yes, and send.

        It waits `until` then, on anyio's clock.
        """
        sender, store, stop_id = self._sender, self._store, secrets.token_hex(8)
        (stop,) = call.operations
        if token in self._used_here:  # since it was judged
            return self._already_used(call, self._used_here[token])
        self._used_here[token] = IN_PROGRESS
        sent: Sent = interrupted(stop)
        is_first: bool | None = None  # not known while the engine does not answer
        with sender.tasks.shield(deadline=self._reporter.deadline()):
            place = await self._wait_for_go_live(call, until=until)
            begin = partial(store.begin_stop, place, token, stop_id)
            with anyio.move_on_after(self._engine_seconds), suppress(Away):
                is_first = await begin()
            if is_first is None and place.own == place.shared:
                self._tell_later(place, begin)
            if is_first is not False:
                async with store.turns.keeping(place.own, stop_id):
                    took = anyio.current_time() - until + _WAIT_SECONDS
                    self._client.telemetry.measure_stop(took)
                    try:
                        sent = await sender.send(stop, call, digest=None)
                    finally:
                        missed = begin if is_first is None else None
                        await self._record_end(place, token, stop_id, sent, missed=missed)
        if is_first is False:
            self._used_here.pop(token, None)  # another replica sends it, and the engine knows more
            return self._already_used(call, await self._outcome(token) or IN_PROGRESS)
        if isinstance(sent, NotSent):
            self._reporter.write_outcome(call, sent, sent.outcome, None, digest=None)
            raise sent
        return await self._conclude(call, place, token, sent)

    async def _record_end(
        self, place: Place, token: str, stop_id: str, sent: Sent, *, missed: LaterStep | None
    ) -> None:
        """Record how a stop has ended. `missed` is its beginning, if the engine did not hear of it.

        Others hear of the stop of a caller who acts apart only if TRaX has not refused it.
        """
        store, outcome, is_stranger = self._store, outcome_of(sent), _is_stranger(sent)
        self._note_outcome(token, outcome)
        end = partial(store.end_stop, place, token, stop_id, outcome, is_stranger=is_stranger)
        if missed is None:
            with anyio.CancelScope(shield=True):
                await store.later.now_or_later(end)
        elif place.own == place.shared:
            store.later.add(end)
        elif outcome != "not_applied":
            self._tell_later(place, missed)
            store.later.add(end)

    def _tell_later(self, place: Place, begin: LaterStep) -> None:
        """Let others know of a stop when the engine answers, and go-lives of this process now."""
        self._store.later.add(begin)
        self._sender.unheard[place.shared] += 1

    async def _wait_for_go_live(self, call: GuardedCall, *, until: float) -> Place:
        """Wait for a go-live for a moment, if the process does not end. Returns the place."""
        place = self._store.place(call)
        with self._sender.tasks.until_ending(), anyio.CancelScope(deadline=until), suppress(Away):
            place = await self._store.place_at_any_replica(call)
            await self._store.turns.wait_for_go_live(place.own)
        return place

    async def _conclude(self, call: GuardedCall, place: Place, token: str, sent: Sent) -> Done:
        end, auto_go_live = await self._watch(call, place, token, sent)
        approved_in = self._approved_in(call)
        if end.error is not None:
            return Done(None, end.observed, approved_in=approved_in, error=end.error)
        return await self._reporter.report(
            call,
            sent,
            View(
                Facts(studio=self._asked(call).studio, auto_go_live=auto_go_live),
                now=self._clock.now(),
                observed=end.observed,
                was_off=end.was_off,
            ),
            approved_in=approved_in,
        )

    async def _watch(
        self, call: GuardedCall, place: Place, token: str, sent: Sent
    ) -> tuple[StopEnd, bool]:
        """How a stop has ended, and whether `autoGoLive` is on. It is recorded and logged."""
        later = self._store.later
        with anyio.CancelScope(shield=True):
            seen = await self._look(place, call)
        observed, was_on_air = await self._reporter.watch_stop(call, sent)
        was_on_air = was_on_air or (seen is None and self._asked(call).live is True)
        may_come = seen is None or seen.start_may_come  # while the engine is away, it may
        end = end_of_stop(
            sent, observed, self._clock.now(), start_may_come=may_come and not was_on_air
        )
        self._reporter.write_outcome(call, sent, end.outcome, end.observed, digest=None)
        with anyio.CancelScope(shield=True):
            if end.outcome != "not_applied":
                words = outcome_in_words(end.outcome, end.observed.state)
                self._used_here[token] = words
                await later.now_or_later(partial(self._store.record_stop_outcome, token, words))
            if seen is not None and seen.start_may_come and was_on_air:
                await later.now_or_later(partial(self._store.note_on_air, place, seen))
        return end, seen is not None and seen.studio.auto_go_live

    def _asked(self, call: GuardedCall) -> Facts:
        """The facts of the last question about such a stop here, as far as there was one."""
        return self._asked_about.get((call.caller.owner, call.studio_id), Facts())

    async def _look(self, place: Place, call: GuardedCall) -> Seen | None:
        """What is remembered of the studio, as far as the engine says so in time."""
        with anyio.move_on_after(_FACTS_SECONDS), suppress(Away):
            return await self._store.look(place, call)
        return None

    def _already_used(self, call: GuardedCall, outcome: str) -> NotRun:
        self._write_verdict(call, ALREADY_USED)
        return not_run(call.tool, ALREADY_USED, outcome=outcome)

    async def _outcome(self, token: str) -> str | None:
        """What came of the stop that used this yes, as far as is known in time."""
        if token in self._used_here:
            return self._used_here[token]
        with anyio.move_on_after(self._engine_seconds), suppress(Away):
            return await self._store.stop_outcome(token)
        return None

    def _note_outcome(self, token: str, outcome: Outcome) -> None:
        if outcome == "not_applied":
            self._used_here.pop(token, None)
        else:
            self._used_here[token] = outcome_in_words(outcome)

    async def _is_for_another(self, call: GuardedCall, text: str, token: StopToken | None) -> bool:
        """Whether a text is a yes of this caller to something else."""
        if token is not None or not text:
            return False
        if StopToken.looks_like(text):
            return True
        with anyio.move_on_after(self._engine_seconds), suppress(Away):
            return (await self._store.questions.read(text, call.caller)).question is not None
        return False

    @property
    def _engine_seconds(self) -> float | None:
        return _ENGINE_SECONDS if self._store.records.is_shared else None

    def _sign(self, call: GuardedCall, preview: Preview, *, is_for_model: bool) -> str:
        return sign_stop(
            key=call.caller.key or "",
            studio_id=call.studio_id,
            until=self._clock.now().timestamp() + QUESTION_SECONDS,
            choice=preview.yes,
            is_for_model=is_for_model,
        )

    def _approved_in(self, call: GuardedCall) -> ApprovedIn:
        is_alone = self._rules.ask.confirm_alone and not call.evidence.answer
        return "confirm_alone" if is_alone else call.evidence.approved_in

    def _write_verdict(self, call: GuardedCall, verdict: Verdict) -> None:
        approved_in = self._approved_in(call)
        facts = in_audit_log(verdict, ask=self._rules.ask, approved_in=approved_in)
        self._sender.audit.write_verdict(call, facts)


def _is_stranger(sent: Sent) -> bool:
    """Whether TRaX lets the key do nothing in this studio, or does not know it."""
    return isinstance(sent, TraxError) and sent.http_status in _NO_ACCESS
