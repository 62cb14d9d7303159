"""Asks a person about a guarded call: in the client's form, else in a panel, else on a page."""

from dataclasses import dataclass, replace
from typing import Final

import mcp_types as types

from trax_mcp.api.errors import TraxError
from trax_mcp.consent.approval import Approval
from trax_mcp.consent.approvals import Approvals, Page
from trax_mcp.consent.calls import Done, GuardedCall, NotRun, Question, Result
from trax_mcp.consent.evidence import NO_EVIDENCE, Channel, Evidence
from trax_mcp.consent.guard import ConsentGuard
from trax_mcp.consent.plans import When
from trax_mcp.consent.question_state import REPORT_SECONDS
from trax_mcp.consent.rules import Mode
from trax_mcp.server.elicitation import Elicitor

WAIT_SECONDS: Final = 50.0
"""How long a call waits for an answer on the page. Clients give up after a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Runs guarded calls, and asks a person where one must decide.

    `allowed` are the operator's channels. `page` is None if the person is at another machine. With
    `needs_passkey` only the page gives a yes, except to a stop.
    """

    guard: ConsentGuard
    approvals: Approvals
    allowed: frozenset[Channel]
    page: Page | None = None
    needs_passkey: bool = False

    @property
    def can_use_panel(self) -> bool:
        """Whether the operator lets a person be asked in a panel."""
        if self.needs_passkey:
            return False
        return "panel" in self.allowed and self.guard.rules.mode in {Mode.AUTO, Mode.HUMAN}

    async def run(
        self, call: GuardedCall, elicitor: Elicitor
    ) -> Done | NotRun | types.InputRequiredResult:
        """Run a call, and again from the beginning with each answer of a person.

        Raises:
            TraxError: as `ConsentGuard.run`.
        """
        asked = await self._find(call, elsewhere=elicitor.has_panel)
        if asked and call.evidence.answer is None and not _is_asked_anew(asked):
            if asked.channel == "page" and not asked.reported.is_set():
                return await self._wait_for_page(call, asked, WAIT_SECONDS - REPORT_SECONDS)
            return await self._wait(asked)
        channel = self._channel(call, elicitor, asked)
        if self._has_form(call, elicitor):
            result = await self._ask_in_form(replace(call, can_ask=True), elicitor)
            if not isinstance(result, NotRun) or not result.unseen or channel is None:
                return result
            call = replace(call, evidence=NO_EVIDENCE)  # it leads to a question, never to a yes
        if call.operation.stops_broadcast:
            return await self._run_stop(call, asked, channel)
        return await self._ask_elsewhere(call, channel)

    async def _ask_elsewhere(self, call: GuardedCall, channel: Channel | None) -> Done | NotRun:
        """Ask in a panel or on a page, or nobody."""
        result = await self.guard.run(replace(call, can_ask=channel is not None))
        if channel is None or not isinstance(result, Question):
            return _no_question(result)
        other = await self._find(call, elsewhere=channel == "panel")
        if other and other.phase == "open":  # the same call was made twice at once
            await self.guard.store.discard(result.confirmation_id)
            return await self._wait(other)
        approval = await self._open(call, result, channel)
        if channel == "panel":
            return _asking(approval)
        return await self._wait_for_page(call, approval)

    async def _find(self, call: GuardedCall, *, elsewhere: bool) -> Approval | None:
        """What the same call has asked before: here, or `elsewhere` too. A stop waits for none."""
        when = self.guard.rules.when(call.operation)
        is_needed = elsewhere and self.can_use_panel and when is not When.NEVER
        is_needed = is_needed and not call.operation.stops_broadcast
        return await self.approvals.find(call.operation, call.caller, elsewhere=is_needed)

    async def _wait_for_page(
        self, call: GuardedCall, approval: Approval, seconds: float | None = None
    ) -> Done | NotRun:
        """The outcome of an approval, or what is left if no browser shows it."""
        if await approval.wait_for_report():
            return await self._wait(approval, seconds or WAIT_SECONDS - approval.age)
        await approval.give_up_showing()
        return _no_question(await self.guard.run(replace(call, can_ask=False)))

    async def _ask_in_form(
        self, call: GuardedCall, elicitor: Elicitor
    ) -> Done | NotRun | types.InputRequiredResult:
        while isinstance(result := await self.guard.run(call), Question):
            self.guard.audit.write("asked", call.operation, call.actor, channel="form")
            answer = await elicitor.ask(result)
            if isinstance(answer, types.InputRequiredResult):
                return answer
            call = replace(call, evidence=Evidence(answer=answer))
        return result

    async def _run_stop(
        self, call: GuardedCall, asked: Approval | None, channel: Channel | None
    ) -> Done | NotRun:
        """A stop waits for nobody. A click elsewhere and the confirmation are one yes."""
        result = _no_question(await self.guard.run(replace(call, can_ask=False)))
        if asked and asked.phase == "open" and isinstance(result, Done):
            asked.end(result)
            await asked.sync()
        if channel is None or isinstance(result, Done):
            return result
        if (question := Question.about(result)) is None:
            return result
        if asked:
            await asked.withdraw("it was asked once more")
        approval = await self._open(call, question, channel)
        ticket = approval.ticket if channel == "panel" else None
        return replace(result, status="asking", reason=None, channel=channel, ticket=ticket)

    async def _open(self, call: GuardedCall, question: Question, channel: Channel) -> Approval:
        """Ask in a panel or on a page. The page follows a panel that does not report."""
        page = self._page()
        approval = await self.approvals.open(call, question, channel, must_report=page is None)
        if page is not None:
            page.show(approval, after_seconds=REPORT_SECONDS if channel == "panel" else 0)
        return approval

    async def _wait(self, approval: Approval, seconds: float = WAIT_SECONDS) -> Done | NotRun:
        """The outcome of an approval, or that the person is still being asked."""
        is_shown = approval.reported.is_set() or approval.channel == "page"
        result = await approval.wait(seconds if is_shown else 0)
        if result is None:
            return _asking(approval)
        approval.is_known = True
        await approval.sync()
        if isinstance(result, TraxError):
            raise result
        return result

    def _has_form(self, call: GuardedCall, elicitor: Elicitor) -> bool:
        is_enough = call.operation.stops_broadcast or not self.needs_passkey
        return is_enough and "form" in self.allowed and elicitor.can_ask

    def _channel(
        self, call: GuardedCall, elicitor: Elicitor, asked: Approval | None
    ) -> Channel | None:
        """Where the person can be asked, if not in a form."""
        if self.can_use_panel and elicitor.has_panel and not _skips_panel(call, asked):
            return "panel"
        return "page" if self._page() else None

    def _page(self) -> Page | None:
        """The page, if the person can be asked there."""
        asks_people = self.guard.rules.mode in {Mode.AUTO, Mode.HUMAN}
        is_usable = asks_people and "page" in self.allowed and self.page and self.page.can_open()
        return self.page if is_usable else None


def _is_asked_anew(asked: Approval) -> bool:
    """Whether a call does not wait for an earlier question about the same act."""
    return asked.phase == "unreported" or (asked.is_stop and asked.phase == "open")


def _skips_panel(call: GuardedCall, asked: Approval | None) -> bool:
    """Whether a call falls back after a panel that did not report.

    The next call does, and the one that then confirms it.
    """
    if asked is None or asked.phase != "unreported":
        return False
    return call.evidence.confirmation is not None or asked.fall_back()


def _asking(approval: Approval) -> NotRun:
    return NotRun(
        approval.call.operation.tool_name,
        "asking",
        channel=approval.channel,
        ticket=approval.ticket if approval.channel == "panel" else None,
        preview=approval.question.preview,
    )


def _no_question(result: Result) -> Done | NotRun:
    """The result of a call that may not ask."""
    if isinstance(result, Question):
        raise TypeError("a call that may not ask has asked")
    return result
