"""A question to a person, in both protocol eras.

In the 2026-07-28 era the question is the call's result and the client calls again with the answer;
in the earlier one it is a request of ours that we wait for. Either way only what a person chose
comes back. Whether that is a yes is decided in the guard.
"""

import logging
from dataclasses import dataclass
from typing import Any, Final

import anyio
import mcp_types as types
from mcp.server import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from trax_mcp.clock import Clock
from trax_mcp.consent.calls import Question
from trax_mcp.consent.evidence import PersonAnswer
from trax_mcp.server.consent_text import question_text

SILENCE_SECONDS: Final = 300.0
PROGRESS_SECONDS: Final = 10.0
_TELLING_SECONDS: Final = 0.2
ACTOR: Final = "live.traxstreaming/actor"
_QUESTION = "consent"
_CHOICE = "choice"

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Elicitor:
    """The person behind one request, as far as their client lets us reach them."""

    ctx: ServerRequestContext[Any, Any]
    params: types.CallToolRequestParams
    clock: Clock

    @property
    def can_be_asked(self) -> bool:
        """Whether the client declared forms and, in the earlier era, can be asked right now."""
        capabilities = self.ctx.session.client_capabilities
        forms = capabilities.elicitation if capabilities else None
        if forms is None or (forms.form is None and forms.url is not None):
            return False
        return self._modern or self.ctx.session.can_send_request

    @property
    def claims(self) -> str | None:
        """Whom a bot says that it asks for. Claimed, never checked."""
        claimed = (self.ctx.meta or {}).get(ACTOR)
        return claimed if isinstance(claimed, str) else None

    @property
    def answer(self) -> PersonAnswer | None:
        """The answer that came with the call itself (2026-07-28), None if there is none."""
        if not self._modern:
            return None  # what stands there was never asked for
        if self.params.request_state is None and self.params.input_responses is None:
            return None
        given = (self.params.input_responses or {}).get(_QUESTION)
        return _read(self.params.request_state or "", given)

    async def ask(self, question: Question) -> PersonAnswer | types.InputRequiredResult:
        """Ask. What comes back is the answer, or the result that makes the client ask."""
        form = types.ElicitRequestFormParams(
            message=question_text(question), requested_schema=_schema(question)
        )
        if self._modern:
            return types.InputRequiredResult(
                input_requests={_QUESTION: types.ElicitRequest(params=form)},
                request_state=question.handle,
            )
        answer = PersonAnswer(question.handle, "timed_out")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._keep_time, tasks.cancel_scope)
            answer = await self._elicit(question, form)
            tasks.cancel_scope.cancel()
        return answer

    async def tell_progress(self, gone: float, most: float, doing: str) -> None:
        """Tell the client how far it is, if it gave a token. It may be gone: that is no harm."""
        try:
            # Whoever has hung up takes nothing any more, and an act must not wait for them.
            with anyio.move_on_after(_TELLING_SECONDS):
                await self.ctx.session.report_progress(gone, most, doing)
        except (MCPError, anyio.ClosedResourceError, anyio.BrokenResourceError):
            _LOG.debug("progress could not be told")

    @property
    def _modern(self) -> bool:
        return self.ctx.protocol_version in MODERN_PROTOCOL_VERSIONS

    async def _elicit(
        self, question: Question, form: types.ElicitRequestFormParams
    ) -> PersonAnswer:
        try:
            given = await self.ctx.session.elicit_form(
                form.message, form.requested_schema, related_request_id=self.ctx.request_id
            )
        except ValidationError:
            return PersonAnswer(question.handle, "malformed")
        except MCPError:
            return PersonAnswer(question.handle, "client_error")
        return _read(question.handle, given)

    async def _keep_time(self, question: anyio.CancelScope) -> None:
        """Keep hosts from timing out while a person thinks, and end the question in the end."""
        began = self.clock.seconds()
        while (gone := self.clock.seconds() - began) < SILENCE_SECONDS:
            await self.tell_progress(gone, SILENCE_SECONDS, "Waiting for a person's yes.")
            await self.clock.sleep(PROGRESS_SECONDS)
        question.cancel()


def _schema(question: Question) -> dict[str, Any]:
    """One required choice, without default."""
    return {
        "type": "object",
        "properties": {
            _CHOICE: {
                "type": "string",
                "title": "Your decision",
                "enum": [question.yes, question.no],
            }
        },
        "required": [_CHOICE],
    }


def _read(handle: str, given: object) -> PersonAnswer:
    match given:
        case types.ElicitResult(action="decline"):
            return PersonAnswer(handle, "declined")
        case types.ElicitResult(action="cancel"):
            return PersonAnswer(handle, "cancelled")
        case types.ElicitResult(content={"choice": str(choice)}):
            return PersonAnswer(handle, "chosen", choice)
        case _:
            return PersonAnswer(handle, "malformed")
