"""One request of a client: who asks, and what their client can do, in both protocol eras.

In the 2026-07-28 era a question to the person is the result of the call, and the client calls again
with the answer. In the earlier one it is a request to the client. The consent guard judges the
answer.
"""

import logging
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import anyio
import mcp_types as types
from mcp.server import ServerRequestContext
from mcp.server.apps import client_supports_apps
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from trax_mcp.api.caller import Caller
from trax_mcp.api.text_safety import spell_out
from trax_mcp.chat.watchers import Watchers
from trax_mcp.clock import Clock
from trax_mcp.consent.calls import Ask, PersonAnswer
from trax_mcp.consent.questions import QUESTION_SECONDS
from trax_mcp.server.door import CALLER
from trax_mcp.server.question_text import form_messages, form_schema

Context = ServerRequestContext[Watchers, Any]
"""The SDK's part of a request. `Watchers` live as long as the server runs."""
ParamsT = TypeVar("ParamsT")

ACTOR: Final = "live.traxstreaming/actor"
"""In the `_meta` of a bot's call: the user that it acts for."""

PROGRESS_INTERVAL_SECONDS: Final = 10.0
_PROGRESS_TIMEOUT_SECONDS: Final = 0.2
_QUESTION = "consent"
_MAX_DIGITS = 5

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Request(Generic[ParamsT]):
    """A request of a client. Without a key it is made by `default_caller`."""

    ctx: Context
    params: ParamsT
    clock: Clock
    default_caller: Caller

    @property
    def caller(self) -> Caller:
        """The caller that the HTTP layer found, else the default one."""
        if self.ctx.request is None:
            return self.default_caller
        caller: Caller = self.ctx.request.scope[CALLER]
        return self.default_caller if caller.key is None else caller

    @property
    def watchers(self) -> Watchers:
        """The watchers of chat and status, for all callers."""
        return self.ctx.lifespan_context

    @property
    def is_modern(self) -> bool:
        """Whether the client speaks the 2026-07-28 era of the protocol."""
        return self.ctx.protocol_version in MODERN_PROTOCOL_VERSIONS

    @property
    def has_form(self) -> bool:
        """Whether the client declares forms and, in the earlier era, accepts requests now."""
        capabilities = self.ctx.session.client_capabilities
        forms = capabilities.elicitation if capabilities else None
        if forms is None or (forms.form is None and forms.url is not None):
            return False
        return self.is_modern or self.ctx.session.can_send_request

    @property
    def has_panel(self) -> bool:
        """Whether the client draws panels of MCP Apps."""
        return client_supports_apps(self.ctx)

    @property
    def client_title(self) -> str:
        """What the client calls itself, for a person to read. Not verified; empty if unknown."""
        params = self.ctx.session.client_params
        said = params.client_info if params else None
        return spell_out((said.title or said.name).strip(), longest=60) if said else ""

    @property
    def claimed_name(self) -> str | None:
        """The person that a bot names as its user. Not verified."""
        name = (self.ctx.meta or {}).get(ACTOR)
        # JSON can hold lone surrogates as escapes, and UTF-8 cannot.
        return name.encode(errors="replace").decode() if isinstance(name, str) else None

    @property
    def answer(self) -> PersonAnswer | None:
        """The answer in the call itself (2026-07-28), if there is one."""
        if not self.is_modern or not isinstance(self.params, types.CallToolRequestParams):
            return None  # the earlier era does not ask this way
        state, responses = self.params.request_state, self.params.input_responses
        if state is None and responses is None:
            return None
        return _read_answer(*_question_of(state or ""), (responses or {}).get(_QUESTION))

    async def ask(self, question: Ask) -> PersonAnswer | types.InputRequiredResult:
        """Ask the question. Returns the answer, or the result that makes the client ask."""
        # A client that draws all of it: which one does not is not known here.
        (shown,) = form_messages(question.preview, question.changes, rows=None)
        form = types.ElicitRequestFormParams(
            message=shown.message, requested_schema=form_schema(question.preview, shown)
        )
        if self.is_modern:
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

    async def _report_waiting(self, question: anyio.CancelScope) -> None:
        """Send progress, so that the host does not time out; end the question when it expires."""
        started = self.clock.seconds()
        while (elapsed := self.clock.seconds() - started) < QUESTION_SECONDS:
            await self.report_progress(elapsed, QUESTION_SECONDS, "Waiting for a person's yes.")
            await self.clock.sleep(PROGRESS_INTERVAL_SECONDS)
        question.cancel()


CallRequest = Request[types.CallToolRequestParams]
"""A request to run a tool."""


def _state(question: Ask) -> str:
    """The text that the client sends back: the id of the question, and a number other than 1."""
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
