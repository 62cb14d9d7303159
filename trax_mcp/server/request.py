"""One request of a client: who asks, and what their client can do, in both protocol eras.

In the 2026-07-28 era a question to the person is the result of the call, and the client calls again
with the answer. In the earlier one it is a request to the client. The consent guard judges the
answer.
"""

import logging
from collections.abc import Sequence
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
from trax_mcp.consent.calls import Answer, Reply
from trax_mcp.consent.question import QUESTION_SECONDS, Question
from trax_mcp.server.form_state import FormState
from trax_mcp.server.question_text import GO_ON, FormMessage, form_schema
from trax_mcp.server.ways import ConnectedClient

Context = ServerRequestContext[Watchers, Any]
"""The SDK's part of a request. `Watchers` live as long as the server runs."""
ParamsT = TypeVar("ParamsT")

CALLER: Final = "trax.caller"
"""The key of the `Caller` in the scope of a request over HTTP."""
ACTOR: Final = "live.traxstreaming/actor"
"""In the `_meta` of a bot's call: the user that it acts for."""

ASK: Final = "x-trax-ask"
"""The header by which a caller over HTTP asks for previews, for itself."""
TURN: Final = "trax.turn"
"""The key of the turn of a message in the scope of its request over HTTP."""
PROGRESS_INTERVAL_SECONDS: Final = 10.0
_PROGRESS_TIMEOUT_SECONDS: Final = 0.2
_QUESTION = "consent"

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class McpRequest(Generic[ParamsT]):
    """A request of a client."""

    ctx: Context
    params: ParamsT
    clock: Clock
    caller: Caller

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
    def client(self) -> ConnectedClient:
        """What the client says of itself, and what it declares."""
        said = self.ctx.session.client_params
        name, version = (said.client_info.name, said.client_info.version) if said else ("", "")
        return ConnectedClient(name, version, self.has_form, client_supports_apps(self.ctx))

    @property
    def wants_preview(self) -> bool:
        """Whether the caller asks for previews, by a header: no model can set that."""
        if self.ctx.request is None:
            return False
        wish: str = self.ctx.request.headers.get(ASK, "")
        return wish.strip().lower() == "preview"

    def end_turn(self) -> None:
        """Let the next message be worked on: this one only waits."""
        turn = self.ctx.request.scope.get(TURN) if self.ctx.request is not None else None
        if turn is not None:
            turn.end()

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
    def answered(self) -> FormState | None:
        """The form that the call itself answers (2026-07-28), if it answers one of ours."""
        if not self.is_modern or not isinstance(self.params, types.CallToolRequestParams):
            return None  # the earlier era does not ask this way
        return FormState.read(self.params.request_state or "", key=self.caller.key or "")

    @property
    def answer(self) -> Answer | None:
        """The answer in the call itself (2026-07-28), if there is one."""
        if not self.is_modern or not isinstance(self.params, types.CallToolRequestParams):
            return None
        if self.params.request_state is None and self.params.input_responses is None:
            return None
        state = self.answered or FormState("")
        return _read_answer(state, (self.params.input_responses or {}).get(_QUESTION))

    async def ask(
        self, question: Question, forms: Sequence[FormMessage], *, part: int = 1
    ) -> Answer | types.InputRequiredResult:
        """Ask the question in these forms. Returns the answer, or the result that asks.

        In the 2026-07-28 era only the form `part` is asked: the next call brings its answer.
        """
        if self.is_modern:
            state = FormState(question.id, part, len(forms))
            request = types.ElicitRequest(params=_form(question, forms[part - 1]))
            signed = state.signed(self.caller.key or "")
            return types.InputRequiredResult(
                input_requests={_QUESTION: request}, request_state=signed
            )
        timed_out = _without_choice(question.id, "timed_out")
        answer = timed_out
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._report_waiting, tasks.cancel_scope)
            for form in forms:
                answer = timed_out
                answer = await self._elicit(question, _form(question, form))
                if not form.is_last and not goes_on(answer):
                    answer = unless_approved(answer, question.preview.no)
                    break
            tasks.cancel_scope.cancel()
        return answer

    async def report_progress(self, done: int, total: int, message: str) -> None:
        """Send progress, if the client gave a token. Ignores a client that has disconnected."""
        try:
            # A client that has disconnected reads nothing, and the operation must not wait for it.
            with anyio.move_on_after(_PROGRESS_TIMEOUT_SECONDS):
                await self.ctx.session.report_progress(done, total, message)
        except (MCPError, anyio.ClosedResourceError, anyio.BrokenResourceError):
            _LOG.debug("progress not sent")

    async def _elicit(self, question: Question, form: types.ElicitRequestFormParams) -> Answer:
        try:
            response = await self.ctx.session.elicit_form(
                form.message, form.requested_schema, related_request_id=self.ctx.request_id
            )
        except ValidationError:
            return _without_choice(question.id, "malformed")
        except MCPError:
            return _without_choice(question.id, "client_error")
        return _read_answer(FormState(question.id), response)

    async def _report_waiting(self, question: anyio.CancelScope) -> None:
        """Send progress, so that the host does not time out; end the question when it expires."""
        started = self.clock.seconds()
        while (elapsed := self.clock.seconds() - started) < QUESTION_SECONDS:
            message = "Waiting for your approval."
            await self.report_progress(int(elapsed), int(QUESTION_SECONDS), message)
            await self.clock.sleep(PROGRESS_INTERVAL_SECONDS)
        question.cancel()


def caller_of(ctx: ServerRequestContext[Any, Any], local: Caller) -> Caller:
    """Who calls: over HTTP the caller that was authenticated, else `local`."""
    if ctx.request is None:
        return local
    caller: Caller = ctx.request.scope[CALLER]
    return caller


CallRequest = McpRequest[types.CallToolRequestParams]
"""A request to run a tool."""


def goes_on(answer: Answer) -> bool:
    """Whether a person has read a form that is not the last, and wants the next."""
    return answer.reply == "chosen" and answer.choice == GO_ON


def unless_approved(answer: Answer, no: str) -> Answer:
    """An answer to a form that does not offer the act: a no, or nothing that was offered."""
    if answer.reply != "chosen" or answer.choice == no:
        return answer
    return answer._replace(reply="malformed", choice=None)


def _form(question: Question, form: FormMessage) -> types.ElicitRequestFormParams:
    schema = form_schema(question.preview, form)
    return types.ElicitRequestFormParams(message=form.message, requested_schema=schema)


def _read_answer(state: FormState, response: object) -> Answer:
    question_id = state.question_id
    match response:
        case types.ElicitResult(action="decline"):
            return _without_choice(question_id, "declined")
        case types.ElicitResult(action="cancel"):
            return _without_choice(question_id, "cancelled")
        case types.ElicitResult(content={"choice": str(choice)}):
            return Answer(question_id, "form", choice)
        case _:
            return _without_choice(question_id, "malformed")


def _without_choice(question_id: str, reply: Reply) -> Answer:
    return Answer(question_id, "form", reply=reply)
