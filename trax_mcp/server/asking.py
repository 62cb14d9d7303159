"""Asks a person about a guarded call: in the client's form, else on a page in their browser."""

from dataclasses import dataclass, replace
from typing import Final

import mcp_types as types

from trax_mcp.api.errors import TraxError
from trax_mcp.consent.approvals import Approval, Approvals, Page
from trax_mcp.consent.calls import Done, GuardedCall, NotRun, Question, Result
from trax_mcp.consent.evidence import NO_EVIDENCE, Channel, Evidence
from trax_mcp.consent.guard import ConsentGuard
from trax_mcp.consent.policy import DO_NOT
from trax_mcp.consent.preview import Preview
from trax_mcp.server.elicitation import Elicitor

WAIT_SECONDS: Final = 50.0
"""How long a call waits for an answer on the page. Clients give up after a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Runs guarded calls, and asks a person where one must decide.

    `allowed` are the operator's channels. `page` is None if the person is at another machine.
    """

    guard: ConsentGuard
    approvals: Approvals
    allowed: frozenset[Channel]
    page: Page | None = None

    async def run(
        self, call: GuardedCall, elicitor: Elicitor
    ) -> Done | NotRun | types.InputRequiredResult:
        """Run a call, and again from the beginning with each answer of a person.

        Raises:
            TraxError: as `ConsentGuard.run`.
        """
        asked = self.approvals.find(call.operation, call.caller)
        if asked and call.evidence.answer is None and not _is_open_stop(asked):
            return await self._wait(asked)
        self.approvals.forget_outcomes(call.operation, call.caller)
        if self._has_form(elicitor):
            result = await self._ask_in_form(replace(call, can_ask=True), elicitor)
            if not isinstance(result, NotRun) or not result.unseen or self._page() is None:
                return result
            call = replace(call, evidence=NO_EVIDENCE)  # it leads to a question, never to a yes
        if call.operation.stops_broadcast:
            return await self._run_stop(call, asked)
        return await self._ask_on_page(call)

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

    async def _ask_on_page(self, call: GuardedCall) -> Done | NotRun:
        page = self._page()
        result = await self.guard.run(replace(call, can_ask=page is not None))
        if page is None or not isinstance(result, Question):
            return _no_question(result)
        approval = await self.approvals.open(call, result, "page")
        page.show(approval)
        if await approval.wait_for_report():
            return await self._wait(approval)
        await approval.withdraw("no browser has shown it")
        return _no_question(await self.guard.run(replace(call, can_ask=False)))

    async def _run_stop(self, call: GuardedCall, asked: Approval | None) -> Done | NotRun:
        """A stop never waits for a page. A click there and the confirmation count as one yes."""
        result = _no_question(await self.guard.run(replace(call, can_ask=False)))
        if asked and isinstance(result, Done):
            asked.end(result)
        page = self._page()
        if page is None or not isinstance(result, NotRun) or result.preview is None:
            return result
        if asked:
            await asked.withdraw("asked once more")
        page.show(await self.approvals.open(call, _question(result, result.preview), "page"))
        return replace(result, status="asking", reason=None, channel="page")

    async def _wait(self, approval: Approval) -> Done | NotRun:
        """The outcome of an approval, or that the person is still being asked."""
        await approval.wait(WAIT_SECONDS)
        match self.approvals.learn(approval):
            case TraxError() as error:
                raise error
            case None:
                return NotRun(
                    approval.call.operation.tool_name,
                    "asking",
                    channel=approval.channel,
                    preview=approval.question.preview,
                )
            case result:
                return result

    def _has_form(self, elicitor: Elicitor) -> bool:
        return "form" in self.allowed and elicitor.can_ask

    def _page(self) -> Page | None:
        """The page, if the person can be asked there."""
        is_usable = self.page and "page" in self.allowed and self.page.can_open()
        return self.page if is_usable else None


def _is_open_stop(asked: Approval) -> bool:
    return asked.call.operation.stops_broadcast and asked.phase == "open"


def _question(not_run: NotRun, preview: Preview) -> Question:
    """A preview with its confirmation, as a question for a person."""
    confirmation_id = not_run.confirmation or ""
    return Question(confirmation_id, preview, preview.choice, DO_NOT, not_run.changes)


def _no_question(result: Result) -> Done | NotRun:
    """The result of a call that may not ask."""
    if isinstance(result, Question):
        raise TypeError("a call that may not ask has asked")
    return result
