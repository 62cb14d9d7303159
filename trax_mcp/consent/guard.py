"""Runs guarded calls: each only with consent.

A call that may not run comes back as `NotRun`, and one that a person must decide as an `Ask`. Then
the same call is run again, from the beginning, with the answer.
"""

import hashlib
import json
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from typing import Final, Never

import anyio

from trax_mcp.actions.shown import changes_since, puts_on_air, reads_for, show
from trax_mcp.actions.view import View
from trax_mcp.api.caller import Caller
from trax_mcp.api.errors import (
    NOTHING_CHANGED,
    WRITES_OFF,
    WRITES_OFF_NEXT,
    NotSent,
    Refused,
)
from trax_mcp.api.operation import When
from trax_mcp.api.reads import GetStreamStatus, GetStudio
from trax_mcp.consent.calls import Ask, Call, NotRun, Result
from trax_mcp.consent.parts import Parts
from trax_mcp.consent.policy import (
    TOO_SOON,
    USED,
    WITHDRAWN,
    AskFirst,
    Case,
    Proceed,
    judge,
    nothing_to_do,
    question_to_use,
    refusal_by_person,
    unless_unseen,
)
from trax_mcp.consent.question import QUESTION_SECONDS, Question, write_operations
from trax_mcp.consent.running import Begin
from trax_mcp.consent.sending import Sending, Shown
from trax_mcp.consent.stop import Stop
from trax_mcp.consent.stop_token import StopToken, sign_stop
from trax_mcp.consent.store import (
    Record,
    StoreUnavailable,
    new_question_id,
    record_name_in,
    store_unavailable,
)
from trax_mcp.consent.ways import Way
from trax_mcp.studio.facts import Facts
from trax_mcp.studio.naming import Sentence

_WHERE: Final = (GetStreamStatus, GetStudio)
"""What a call that needs consent only on air depends on: also that this is the studio's own id."""
_LONGEST_PAUSE: Final = 10.0
"""How long an approved call waits at most for TRaX's rate limit."""
_PAUSE_SECONDS: Final = 2.0
"""How long it waits if TRaX doesn't say."""


class Guard:
    """Runs guarded calls, and keeps their questions."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    async def run(self, call: Call) -> Result:
        """Run a call if it may run.

        Raises:
            TraxError: a fact could not be read, or the call was sent, or tried, and failed.
        """
        try:
            return await (Stop(self.parts, call) if call.is_stop else Run(self.parts, call)).run()
        except StoreUnavailable:
            raise store_unavailable() from None

    async def go_live_is_pending(self, caller: Caller, studio_id: str) -> bool:
        """Whether a go-live was sent to a studio within the last minute and not seen on air.

        Raises:
            TraxError: the store does not answer.
        """
        record_name = self.parts.record_name_of(GetStreamStatus(studio_id=studio_id), caller)
        try:
            seen = await self.parts.store.look(record_name)
        except StoreUnavailable:
            raise store_unavailable() from None
        return seen.studio.start_may_come(seen.now)

    # Questions

    def question(self, call: Call, ask: Ask, way: Way) -> Question:
        """The question about a call, in one way. That about a stop is a signed word."""
        new_id = self._sign(call, ask, way) if call.is_stop else new_question_id(ask.record_name)
        return Question(
            id=new_id,
            caller=call.caller.fingerprint,
            operations=call.operations,
            way=way,
            preview=ask.preview,
            asked_at=self.parts.clock.now().timestamp(),
        )

    async def keep(self, call: Call, ask: Ask, way: Way) -> Question:
        """Keep a question that a form or a preview asks. Nothing of a stop needs to be kept.

        Raises:
            StoreUnavailable: the store does not answer.
        """
        question = self.question(call, ask, way)
        if not call.is_stop:
            keep = question
            question = await self.parts.store.update(
                ask.record_name, lambda studio, now: studio.ask(keep, now)
            )
        self.write_asked(call, ask, way)
        return question

    def write_asked(self, call: Call, ask: Ask, way: Way | None) -> None:
        """Write to the audit log in which way a person decides. None: in none."""
        asked = AskFirst(ask.reason, by_preview=way == "preview")
        digest = None if call.is_stop else ask.preview.digest
        self.parts.write_verdict(call, asked if way else NotRun("cannot_ask"), digest)

    async def asked(self, call: Call) -> Question | None:
        """The open question that a call answers."""
        question_id = call.answer.question_id if call.answer else ""
        seen = await self.parts.store.look(record_name_in(question_id))
        question = seen.studio.question(question_id, call.caller.fingerprint, seen.now)
        if question is None or not seen.studio.is_good(question, seen.now):
            return None
        return question if question.operations == call.operations else None

    def _sign(self, call: Call, ask: Ask, way: Way) -> str:
        until = self.parts.clock.now() + timedelta(seconds=QUESTION_SECONDS)
        return sign_stop(
            key=call.caller.key or "",
            studio_id=call.studio,
            until=until.timestamp(),
            choice=ask.preview.yes,
            is_for_model=way != "form",  # the same for a click and for the model
        )

    async def watch(self) -> Never:
        """Keep up with the store, and go on with what calls have left to do."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.parts.store.watch)
            tasks.start_soon(self.parts.background.run)
        raise AssertionError


class Run:
    """One call, from its turn to its result. A stop is a `Stop`."""

    def __init__(self, parts: Parts, call: Call) -> None:
        self.parts = parts
        self.call = call
        self.owner = call.caller.fingerprint
        self.when = parts.rules.when(call.operations)
        self._arrived = parts.clock.seconds()
        self.record_name = ""
        self.turn_id = ""
        self.question: Question | None = None
        self.is_for_another = False
        self.seen: Record
        self.arrived_at = 0.0

    async def run(self) -> Result:
        """Run it, and a second time if TRaX's rate limit kept it from doing anything.

        Then no approval was used. It waits without its turn: others may act, and stop, meanwhile.
        """
        for is_first in (True, False):
            try:
                return await self._run()
            except Refused as error:
                if not error.is_rate_limit:
                    raise
                if not (is_first and await self._wait_for_rate_limit(error)):
                    raise self._with_approval(error) from None
        raise AssertionError  # the second try has returned or raised

    async def _run(self) -> Result:
        """Read, decide and send in the turn of the studio, so that nothing comes between.

        Again only if a stop or another use of the same approval came between, or TRaX has accepted
        the caller there meanwhile, who then takes turns with others.
        """
        may_be_sent = self.when is not When.ALWAYS or self.call.answer is not None
        since = await self._last_stop() if self._is_alone else None
        while True:
            self.record_name = self.parts.record_name(self.call)
            turn = self.parts.store.turn(self.record_name, self.call.caller.owner)
            async with turn if may_be_sent else nullcontext("") as self.turn_id:
                await self._look(since)
                result = await self._try()
            if isinstance(result, Sending):
                return await result.conclude()
            if result is not None:
                return result

    async def _try(self) -> NotRun | Ask | Sending | None:
        """Read, judge, and send or respond. None if it must begin again."""
        if self.when is When.NEVER:  # it only takes its turn
            return await self._send(Shown(Facts()), None)
        if (refused := await self._refuse_before_reading()) is not None:
            return refused
        facts, is_free = await self._read()
        record_name = self.parts.record_name(self.call)
        if record_name != self.record_name:  # TRaX has accepted the key
            if self.turn_id:
                return None
            self.record_name = record_name
            await self._look(None)
        if is_free:  # an approval that is not needed is used too, so that it cannot run it again
            used = question_to_use(self.call, self.question)
            return await self._send(Shown(facts, is_free=True), used)
        return await self._judge(facts)

    # It looks, and reads

    async def _look(self, since: float | None) -> None:
        """Look at the studio, and at the question that the call answers.

        An answer that is older than a stop counts no more, where it would lead on air.
        """
        waited = self.parts.clock.seconds() - self._arrived
        seen = self.seen = await self.parts.store.look(self.record_name)
        self.arrived_at = seen.now - waited
        has_stopped = since is not None and since != seen.studio.last_stop_for(self.owner)
        if has_stopped and puts_on_air(self.call.operations):
            self.call = self.call._replace(answer=None)
        self.question, self.is_for_another = None, False
        answer = self.call.answer
        if answer is None or not answer.question_id:
            return
        if (name := record_name_in(answer.question_id)) == self.record_name:
            found = seen.studio.question(answer.question_id, self.owner, seen.now)
            if found is not None and (found.is_used or seen.studio.is_good(found, seen.now)):
                self.question = found
        elif StopToken.looks_like(answer.question_id):
            self.is_for_another = True
        else:
            other = await self.parts.store.look(name)
            found = other.studio.question(answer.question_id, self.owner, other.now)
            self.is_for_another = found is not None and found.operations != self.call.operations

    @property
    def _is_alone(self) -> bool:
        return self.call.answer is not None and self.call.answer.by == "confirm_alone"

    async def _last_stop(self) -> float:
        """The last stop when the call came: another may come while it waits."""
        seen = await self.parts.store.look(self.parts.record_name(self.call))
        return seen.studio.last_stop_for(self.owner)

    async def _read(self) -> tuple[Facts, bool]:
        """What a person is to be shown, and whether nobody needs to be asked."""
        reads, facts = reads_for(self.call.operations), Facts()
        if self.when is When.WHILE_LIVE and self.call.answer is None:  # answers come on air
            facts = await self.parts.read(self.call, _WHERE)
            if self._is_free(facts):
                return facts, True
        facts = await self.parts.read(self.call, reads, facts)
        return facts, self.when is When.WHILE_LIVE and self._is_free(facts)

    def _is_free(self, facts: Facts) -> bool:
        """Whether the studio is off air. If a person was already asked, their answer decides."""
        answer = self.call.answer
        is_answered = answer is not None and answer.is_by_person
        may_come = self.seen.studio.start_may_come(self.seen.now)
        return facts.live is False and not may_come and not is_answered

    # It decides

    async def _refuse_before_reading(self) -> NotRun | None:
        """Refuse where no fact matters: the approval was used, or the person said no."""
        call, question = self.call, self.question
        if question is None:
            return None
        if question.is_used:  # the call itself may have removed its target
            return self._refuse(replace(USED, why=question.outcome), question.preview.digest)
        if (refusal := refusal_by_person(call, question)) is None:
            return None
        verdict = unless_unseen(refusal, call.answer, age=self.arrived_at - question.asked_at)
        if not isinstance(verdict, NotRun):
            raise TypeError(verdict)
        refusals, is_no = _name_of_refusals(call), verdict.reason == "declined"
        await self.parts.store.update(  # a form that was only closed is no answer
            self.record_name,
            lambda it, now: (
                it.decline(question, refusals, now) if is_no else (it.discard(question.id)[0], None)
            ),
        )
        return self._refuse(verdict, question.preview.digest)

    async def _judge(self, facts: Facts) -> NotRun | Ask | Sending | None:
        """Send or respond, by these facts. None if it must begin again."""
        call, now = self.call, self.parts.clock.now()
        preview = show(call.operations, View(facts, now=now))
        if facts.writes_are_off:
            raise NotSent("write_disabled", WRITES_OFF, WRITES_OFF_NEXT, not_done=NOTHING_CHANGED)
        studio, moment = self.seen.studio, self.seen.now
        refusals = studio.refusals.get(_name_of_refusals(call))
        rest = refusals.rest_seconds(moment, pressed=call.pressed) if refusals else None
        is_awaited = studio.awaits_start(moment)
        verdict = judge(
            Case(
                call=call,
                digest=preview.digest,
                question=self.question,
                arrived_at=self.arrived_at,
                nothing_to_do=nothing_to_do(call, facts, now, is_awaited=is_awaited),
                rest_seconds=rest,
                is_for_another=self.is_for_another,
            )
        )
        if isinstance(verdict, Proceed):
            self.parts.write_verdict(call, verdict, preview.digest)
            return await self._send(Shown(facts, preview.digest), verdict.question_id)
        question, changes = self.question, tuple[Sentence, ...]()
        if question is not None and verdict.reason == "changed":
            changes = changes_since(question.preview, preview)
            earlier = question.id  # it stays invalid if all changes back
            if not question.is_elsewhere:  # a panel and a page show what became of it
                await self.parts.store.update(self.record_name, lambda it, _: it.discard(earlier))
        if isinstance(verdict, AskFirst):
            return Ask(preview, self.record_name, verdict.reason, changes)
        if verdict is TOO_SOON and question is not None:
            earlier = question.id
            is_withdrawn = await self.parts.store.update(
                self.record_name, lambda it, now: it.hurry(earlier, now)
            )
            return self._refuse(
                replace(verdict, why=WITHDRAWN if is_withdrawn else None), preview.digest
            )
        refused = self._refuse(verdict, preview.digest)
        is_shown = verdict.status != "nothing_to_do" and verdict.reason != "recently_declined"
        return replace(refused, preview=preview if is_shown else None, changes=changes)

    def _refuse(self, verdict: NotRun, digest: str) -> NotRun:
        self.parts.write_verdict(self.call, verdict, digest)
        return verdict

    # It sends

    async def _send(self, shown: Shown, question_id: str | None) -> Sending | None:
        begun = Begin(
            turn_id=self.turn_id,
            caller=self.owner,
            last_stop=self.seen.studio.last_stop_for(self.owner),
            question_id=question_id,
            refusals=_name_of_refusals(self.call) if question_id else None,
        )
        sending = Sending(self.parts, self.call, self.record_name, begun, shown)
        return sending if await sending.run() else None

    async def _wait_for_rate_limit(self, error: Refused) -> bool:
        """Wait, if a person has answered, who can't answer again. False if it may not go on.

        A model can: its confirmation stays good.
        """
        seconds = error.retry_after_seconds
        seconds = _PAUSE_SECONDS if seconds is None else seconds
        answer = self.call.answer
        if answer is None or not answer.is_by_person or seconds > _LONGEST_PAUSE:
            return False
        with self.parts.tasks.until_ending():
            await self.parts.clock.sleep(seconds)
        return not self.parts.tasks.is_ending

    def _with_approval(self, error: Refused) -> Refused:
        """The failure, with what became of an approval that was not used."""
        told = ""
        if self.call.answer is not None and self.call.answer.is_by_person:
            told = " The user will be asked again."
        elif self.question is not None:
            told = " The same `confirmation` still works until it expires."
        return replace(error, next_step=f"{error.next_step}{told}")


def _name_of_refusals(call: Call) -> str:
    """The name under which refusals of the same call are counted, for each user of a bot."""
    who = [call.caller.fingerprint, call.claimed_name]
    content = json.dumps([who, write_operations(call.operations)])
    return hashlib.blake2b(content.encode(errors="surrogatepass"), digest_size=16).hexdigest()
