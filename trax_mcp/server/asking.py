"""Asks a person about a guarded call: in the client's form, else in a panel, else on a page."""

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

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
from trax_mcp.consent.rules import Mode
from trax_mcp.server.request import CallRequest

WAIT_SECONDS: Final = 50.0
"""How long a call waits for an answer on the page. Clients give up after a minute."""


_NEEDS_PASSKEY: Final = (
    "The operator enrolled a passkey, and only a page on their own computer can ask for it: use a"
    " client there, on stdio."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Runs guarded calls, and asks a person where one must decide.

    `allowed` are the operator's channels. `page` is None if the person is at another machine. With
    `needs_passkey` only the page gives a yes, except to a stop.
    """

    guard: ConsentGuard
    questions: OpenQuestions
    allowed: frozenset[Channel]
    clock: Clock
    page: Page | None = None
    needs_passkey: bool = False

    @property
    def can_use_panel(self) -> bool:
        """Whether the operator lets a person be asked in a panel."""
        if self.needs_passkey:
            return False
        return "panel" in self.allowed and self._asks_people

    async def run(
        self, call: GuardedCall, request: CallRequest
    ) -> Done | NotRun | types.InputRequiredResult:
        """Run a call, and again from the beginning with each answer of a person.

        Raises:
            TraxError: as `ConsentGuard.run`.
        """
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
        if self.guard.never_asks(call.operation):
            return _no_question(await self.guard.run(call))
        if _is_stop(call):
            return await self._run_stop(call, request)
        asked, phase = await self._find(call, request)
        if asked and call.evidence.answer is None and phase != "unreported":
            state = await asked.state()
            if state.question and state.question.channel == "page" and not state.is_reported:
                return await self._wait_for_page(call, asked)
            return await self._wait(asked)
        if asked and phase == "unreported" and self.guard.rules.mode is Mode.HUMAN:
            await asked.told()  # only a question can be answered there: the next call asks anew
        channel = self._channel(request, without_panel=phase == "unreported")
        if self._has_form(call, request):
            result = await self._ask_in_form(call._replace(can_ask=True), request)
            if not isinstance(result, NotRun) or not result.unseen or channel is None:
                return result
            call = call._replace(evidence=NO_EVIDENCE)  # it leads to a question, never to a yes
        return await self._ask_outside_form(call, channel, asker=request.client_title)

    async def _ask_outside_form(
        self, call: GuardedCall, channel: Channel | None, *, asker: str
    ) -> Done | NotRun:
        """Ask in a panel or on a page, or nobody."""
        result = await self.guard.run(call._replace(can_ask=channel is not None))
        if channel is None or not isinstance(result, Ask):
            return _no_question(result)
        asked = await self._open(call, result, channel, asker=asker)
        if asked.id != result.question_id:  # the same call was made twice at once
            return await self._wait(asked)
        if channel == "panel":
            return await _asking(asked)
        return await self._wait_for_page(call, asked)

    async def _find(
        self, call: GuardedCall, request: CallRequest
    ) -> tuple[OpenQuestion | None, Phase | None]:
        """What the same call has asked before outside of it, and what that is now."""
        may_be_asked = self._page() is not None or (self.can_use_panel and request.has_panel)
        if not may_be_asked:
            return None, None
        try:
            return await self.questions.find(call) or (None, None)
        except Away:
            return None, None

    async def _wait_for_page(self, call: GuardedCall, asked: OpenQuestion) -> Done | NotRun:
        """What came of a question, or what is left if no browser shows it."""
        began = self.clock.seconds()
        if await asked.wait_for_report():
            return await self._wait(asked, WAIT_SECONDS - (self.clock.seconds() - began))
        await asked.give_up_showing()
        return _no_question(await self.guard.run(call._replace(can_ask=False)))

    async def _ask_in_form(
        self, call: GuardedCall, request: CallRequest
    ) -> Done | NotRun | types.InputRequiredResult:
        while isinstance(result := await self.guard.run(call), Ask):
            self.guard.audit.write("asked", call, channel="form")
            answer = await request.ask(result)
            if isinstance(answer, types.InputRequiredResult):
                return answer
            call = call._replace(evidence=Evidence(answer=answer))
        return result

    async def _run_stop(
        self, call: GuardedCall, request: CallRequest
    ) -> Done | NotRun | types.InputRequiredResult:
        """Run a stop, which waits for nobody. A click outside of the form is the same yes."""
        if self._has_form(call, request):
            shown = await self._ask_in_form(call._replace(can_ask=True), request)
            may_ask_outside = self._channel(request, without_panel=False) is not None
            if not isinstance(shown, NotRun) or not shown.unseen or not may_ask_outside:
                return shown
            call = call._replace(evidence=NO_EVIDENCE)  # it leads to a question, never to a yes
        result = _no_question(await self.guard.run(call._replace(can_ask=False)))
        with suppress(Away):
            return await self._ask_about_stop(call, result, request)
        return result

    async def _ask_about_stop(
        self, call: GuardedCall, result: Done | NotRun, request: CallRequest
    ) -> Done | NotRun:
        """Ask about a stop that was not sent in a panel or on a page too, or end that question."""
        asked, phase = await self._find(call, request)
        if asked is not None and phase == "open" and isinstance(result, Done):
            await asked.end(result)
        channel = self._channel(request, without_panel=phase == "unreported")
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

    def _has_form(self, call: GuardedCall, request: CallRequest) -> bool:
        is_enough = _is_stop(call) or not self.needs_passkey
        return is_enough and "form" in self.allowed and request.has_form

    def _channel(self, request: CallRequest, *, without_panel: bool) -> Channel | None:
        """Where the person can be asked, if not in a form."""
        if self.can_use_panel and request.has_panel and not without_panel:
            return "panel"
        return "page" if self._page() else None

    @property
    def _asks_people(self) -> bool:
        return self.guard.rules.mode in {Mode.AUTO, Mode.HUMAN}

    def _page(self) -> Page | None:
        """The page, if the person can be asked there."""
        is_usable = (
            self._asks_people and "page" in self.allowed and self.page and self.page.can_open()
        )
        return self.page if is_usable else None


def _is_stop(call: GuardedCall) -> bool:
    return call.operation.stops_broadcast


async def _asking(asked: OpenQuestion) -> NotRun:
    question = (await asked.state()).question
    channel = question.channel if question else "panel"
    return NotRun(
        asked.call.operation.tool_name,
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
