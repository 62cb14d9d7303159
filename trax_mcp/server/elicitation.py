"""Asks the person behind a client, in both protocol eras.

In the 2026-07-28 era the question is the result of the call, and the client calls again with the
answer. In the earlier one it is a request to the client. The consent guard judges the answer.
"""

import logging
from dataclasses import dataclass
from typing import Any, Final

import anyio
import mcp_types as types
from mcp.server import ServerRequestContext
from mcp.server.apps import client_supports_apps
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from trax_mcp.clock import Clock
from trax_mcp.consent.calls import DO_NOT, Ask, PersonAnswer
from trax_mcp.consent.questions import QUESTION_SECONDS
from trax_mcp.server.consent_text import question_text
from trax_mcp.server.meta_names import ACTOR

PROGRESS_INTERVAL_SECONDS: Final = 10.0
_PROGRESS_TIMEOUT_SECONDS: Final = 0.2
_QUESTION = "consent"
_CHOICE = "choice"
_MAX_DIGITS = 5

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Elicitor:
    """Asks the person behind one request, as far as their client can."""

    ctx: ServerRequestContext[Any, Any]
    params: types.CallToolRequestParams
    clock: Clock

    @property
    def can_ask(self) -> bool:
        """Whether the client declares forms and, in the earlier era, accepts requests now."""
        capabilities = self.ctx.session.client_capabilities
        forms = capabilities.elicitation if capabilities else None
        if forms is None or (forms.form is None and forms.url is not None):
            return False
        return self._modern or self.ctx.session.can_send_request

    @property
    def has_panel(self) -> bool:
        """Whether the client draws panels of MCP Apps."""
        return client_supports_apps(self.ctx)

    @property
    def claimed_name(self) -> str | None:
        """The person that a bot names as its user. Not verified."""
        name = (self.ctx.meta or {}).get(ACTOR)
        return name if isinstance(name, str) else None

    @property
    def answer(self) -> PersonAnswer | None:
        """The answer in the call itself (2026-07-28), if there is one."""
        if not self._modern:
            return None  # the earlier era does not ask this way
        if self.params.request_state is None and self.params.input_responses is None:
            return None
        response = (self.params.input_responses or {}).get(_QUESTION)
        return _read_answer(*_question_of(self.params.request_state or ""), response)

    async def ask(self, question: Ask) -> PersonAnswer | types.InputRequiredResult:
        """Ask the question. Returns the answer, or the result that makes the client ask."""
        form = types.ElicitRequestFormParams(
            message=question_text(question), requested_schema=_form_schema(question)
        )
        if self._modern:
            return types.InputRequiredResult(
                input_requests={_QUESTION: types.ElicitRequest(params=form)},
                request_state=_state(question),
            )
        answer = PersonAnswer(question.question_id, "timed_out", number=question.number)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._report_waiting, tasks.cancel_scope)
            answer = await self._elicit(question, form)
            tasks.cancel_scope.cancel()
        return answer

    async def report_progress(self, done: float, total: float, message: str) -> None:
        """Send progress, if the client gave a token. Ignores a client that has disconnected."""
        try:
            # A client that has disconnected reads nothing, and the operation must not wait for it.
            with anyio.move_on_after(_PROGRESS_TIMEOUT_SECONDS):
                await self.ctx.session.report_progress(done, total, message)
        except (MCPError, anyio.ClosedResourceError, anyio.BrokenResourceError):
            _LOG.debug("progress not sent")

    @property
    def _modern(self) -> bool:
        return self.ctx.protocol_version in MODERN_PROTOCOL_VERSIONS

    async def _elicit(self, question: Ask, form: types.ElicitRequestFormParams) -> PersonAnswer:
        try:
            response = await self.ctx.session.elicit_form(
                form.message, form.requested_schema, related_request_id=self.ctx.request_id
            )
        except ValidationError:
            return PersonAnswer(question.question_id, "malformed", number=question.number)
        except MCPError:
            return PersonAnswer(question.question_id, "client_error", number=question.number)
        return _read_answer(question.question_id, question.number, response)

    async def _report_waiting(self, waiting: anyio.CancelScope) -> None:
        """Send progress, so that the host does not time out, until the question expires."""
        started = self.clock.seconds()
        while (elapsed := self.clock.seconds() - started) < QUESTION_SECONDS:
            await self.report_progress(elapsed, QUESTION_SECONDS, "Waiting for a person's yes.")
            await self.clock.sleep(PROGRESS_INTERVAL_SECONDS)
        waiting.cancel()


def _form_schema(question: Ask) -> dict[str, Any]:
    """One required choice, without a default."""
    return {
        "type": "object",
        "properties": {
            _CHOICE: {
                "type": "string",
                "title": "Your decision",
                "enum": [question.preview.choice, DO_NOT],
            }
        },
        "required": [_CHOICE],
    }


def _state(question: Ask) -> str:
    """What the client sends back: the id of the question, and its number if that is not 1."""
    is_first = question.number == 1
    return question.question_id if is_first else f"{question.question_id}:{question.number}"


def _question_of(state: str) -> tuple[str, int]:
    question_id, _, number = state.partition(":")
    is_number = number.isdecimal() and len(number) < _MAX_DIGITS
    return question_id, int(number) if is_number else 1


def _read_answer(question_id: str, number: int, response: object) -> PersonAnswer:
    match response:
        case types.ElicitResult(action="decline"):
            return PersonAnswer(question_id, "declined", number=number)
        case types.ElicitResult(action="cancel"):
            return PersonAnswer(question_id, "cancelled", number=number)
        case types.ElicitResult(content={"choice": str(choice)}):
            return PersonAnswer(question_id, "chosen", choice, number)
        case _:
            return PersonAnswer(question_id, "malformed", number=number)
