"""Stops a broadcast. A stop needs its yes, and waits for nothing else for long.

No fact is read, it takes the turn from whoever has it, and goes on where the engine is away.
"""

import secrets
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Final

import anyio

from trax_mcp.api.client import Client
from trax_mcp.api.error_texts import interrupted, not_sent_because
from trax_mcp.api.errors import Outcome, TraxError
from trax_mcp.clock import Clock
from trax_mcp.consent.calls import ApprovedIn, Ask, Done, GuardedCall, NotRun, Result
from trax_mcp.consent.plans import plan_for
from trax_mcp.consent.policy import (
    ALREADY_USED,
    NeedsAnswer,
    NeedsConfirmation,
    Proceed,
    Refuse,
    Verdict,
    in_audit_log,
    is_unseen,
    judge_stop,
    not_run,
)
from trax_mcp.consent.questions import IN_PROGRESS, QUESTION_SECONDS, outcome_in_words
from trax_mcp.consent.records import Away, Key, Place
from trax_mcp.consent.rules import Mode, Rules
from trax_mcp.consent.sending import Sender, Sent, outcome_of
from trax_mcp.consent.stop_token import StopToken, sign_stop
from trax_mcp.consent.store import Store
from trax_mcp.studio.fact_reader import FactReader
from trax_mcp.studio.facts import Facts, Observed

_GO_LIVE_SECONDS: Final = 2.0
"""How long a stop waits for a go-live that is being sent, so that it comes last."""
_ENGINE_SECONDS: Final = 0.4
"""How long a stop waits until the engine knows of it. Then it goes on alone."""
_MAX_USED: Final = 4096


class Stops:
    """Runs stops. `unheard` counts those of each studio that the engine did not hear of in time."""

    def __init__(
        self, client: Client, sender: Sender, *, rules: Rules, store: Store, clock: Clock
    ) -> None:
        self.unheard: Counter[Key] = Counter()
        self._client = client
        self._sender = sender
        self._rules = rules
        self._store = store
        self._clock = clock
        self._used_here: dict[str, str] = {}
        """What came of each yes that was used here, while the engine may not know."""

    async def run(self, call: GuardedCall) -> Result:
        """Stop, if a person has agreed; else ask.

        Raises:
            TraxError: a fact could not be read, or the stop was sent, or tried, and failed.
        """
        text = call.evidence.question_id or ""
        token = StopToken.read(text, key=call.caller.key or "")
        if token and token.studio_id != call.operation.studio():
            token = None
        if token and (outcome := await self._outcome(text)) is not None:
            return self._already_used(call, outcome)
        now = self._clock.now().timestamp()
        verdict = judge_stop(
            call.evidence,
            token,
            mode=self._rules.mode,
            can_ask=call.can_ask,
            is_for_another=bool(text) and not token and await self._is_for_another(call, text),
            now=now,
        )
        self._write_verdict(call, verdict)
        match verdict:
            case Proceed():
                return await self._stop(call, text if token else self._sign(call, None))
            case Refuse():
                age = 0.0 if token is None else now - token.until + QUESTION_SECONDS
                unseen = is_unseen(call.evidence.answer, age=age)
                refused = not_run(call.operation.tool_name, verdict)
                return replace(refused, unseen=unseen)
            case NeedsAnswer() | NeedsConfirmation():
                return await self._ask(call, verdict)
        raise TypeError(verdict)

    async def _ask(
        self, call: GuardedCall, verdict: NeedsAnswer | NeedsConfirmation
    ) -> Ask | NotRun:
        operation, plan_type = call.operation, plan_for(call.operation)
        reader = FactReader(self._client, call.caller, operation.studio(), quick=True, urgent=True)
        try:
            facts = await reader.read(plan_type.reads)
        except TraxError as error:
            raise not_sent_because(error, operation) from None
        with anyio.move_on_after(_ENGINE_SECONDS), suppress(Away):  # the yes may come elsewhere
            await self._store.tell_replicas_of_access(operation, call.caller)
        facts = replace(facts, auto_go_live=await self._has_auto_go_live(call))
        preview = plan_type(operation, facts, now=self._clock.now()).preview
        if isinstance(verdict, NeedsAnswer):
            return Ask(self._sign(call, preview.choice), preview)
        refused = not_run(operation.tool_name, verdict, preview=preview)
        if self._rules.mode is Mode.FLAG:
            return refused
        expires_at = self._clock.now() + timedelta(seconds=QUESTION_SECONDS)
        return replace(refused, confirmation=self._sign(call, None), expires_at=expires_at)

    async def _stop(self, call: GuardedCall, token: str) -> Done | NotRun:
        """Let a go-live that is being sent end first, void every earlier yes, and send."""
        sender = self._sender
        stop_id = secrets.token_hex(8)
        self._note_used(token, IN_PROGRESS)
        sent: Sent = interrupted(call.operation)
        is_first: bool | None = True
        with sender.tasks.shield(deadline=sender.deadline()):
            place = await self._wait_for_go_live(call)
            begin = partial(self._store.begin_stop, place, token, stop_id)
            seconds = _ENGINE_SECONDS if self._store.records.is_shared else None
            is_first = await self._store.now_or_later(begin, seconds=seconds)
            if is_first is None:
                self.unheard[place.shared] += 1
            if is_first is not False:
                async with self._store.turns.keeping(place.own, stop_id):
                    try:
                        sent = await sender.send(call, digest=None)
                    finally:
                        end = partial(self._store.end_stop, place, token, stop_id)
                        await self._end(token, outcome_of(sent), end, is_known=is_first is not None)
        if is_first is False:
            self._used_here.pop(token, None)  # another replica sends it, and the engine knows more
            return self._already_used(call, await self._outcome(token) or IN_PROGRESS)
        return await self._conclude(call, place, token, sent)

    async def _wait_for_go_live(self, call: GuardedCall) -> Place:
        """Wait for a go-live for a moment, if the process does not end. Returns the place."""
        place = self._store.place(call.operation, call.caller)
        with self._sender.tasks.until_ending(), anyio.move_on_after(_GO_LIVE_SECONDS):
            try:
                place = await self._store.place_at_any_replica(call.operation, call.caller)
                await self._store.turns.wait_for_go_live(place.own)
            except Away:
                return place
        return place

    async def _end(
        self,
        token: str,
        outcome: Outcome,
        end: Callable[[Outcome], Awaitable[None]],
        *,
        is_known: bool,
    ) -> None:
        """End a stop in the store, after its beginning if the engine does not know that yet."""
        if outcome == "not_applied":
            self._used_here.pop(token, None)
        else:
            self._note_used(token, outcome_in_words(outcome))
        if not is_known:
            self._store.take_later(partial(end, outcome))
            return
        with anyio.CancelScope(shield=True):
            await self._store.now_or_later(partial(end, outcome))

    async def _conclude(self, call: GuardedCall, place: Place, token: str, sent: Sent) -> Done:
        async def record(words: str, _observed: Observed | None) -> None:
            self._note_used(token, words)
            await self._store.record_stop_outcome(token, words)

        observed = await self._sender.conclude(call, sent, place, record)
        facts = Facts(auto_go_live=await self._has_auto_go_live(call))
        return await self._sender.report(
            call, sent, facts, observed=observed, approved_in=self._approved_in(call)
        )

    async def _has_auto_go_live(self, call: GuardedCall) -> bool:
        """Whether `autoGoLive` was turned on here, as far as the engine says so in time."""
        with anyio.move_on_after(_ENGINE_SECONDS), suppress(Away):
            place = self._store.place(call.operation, call.caller)
            seen = await self._store.look(place, None, call.operation, call.caller)
            return seen.studio.auto_go_live
        return False

    def _already_used(self, call: GuardedCall, outcome: str) -> NotRun:
        self._write_verdict(call, ALREADY_USED)
        return not_run(call.operation.tool_name, ALREADY_USED, outcome=outcome)

    async def _outcome(self, token: str) -> str | None:
        """What came of the stop that used this yes. None if none did, as far as can be known."""
        if token in self._used_here:
            return self._used_here[token]
        with anyio.move_on_after(_ENGINE_SECONDS):
            try:
                return await self._store.stop_outcome(token)
            except Away:
                return None
        return None

    async def _is_for_another(self, call: GuardedCall, text: str) -> bool:
        """Whether a text is a yes of this caller to something else."""
        key = call.caller.key or ""
        if StopToken.is_signed(text, key=key):
            return True
        with anyio.move_on_after(_ENGINE_SECONDS):
            try:
                return (await self._store.question(text, call.caller)).question is not None
            except Away:
                return False
        return False

    def _sign(self, call: GuardedCall, choice: str | None) -> str:
        until = self._clock.now().timestamp() + QUESTION_SECONDS
        key, studio_id = call.caller.key or "", call.operation.studio()
        return sign_stop(key=key, studio_id=studio_id, until=until, choice=choice)

    def _note_used(self, token: str, outcome: str) -> None:
        self._used_here.pop(token, None)
        self._used_here[token] = outcome
        if len(self._used_here) > _MAX_USED:
            del self._used_here[next(iter(self._used_here))]

    def _approved_in(self, call: GuardedCall) -> ApprovedIn:
        evidence = call.evidence
        if evidence.answer:
            return evidence.answered_in or "form"
        if evidence.confirm and self._rules.mode is Mode.FLAG:
            return "flag"
        return evidence.answered_in or "confirmation"

    def _write_verdict(self, call: GuardedCall, verdict: Verdict) -> None:
        approved = self._approved_in(call) if isinstance(verdict, Proceed) else None
        self._sender.audit.write(
            "decided",
            call,
            mode=self._rules.mode,
            **in_audit_log(verdict),
            answeredIn=approved,
        )
