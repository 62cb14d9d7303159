"""Asks a person about a guarded call, in one way after the other until one shows the question."""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

import mcp_types as types

from trax_mcp.api.errors import TraxError
from trax_mcp.clock import Clock
from trax_mcp.consent.calls import (
    NO_EVIDENCE,
    Ask,
    Channel,
    Done,
    Evidence,
    GuardedCall,
    NotRun,
    Result,
)
from trax_mcp.consent.guard import ConsentGuard
from trax_mcp.consent.open_questions import OpenQuestion, OpenQuestions, Page
from trax_mcp.consent.questions import REPORT_SECONDS, Ended, Phase
from trax_mcp.consent.records import Away, store_unavailable
from trax_mcp.consent.ways import Way
from trax_mcp.server import ways
from trax_mcp.server.question_text import form_of_stop
from trax_mcp.server.request import CallRequest, Request, goes_on, unless_approved
from trax_mcp.server.ways import Operator

WAIT_SECONDS: Final = 50.0
"""How long a call waits for an answer on the page. Clients give up after a minute."""


_NEEDS_PASSKEY: Final = (
    "The operator enrolled a passkey, and only a page on their own computer can ask for it: use a"
    " client there, on stdio."
)
_TOO_LONG: Final = (
    "The question is too long for the forms of this client. Another client may show more, or a page"
    " in the browser does: with trax-mcp on the user's own computer, and `page` in TRAX_ASK."
)
_FEWER: Final = " Or make fewer changes at once."
_CUT: Final = (
    "This version of {title} shows only the first row of a question. Tell the user to update"
    " {title}."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Runs guarded calls, and asks a person where one must decide.

    `page` is None if the person is at another machine. With `needs_passkey` only the page gives a
    yes, except to a stop. `practice`: nothing is real, and each question says so.
    """

    guard: ConsentGuard
    questions: OpenQuestions
    clock: Clock
    page: Page | None = None
    needs_passkey: bool = False
    practice: bool = False

    @property
    def can_use_panel(self) -> bool:
        """Whether the operator lets a person be asked in a panel."""
        return ways.may_use_panel(self._operator())

    def draws_panel(self, request: Request[Any]) -> bool:
        """Whether a person can be asked in a panel of this client."""
        return ways.draws_panel(request.client, self._operator())

    async def run(
        self, call: GuardedCall, request: CallRequest
    ) -> Done | NotRun | types.InputRequiredResult:
        """Run a call, and again from the beginning with each answer of a person.

        Raises:
            TraxError: as `ConsentGuard.run`.
        """
        by_wish = request.wants_preview and ways.allows_wish(self._operator())
        call = call._replace(wants_preview=by_wish)
        try:
            result = await self._run(call, request)
        except Away:
            raise store_unavailable() from None
        if (
            self.needs_passkey
            and isinstance(result, NotRun)
            and result.status == "cannot_ask"
            and not result.unseen
        ):
            return replace(result, why=_NEEDS_PASSKEY)
        return result

    async def _run(
        self, call: GuardedCall, request: CallRequest
    ) -> Done | NotRun | types.InputRequiredResult:
        if self.guard.never_asks(call.operations):
            return _no_question(await self.guard.run(call))
        if _is_stop(call):
            return await self._run_stop(call, request)
        next_form, call = await self._go_on(call, request)
        if next_form is not None:
            return next_form
        tried: set[Way] = set()
        asked, phase = await self._find(call, request)
        if asked and call.evidence.answer is None and phase != "unreported":
            await asked.join()
            state = await asked.state()
            if not (state.question and state.question.channel == "page" and not state.is_reported):
                return await self._wait(asked)
            if (result := await self._wait_for_page(asked)) is not None:
                return result
            tried |= {"panel", "page"}  # neither has shown it
        if phase == "unreported":
            tried.add("panel")
            if asked and not self.guard.rules.ask.shows_previews:
                await asked.told()  # only a question can be answered there: the next asks anew
        return await self._ask(call, request, tried)

    async def _ask(
        self, call: GuardedCall, request: CallRequest, tried: set[Way]
    ) -> Done | NotRun | types.InputRequiredResult:
        """Run a call, and ask in one way after the other, but not in those that were tried."""
        unseen: NotRun | None = None
        while True:
            can_ask = self._can_ask(call, request, tried)
            if unseen is not None and not can_ask:
                return unseen
            result = await self.guard.run(call._replace(can_ask=can_ask))
            if isinstance(result, NotRun) and result.unseen:
                unseen = result
                call = call._replace(evidence=NO_EVIDENCE)  # it leads to a question, never to a yes
                tried.add("form")
                continue
            if not isinstance(result, Ask):
                return result
            forms = ways.forms_of(
                request.client, result.preview, result.changes, practice=self.practice
            )
            order = self._people(call, request, tried=tried, forms=len(forms))
            if not order:
                return self._cannot_ask(call, request)
            way = "form" if call.evidence.answer and "form" in order else order[0]
            if way == "form":
                self.guard.audit.write("asked", call, channel="form")
                answer = await request.ask(result, forms)
                if isinstance(answer, types.InputRequiredResult):
                    return answer
                call = call._replace(evidence=Evidence(answer=answer))
                continue
            if "form" in order and len(forms) > 1:
                self.guard.audit.write_not_asked_in_form(call)
            shown = await self._ask_outside(call, result, way, asker=request.client_title)
            if shown is not None:
                return shown
            tried.add(way)

    def _can_ask(self, call: GuardedCall, request: CallRequest, tried: Collection[Way]) -> bool:
        """Whether a person decides: also where their client cuts what it would be shown."""
        found = self._ways(call, request, tried=tried)
        return found != ("preview",) if found else ways.cuts_forms(request.client, self._operator())

    def _cannot_ask(self, call: GuardedCall, request: CallRequest) -> NotRun:
        """No way shows a question whole, and the model may not ask it."""
        several = len(call.operations) > 1
        why = f"{_TOO_LONG}{_FEWER if several else ''}"
        if ways.cuts_forms(request.client, self._operator()):
            why = _CUT.format(
                title=ways.drawn_by(request.client.name, request.client.version).title
            )
        return NotRun(call.tool, "cannot_ask", why=why)

    async def _ask_outside(
        self, call: GuardedCall, ask: Ask, channel: Channel, *, asker: str
    ) -> Done | NotRun | None:
        """Ask in a panel or on a page. None if no browser has shown it."""
        asked = await self._open(call, ask, channel, asker=asker)
        if asked.id != ask.question_id:  # the same call was made twice at once
            return await self._wait(asked)
        if channel == "panel":
            return await _asking(asked)
        return await self._wait_for_page(asked)

    async def _go_on(
        self, call: GuardedCall, request: CallRequest
    ) -> tuple[types.InputRequiredResult | None, GuardedCall]:
        """The next form, if the call answers one that is not the last; else the call to run."""
        answer, form = call.evidence.answer, request.answered
        if answer is None or form is None or form.is_last:
            return None, call
        ask = await self._asked(call)
        if ask is not None and goes_on(answer):
            forms = ways.forms_of(request.client, ask.preview, ask.changes, practice=self.practice)
            if len(forms) == form.of:
                shown = await request.ask(ask, forms, part=form.part + 1)
                if isinstance(shown, types.InputRequiredResult):
                    return shown, call
        answer = unless_approved(answer, ask.preview.no if ask else "")
        return None, call._replace(evidence=Evidence(answer=answer))

    async def _asked(self, call: GuardedCall) -> Ask | None:
        """The open question that a call answers."""
        asked_id = call.evidence.question_id or ""
        state = await self.guard.store.questions.read(asked_id, call.caller)
        question = state.question
        if question is None or state.phase != "open" or not question.is_for(call.operations):
            return None
        return Ask(question.id, question.preview, question.changes, question.number)

    async def _find(
        self, call: GuardedCall, request: CallRequest
    ) -> tuple[OpenQuestion | None, Phase | None]:
        """What the same call has asked before outside of it, and what that is now.

        A caller who can be asked in no way is shown no preview of what a person is being asked.
        """
        people = {*self._people(call, request)}
        is_outside = bool({"panel", "page"} & people)
        would_preview = not people and self.guard.rules.ask.asks_people and not _is_stop(call)
        if not (is_outside or would_preview):
            return None, None
        try:
            found = await self.questions.find(call)
        except Away:
            return None, None
        return found if found and (is_outside or found[1] == "open") else (None, None)

    async def _wait_for_page(self, asked: OpenQuestion) -> Done | NotRun | None:
        """What came of a question. None if no browser shows it."""
        began = self.clock.seconds()
        if await asked.wait_for_report():
            return await self._wait(asked, WAIT_SECONDS - (self.clock.seconds() - began))
        await asked.give_up_showing()
        return None

    async def _run_stop(
        self, call: GuardedCall, request: CallRequest
    ) -> Done | NotRun | types.InputRequiredResult:
        """Run a stop, which waits for nobody. A click outside of the form is the same yes."""
        people = self._people(call, request)
        if people[:1] == ("form",):
            shown = await self._ask_about_stop_in_form(call._replace(can_ask=True), request)
            if not isinstance(shown, NotRun) or not shown.unseen or people == ("form",):
                return shown
            call = call._replace(evidence=NO_EVIDENCE)  # it leads to a question, never to a yes
        result = _no_question(await self.guard.run(call._replace(can_ask=False)))
        with suppress(Away):
            return await self._ask_about_stop(call, result, request)
        return result

    async def _ask_about_stop_in_form(
        self, call: GuardedCall, request: CallRequest
    ) -> Done | NotRun | types.InputRequiredResult:
        while isinstance(result := await self.guard.run(call), Ask):
            self.guard.audit.write("asked", call, channel="form")
            form = form_of_stop(result.preview, practice=self.practice)
            answer = await request.ask(result, (form,))
            if isinstance(answer, types.InputRequiredResult):
                return answer
            call = call._replace(evidence=Evidence(answer=answer))
        return result

    async def _ask_about_stop(
        self, call: GuardedCall, result: Done | NotRun, request: CallRequest
    ) -> Done | NotRun:
        """Ask about a stop that was not sent in a panel or on a page too, or end that question."""
        asked, phase = await self._find(call, request)
        if asked is not None and phase == "open" and isinstance(result, Done):
            await asked.end(result)
        tried: set[Way] = {"form", "panel"} if phase == "unreported" else {"form"}
        channel = next(iter(self._people(call, request, tried=tried)), None)
        if isinstance(result, Done) or not (channel and result.preview and result.confirmation):
            return result
        if asked is not None and phase == "open":
            await asked.withdraw("it was asked once more")
        ask = Ask(result.confirmation, result.preview)
        opened = await self._open(call, ask, channel, asker=request.client_title)
        ticket = opened.ticket if channel == "panel" else None
        return replace(result, status="asking", reason=None, channel=channel, ticket=ticket)

    async def _open(
        self, call: GuardedCall, ask: Ask, channel: Channel, *, asker: str
    ) -> OpenQuestion:
        """Ask in a panel or on a page. The page follows a panel that does not report."""
        page = self._page()
        asked = await self.questions.open(call, ask, channel, must_report=page is None)
        if page is not None:
            after = REPORT_SECONDS if channel == "panel" else 0
            page.show(asked, asker=asker, after_seconds=after)
        return asked

    async def _wait(self, asked: OpenQuestion, seconds: float = WAIT_SECONDS) -> Done | NotRun:
        """What came of a question, or that the person is still being asked."""
        state = await asked.state()
        is_on_page = state.question is not None and state.question.channel == "page"
        is_shown = state.is_reported or is_on_page
        result: Ended | None = await asked.wait(seconds if is_shown else 0)
        if result is None:
            return await _asking(asked)
        with suppress(Away):  # it is told all the same
            await asked.told()
        if isinstance(result, TraxError):
            raise result.copy()
        return result

    def _people(
        self,
        call: GuardedCall,
        request: CallRequest,
        *,
        tried: Collection[Way] = (),
        forms: int = 1,
    ) -> tuple[Channel, ...]:
        """The ways in which a person can be asked, without those that were tried."""
        found = self._ways(call, request, tried=tried, forms=forms)
        return tuple(it for it in found if it != "preview")

    def _ways(
        self,
        call: GuardedCall,
        request: CallRequest,
        *,
        tried: Collection[Way] = (),
        forms: int = 1,
    ) -> tuple[Way, ...]:
        return ways.ways(
            request.client,
            self._operator(),
            forms=forms,
            is_stop=_is_stop(call),
            wants_preview=call.wants_preview,
            tried=tried,
        )

    def _operator(self) -> Operator:
        return Operator(
            ask=self.guard.rules.ask,
            needs_passkey=self.needs_passkey,
            has_page=self.page is not None and self.page.can_open(),
        )

    def _page(self) -> Page | None:
        """The page, if the person can be asked there."""
        is_allowed = "page" in self.guard.rules.ask.order
        is_usable = is_allowed and self.page and self.page.can_open()
        return self.page if is_usable else None


def _is_stop(call: GuardedCall) -> bool:
    return call.stops_broadcast


async def _asking(asked: OpenQuestion) -> NotRun:
    question = (await asked.state()).question
    channel = question.channel if question else "panel"
    return NotRun(
        asked.call.tool,
        "asking",
        channel="page" if channel == "page" else "panel",
        ticket=asked.ticket if channel == "panel" else None,
        preview=question.preview if question else None,
    )


def _no_question(result: Result) -> Done | NotRun:
    """The result of a call that may not ask."""
    if isinstance(result, Ask):
        raise TypeError("a call that may not ask has asked")
    return result
