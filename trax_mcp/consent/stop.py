"""Decides about a stop: by its approval alone, which is a signed word, and by nothing else."""

import logging
import secrets
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial

import anyio

from trax_mcp.actions.shown import reads_for, show
from trax_mcp.actions.stream import END_IT
from trax_mcp.actions.view import View
from trax_mcp.api.errors import NotSent, TraxError
from trax_mcp.api.reads import GetStudio
from trax_mcp.consent.after_stop import StopEnd, end_of_stop
from trax_mcp.consent.calls import Ask, Call, Done, NotRun, Result, Sent, Step
from trax_mcp.consent.parts import Parts
from trax_mcp.consent.policy import (
    USED,
    AskFirst,
    Proceed,
    judge_stop,
    unless_unseen,
)
from trax_mcp.consent.question import IN_PROGRESS, QUESTION_SECONDS, Question, outcome_in_words
from trax_mcp.consent.stop_token import StopToken
from trax_mcp.consent.stopping import (
    FACTS_SECONDS,
    Stopping,
    StopWatch,
    digest,
    engine_seconds,
)
from trax_mcp.consent.store import Record, StoreUnavailable, name_of, record_name_in
from trax_mcp.studio import times
from trax_mcp.studio.facts import Facts
from trax_mcp.studio.naming import Sentence, say, sentence
from trax_mcp.studio.reading import FactReader

_LOG = logging.getLogger(__name__)


def question_as_signed(parts: Parts, call: Call, token: str) -> Question | None:
    """The question of a stop's word, with what was read for it in this process."""
    read = StopToken.read(token, key=call.caller.key or "", studio_id=call.studio)
    if read is None:
        return None
    facts = parts.asked_about.get((call.caller.owner, call.studio), Facts())
    return Question(
        id=token,
        caller=call.caller.fingerprint,
        operations=call.operations,
        way="panel",
        preview=show(call.operations, View(facts, now=parts.clock.now())),
        asked_at=read.until - QUESTION_SECONDS,
    )


class Stop:
    """One stop, until it may be sent."""

    def __init__(self, parts: Parts, call: Call) -> None:
        self.parts = parts
        self.call = call
        self._arrived = anyio.current_time()
        self._approval = (call.answer.question_id if call.answer else "") or secrets.token_hex(16)

    async def run(self) -> Result:
        """Stop, if a person has agreed; else ask.

        Raises:
            TraxError: a fact could not be read, or nothing could be sent.
        """
        token = StopToken.read(
            self._approval, key=self.call.caller.key or "", studio_id=self.call.studio
        )
        if token and (used := await self._used()):
            return self._already_used(used)
        now = self.parts.clock.now().timestamp()
        is_for_another = token is None and await self._is_for_another()
        verdict = judge_stop(self.call.answer, token, now, is_for_another=is_for_another)
        age = now - token.until + QUESTION_SECONDS if token else 0.0
        match unless_unseen(verdict, self.call.answer, age=age):
            case Proceed() as proceed:
                self.parts.write_verdict(self.call, proceed)
                return await self._stop()
            case NotRun() as refusal:
                self.parts.write_verdict(self.call, refusal)
                return refusal
            case AskFirst() as ask:
                return await self._ask(ask)

    # The question

    async def _ask(self, verdict: AskFirst) -> Ask:
        call, operations = self.call, self.call.operations
        reader = FactReader(self.parts.client, call.caller, call.studio, quick=True, urgent=True)
        try:
            facts = await reader.read(reads_for(operations))
        except TraxError as error:
            raise error.before_sending() from None
        record_name = self.parts.record_name(call)
        seen = await self.parts.store.look_within(FACTS_SECONDS, record_name)
        if seen is not None:
            facts = replace(facts, auto_go_live=seen.now < seen.studio.auto_go_live_until)
            if facts.live and (start := seen.studio.start) is not None:
                with anyio.move_on_after(FACTS_SECONDS), suppress(StoreUnavailable):
                    await self.parts.store.update(
                        record_name, lambda it, _: it.seen_on_air(start.id)
                    )
        self.parts.asked_about[call.caller.owner, call.studio] = facts
        preview = show(operations, View(facts, now=self.parts.clock.now()))
        return Ask(preview, record_name, verdict.reason)

    async def _is_for_another(self) -> bool:
        """Whether an approval that is none of this stop is of this caller to something else."""
        if self.call.answer is None or not self.call.answer.question_id:
            return False
        if StopToken.looks_like(self._approval):
            return True
        name, caller = record_name_in(self._approval), self.call.caller.fingerprint
        other = await self.parts.store.look_within(engine_seconds(self.parts), name)
        return other is not None and bool(other.studio.question(self._approval, caller, other.now))

    def _already_used(self, words: str) -> NotRun:
        used = replace(USED, why=words)
        self.parts.write_verdict(self.call, used)
        return used

    # It is sent

    async def _stop(self) -> Done | NotRun:
        stop = Stopping(self.parts, self.call, self._approval)
        if not await stop.send(self._arrived):
            return self._already_used(await self._used() or IN_PROGRESS)
        if isinstance(stop.sent, NotSent):
            self.parts.write_sent(self.call, self.call.operations[0], stop.sent)
            raise stop.sent
        return await self._conclude(stop)

    async def _conclude(self, stop: Stopping) -> Done:
        """Watch what follows, and tell how it has ended, here and in the audit log."""
        parts, call = self.parts, self.call
        watch = StopWatch(stop)
        seen: Record | None = None
        with parts.tasks.shield(deadline=parts.deadline(1)):
            try:
                seen = await stop.look()
                await watch.run(call.progress)
            except Exception:  # noqa: BLE001  it was sent: its outcome must be recorded
                _LOG.exception("watching %s failed", call.tool)
        asked = parts.asked_about.get((call.caller.owner, call.studio), Facts())
        was_on_air = watch.was_on_air or (seen is None and asked.live is True)
        may_come = (seen is None or stop.start is not None) and not was_on_air
        end = end_of_stop(stop.sent, watch.observed, parts.clock.now(), start_may_come=may_come)
        outcome, state = end.outcome, end.observed.state
        parts.write_sent(call, call.operations[0], stop.sent, outcome=outcome, observed=state)
        with anyio.CancelScope(shield=True):
            if outcome != "not_applied":
                await stop.note_words(outcome_in_words(outcome, state))
        facts = Facts({GetStudio: asked[GetStudio]})
        if seen is not None:
            facts = replace(facts, auto_go_live=seen.now < seen.studio.auto_go_live_until)
        step = self._step(stop.sent, end, facts)
        if state == "stopping":
            step = step._replace(said=(*step.said, *self._watch_on(watch)))
        return Done((step,), end.observed, None, call.answer.by if call.answer else None)

    def _step(self, sent: Sent, end: StopEnd, facts: Facts) -> Step:
        """It in words."""
        operation = self.call.operations[0]
        if end.error is not None:
            return Step(operation.tool_name, end.outcome, error=end.error)
        data = {} if isinstance(sent, TraxError) else sent.data
        view = View(
            self.parts.known(self.call, facts),
            now=self.parts.clock.now(),
            observed=end.observed,
            was_off=end.was_off,
        )
        lost = sent.told if isinstance(sent, TraxError) and not end.was_off else None
        return Step(
            operation.tool_name,
            end.outcome,
            *operation.report(view, data),
            None if isinstance(sent, TraxError) else data,
            lost,
        )

    def _watch_on(self, watch: StopWatch) -> tuple[Sentence, ...]:
        """Watch on, if a start may still come, and say until when."""
        background, left = self.parts.background, watch.seconds_left
        if left <= 0 or not background.is_open:
            return ()
        background.start(partial(self._tell_later, watch))
        now = self.parts.clock.now()
        until = times.at(now + timedelta(seconds=left), now)
        once = f"If it goes on air before {until}, it's taken off air again."
        return (say(f"{once} Closing the client ends that."),)

    async def _tell_later(self, watch: StopWatch) -> None:
        """Watch on, and let the next call about this studio tell what was done."""
        owner, studio = self.call.caller.owner, self.call.studio
        if (moment := await watch.run_on()) is None:
            return
        asked = self.parts.asked_about.get((owner, studio), Facts())
        now = self.parts.clock.now()
        view = View(self.parts.known(self.call, Facts({GetStudio: asked[GetStudio]})), now=now)
        ends = {"off_air": " Then it was seen off air.", "on_air": f" It is on air: {END_IT}."}
        stopped = f"so it was taken off air again at {times.at(moment, now)}"
        then = ends.get(watch.observed.state, "")
        subject = view.studio_or("The show")
        told = sentence(f"{{}} went on air after going offline, {stopped}.{then}", subject)
        self.parts.news[owner, studio] = told.text

    async def _used(self) -> str | None:
        """What became of the stop that used this approval, as far as the engine says so in time.

        It may have been a caller's own until TRaX had accepted their key.
        """
        own = self.parts.record_name(self.call)
        for record_name in dict.fromkeys((name_of(self.call.studio), own)):
            seen = await self.parts.store.look_within(engine_seconds(self.parts), record_name)
            if seen and (used := seen.studio.used_stops.get(digest(self._approval))):
                return used.outcome
        return None
