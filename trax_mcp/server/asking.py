"""Asks a person about a guarded call, in one way after the other until one shows the question."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import mcp_types as types

from trax_mcp.actions.shown import Preview
from trax_mcp.api.errors import TraxError
from trax_mcp.clock import Clock
from trax_mcp.consent.calls import Answer, Ask, Call, Channel, Done, NotRun
from trax_mcp.consent.guard import Guard
from trax_mcp.consent.open_questions import LocalPage, OpenQuestion, OpenQuestions
from trax_mcp.consent.question import REPORT_SECONDS, Phase, Question
from trax_mcp.consent.store import StoreUnavailable, store_unavailable
from trax_mcp.consent.ways import Way, WaysToAsk
from trax_mcp.server import ways
from trax_mcp.server.not_done import NotDone
from trax_mcp.server.question_text import FormMessage, form_of_stop
from trax_mcp.server.request import CallRequest, McpRequest, goes_on, unless_approved
from trax_mcp.server.ways import Operator

if TYPE_CHECKING:
    from trax_mcp.web.room_page import RoomPage

Told = Done | NotDone | types.InputRequiredResult
"""What a caller is told, or the form that it is to show."""

WAIT_SECONDS: Final = 50.0
"""How long a call waits for an answer on the page. Clients give up after a minute."""
_ROOM_SECONDS: Final = 3.0
"""How long the page waits for a room that may show a question."""
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

    `page` is None if the person is at another machine, or has no browser. What is asked on it is
    shown in `room_page` as well. `practice`: nothing is real, and each question says so.
    """

    guard: Guard
    questions: OpenQuestions
    clock: Clock
    page: LocalPage | None = None
    room_page: "RoomPage | None" = None
    practice: bool = False

    @property
    def can_use_panel(self) -> bool:
        """Whether the operator lets a person be asked in a panel."""
        return ways.may_use_panel(self._operator())

    def draws_panel(self, request: McpRequest[Any]) -> bool:
        """Whether a person can be asked in a panel of this client."""
        return ways.draws_panel(request.client, self._operator())

    async def run(self, call: Call, request: CallRequest) -> Told:
        """Run a call, and again from the beginning with each answer of a person.

        Raises:
            TraxError: as `Guard.run`.
        """
        by_wish = request.wants_preview and self._ask_setting.shows_previews
        call = call._replace(by_wish=by_wish)
        try:
            result = await self._run(call, request)
        except StoreUnavailable:
            raise store_unavailable() from None
        if self._ask_setting.needs_passkey and isinstance(result, NotDone) and result.cannot_ask:
            return replace(result, why=_NEEDS_PASSKEY)
        return result

    async def _run(self, call: Call, request: CallRequest) -> Told:
        if call.is_stop:  # it joins no question
            told = await self._ask(call, request, set())
            if isinstance(told, Done):
                await self._end_question(call, request, told)
            return told
        next_form, call = await self._go_on(call, request)
        if next_form is not None:
            return next_form
        tried: set[Way] = set()
        asked, phase = await self._find(call, request)
        if asked and not _is_by_person(call) and phase != "unreported":
            await asked.join()
            state = await asked.state()
            if not (state.question and state.question.way == "page" and not state.is_reported):
                return await self._wait(asked)
            if (result := await self._wait_for_page(asked)) is not None:
                return result
            tried |= {"panel", "page"}  # neither has shown it
        if phase == "unreported":
            tried.add("panel")
            if asked and not self._ask_setting.shows_previews:
                await asked.told()  # only a question can be answered there: the next asks again
        return await self._ask(call, request, tried)

    async def _ask(self, call: Call, request: CallRequest, tried: set[Way]) -> Told:
        """Run a call, and ask in one way after the other, but not in those that were tried."""
        unseen: NotDone | None = None
        while True:
            can_ask = self._can_ask(call, request, tried)
            if unseen is not None and not self._people(call, request, tried=tried):
                return unseen
            if can_ask and not _is_by_person(call):
                call = call._replace(answer=None)  # a model's word counts for nothing here
            result = await self.guard.run(call)
            if isinstance(result, NotRun) and result.reason == "unseen":
                unseen = NotDone.refused(call, result)
                call = call._replace(answer=None)  # it leads to a question, never to an approval
                tried.add("form")
                continue
            if not isinstance(result, Ask):
                return _told(call, result)
            if not can_ask:
                return await self._preview(call, result, request)
            answer = await self._ask_person(call, result, request, tried)
            if answer is not None and not isinstance(answer, Answer):
                return answer
            call = call._replace(answer=answer)

    async def _ask_person(
        self, call: Call, ask: Ask, request: CallRequest, tried: set[Way]
    ) -> Told | Answer | None:
        """Ask in the best way. Returns the answer, or what to tell. None: it was tried in vain."""
        forms = self._forms(call, ask.preview, request)
        order = self._people(call, request, tried=tried, forms=len(forms))
        if not order:
            self.guard.write_asked(call, ask, None)
            return self._cannot_ask(call, request)
        if (way := order[0]) == "form":
            question = await self.guard.keep(call, ask, "form")
            self.guard.parts.write("asked", call, channel="form")
            return await request.ask(question, forms)
        if "form" in order and len(forms) > 1:
            self.guard.parts.audit.write_not_asked_in_form(call)
        shown = await self._ask_outside(call, ask, way, asker=request.client_title)
        if shown is None:
            tried.add(way)
        return shown

    async def _preview(self, call: Call, ask: Ask, request: CallRequest) -> NotDone:
        """Let the model ask, where nobody else can. About a stop, a panel or a page asks too."""
        if self._ask_setting.confirm_alone:
            self.guard.write_asked(call, ask, "preview")
            return NotDone.previewed(call, ask, None)
        if not (self._ask_setting.shows_previews or call.is_stop):
            self.guard.write_asked(call, ask, None)
            return NotDone(call.tool, "cannot_ask", preview=ask.preview)
        question = await self.guard.keep(call, ask, "preview")
        shown = NotDone.previewed(call, ask, question)
        with suppress(StoreUnavailable):
            if call.is_stop:
                return await self._ask_about_stop(call, ask, request, question, shown)
        return shown

    def _can_ask(self, call: Call, request: CallRequest, tried: Collection[Way]) -> bool:
        """Whether a person decides, even where their client cuts what it would be shown.

        A form alone decides about a stop: elsewhere a click and the model's word are one approval.
        """
        found = self._ways(call, request, tried=tried)
        if call.is_stop:
            return found[:1] == ("form",)
        return found != ("preview",) if found else ways.cuts_forms(request.client, self._operator())

    def _forms(self, call: Call, preview: Preview, request: CallRequest) -> Sequence[FormMessage]:
        """The forms in which this client is asked: about a stop in one, whatever it cuts."""
        if call.is_stop:
            return (form_of_stop(preview, practice=self.practice),)
        return ways.forms_of(request.client, preview, practice=self.practice)

    def _cannot_ask(self, call: Call, request: CallRequest) -> NotDone:
        """No way shows a question whole, and the model may not ask it."""
        why = f"{_TOO_LONG}{_FEWER if len(call.operations) > 1 else ''}"
        if ways.cuts_forms(request.client, self._operator()):
            why = _CUT.format(
                title=ways.drawn_by(request.client.name, request.client.version).title
            )
        return NotDone(call.tool, "cannot_ask", why=why)

    async def _ask_outside(
        self, call: Call, ask: Ask, channel: Channel, *, asker: str
    ) -> Done | NotDone | None:
        """Ask in a panel or on a page. None if no browser has shown it."""
        question = self.guard.question(call, ask, channel)
        asked = await self._open(call, ask, question, asker=asker)
        if asked.id != question.id:  # the same call was made twice at once
            return await self._wait(asked)
        if channel == "panel":
            return await _asking(asked)
        return await self._wait_for_page(asked)

    async def _go_on(
        self, call: Call, request: CallRequest
    ) -> tuple[types.InputRequiredResult | None, Call]:
        """The next form, if the call answers one that is not the last; else the call to run."""
        answer, form = call.answer, request.answered
        if answer is None or answer.by != "form" or form is None or form.is_last:
            return None, call
        question = await self.guard.asked(call)
        if question is not None and goes_on(answer):
            forms = self._forms(call, question.preview, request)
            if len(forms) == form.of:
                shown = await request.ask(question, forms, part=form.part + 1)
                if isinstance(shown, types.InputRequiredResult):
                    return shown, call
        answer = unless_approved(answer, question.preview.no if question else "")
        return None, call._replace(answer=answer)

    async def _find(
        self, call: Call, request: CallRequest
    ) -> tuple[OpenQuestion | None, Phase | None]:
        """What the same call has asked before outside of it, and what that is now.

        A caller who can be asked in no way is shown no preview of what a person is being asked.
        """
        people = {*self._people(call, request)}
        is_outside = bool({"panel", "page"} & people)
        would_preview = not people and self._ask_setting.asks_people and not call.is_stop
        if not (is_outside or would_preview):
            return None, None
        try:
            found = await self.questions.find(call)
        except StoreUnavailable:
            return None, None
        return found if found and (is_outside or found[1] == "open") else (None, None)

    async def _wait_for_page(self, asked: OpenQuestion) -> Done | NotDone | None:
        """What became of a question. None if no browser shows it."""
        began = self.clock.seconds()
        if await asked.wait_for_report():
            return await self._wait(asked, WAIT_SECONDS - (self.clock.seconds() - began))
        await asked.give_up_showing()
        return None

    async def _ask_about_stop(
        self, call: Call, ask: Ask, request: CallRequest, question: Question, shown: NotDone
    ) -> NotDone:
        """Ask in a panel or on a page what the model asks too."""
        asked, phase = await self._find(call, request)
        tried: set[Way] = {"form", "panel"} if phase == "unreported" else {"form"}
        channel = next(iter(self._people(call, request, tried=tried)), None)
        if channel is None:
            return shown
        if asked is not None and phase == "open":
            await asked.withdraw("it was asked again")
        question = replace(question, way=channel)  # one approval for a click and for the model
        opened = await self._open(call, ask, question, asker=request.client_title)
        ticket = opened.ticket if channel == "panel" else None
        return replace(shown, status="asking", reason=None, channel=channel, ticket=ticket)

    async def _end_question(self, call: Call, request: CallRequest, result: Done) -> None:
        """End the question in a panel or on a page about a stop that was sent."""
        asked, phase = await self._find(call, request)
        if asked is not None and phase == "open":
            await asked.end(result)

    async def _open(self, call: Call, ask: Ask, question: Question, *, asker: str) -> OpenQuestion:
        """Ask in a panel or on a page. The page follows a panel that does not report."""
        page = self._page()
        asked = await self.questions.open(call, ask, question, must_report=page is None)
        if page is not None:
            after = _ROOM_SECONDS if self._is_in_sight(call) else 0
            if question.way == "panel":
                after = REPORT_SECONDS
            page.show(asked, asker=asker, after_seconds=after)
        return asked

    def _is_in_sight(self, call: Call) -> bool:
        """Whether a room may show it that a person sees. A stop does not wait to learn that."""
        page = self.room_page
        return page is not None and not call.is_stop and page.is_shown(call.studio)

    async def _wait(self, asked: OpenQuestion, seconds: float = WAIT_SECONDS) -> Done | NotDone:
        """What became of a question, or that the person is still being asked."""
        state = await asked.state()
        is_on_page = state.question is not None and state.question.way == "page"
        is_shown = state.is_reported or is_on_page
        result = await asked.wait(seconds if is_shown else 0)
        if result is None:
            return await _asking(asked)
        with suppress(StoreUnavailable):  # it is told all the same
            await asked.told()
        if isinstance(result, TraxError):
            raise result.copy()
        return NotDone.refused(asked.call, result) if isinstance(result, NotRun) else result

    def _people(
        self,
        call: Call,
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
        call: Call,
        request: CallRequest,
        *,
        tried: Collection[Way] = (),
        forms: int = 1,
    ) -> tuple[Way, ...]:
        return ways.ways(
            request.client,
            self._operator(),
            forms=forms,
            is_stop=call.is_stop,
            wants_preview=call.by_wish,
            tried=tried,
        )

    @property
    def _ask_setting(self) -> WaysToAsk:
        return self.guard.parts.rules.ask

    def _operator(self) -> Operator:
        return Operator(self._ask_setting, has_page=self._page() is not None)

    def _page(self) -> LocalPage | None:
        """The page, if the person can be asked there."""
        return self.page if "page" in self._ask_setting.order else None


def _is_by_person(call: Call) -> bool:
    return call.answer is not None and call.answer.is_by_person


async def _asking(asked: OpenQuestion) -> NotDone:
    question = (await asked.state()).question
    way = question.way if question else "panel"
    return NotDone(
        asked.call.tool,
        "asking",
        channel="page" if way == "page" else "panel",
        ticket=asked.ticket if way == "panel" else None,
        preview=question.preview if question else None,
    )


def _told(call: Call, result: Done | NotRun | Ask) -> Done | NotDone:
    """The result of a call that asks nobody."""
    if isinstance(result, Ask):
        raise TypeError("a call that may not ask has asked")
    return NotDone.refused(call, result) if isinstance(result, NotRun) else result
