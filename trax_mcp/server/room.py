"""The control room: what it shows while it is seen, and what a person presses in it.

It serves an app of a client and a page in the browser. A press is the operation itself, and one
that needs approval is asked about in the room.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema

from trax_mcp.actions.change import Change
from trax_mcp.api.arguments import Id
from trax_mcp.api.contract import JsonObject
from trax_mcp.api.errors import TraxError
from trax_mcp.consent.calls import Ask, Call, Done, NotRun
from trax_mcp.consent.open_questions import LocalPage, OpenQuestion
from trax_mcp.consent.store import StoreUnavailable, store_unavailable
from trax_mcp.server.answering import take_answer
from trax_mcp.server.room_watch import PRESSES, RoomWatch, Visitor, WatchArguments
from trax_mcp.studio.outputs import PlainSchema
from trax_mcp.web.approval_view import ANSWER, PRESS, TICKET, WATCH, Asker, describe
from trax_mcp.web.endings import ending_of, ending_of_refusal

_UNKNOWN_PRESS: Final = "This press couldn't be read. Nothing was sent."
_ON_PAGE: Final = "Answer it on the page that opened in your browser."
_NO_PASSKEY_HERE: Final = (
    "This needs your passkey, and only a page on the computer that runs trax-mcp can ask for it."
    " Nothing was sent."
)


class _Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class ChangeArguments(_Arguments):
    """The arguments of all presses, without the studio."""

    destId: Id | None = None  # noqa: N815  as in JSON
    enabled: bool | None = None
    sourceId: Id | None = None  # noqa: N815  as in JSON
    active: bool | None = None
    text: str | None = None


class PressArguments(_Arguments):
    """What was pressed."""

    press: str = Field(max_length=40, description="The tool that was pressed.")
    arguments: Annotated[
        ChangeArguments,  # in place: clients lose what a schema refers to
        WithJsonSchema(ChangeArguments.model_json_schema(schema_generator=PlainSchema)),
    ] = ChangeArguments()


@dataclass(frozen=True, slots=True, kw_only=True)
class Room(RoomWatch):
    """The rooms of all studios and callers. They hold no state."""

    page: LocalPage | None = None

    async def call(self, visitor: Visitor, name: str, arguments: JsonObject) -> JsonObject:
        """Run one of the room's tools. Returns a tool's result as JSON of MCP.

        Raises:
            TraxError: there is no key.
        """
        with suppress(ValidationError):
            if name == WATCH:
                return await self.watch(visitor, WatchArguments.model_validate(arguments))
            if name == PRESS:
                return await self._press(visitor, PressArguments.model_validate(arguments))
            if name == ANSWER:
                return {"structuredContent": await self._answer(visitor, arguments)}
        return _said(_UNKNOWN_PRESS, is_error=True)

    # Press

    async def _press(self, visitor: Visitor, it: PressArguments) -> JsonObject:
        kind = PRESSES.get(it.press)
        if kind is None:
            return _said(_UNKNOWN_PRESS, is_error=True)
        if why := self.offer.why_not(kind, visitor.caller):
            return _said(why.summary, is_error=True)
        arguments = it.arguments.model_dump(exclude_none=True)
        inputs = {"studioId": visitor.studio_id, **arguments}
        change = kind.model_validate(inputs, by_alias=True, by_name=False)
        try:
            return await self._run(change, visitor)
        except TraxError as error:
            return _said(ending_of(error).words, is_error=True)

    async def _run(self, change: Change[Any], visitor: Visitor) -> JsonObject:
        if self.offer.rules.never_ask_about(change):
            return _said(_words_of(await self.guard.parts.change_unasked(change, visitor.caller)))
        call = Call((change,), visitor.caller, claimed_name=visitor.claimed_name, pressed=True)
        match await self.guard.run(call):
            case Ask() as ask:
                return await self._ask(call, ask, visitor)
            case NotRun() as refused:
                return _said(ending_of_refusal(refused.reason, refused.why).words)
            case done:
                return _said(_words_of(done))

    async def _ask(self, call: Call, ask: Ask, visitor: Visitor) -> JsonObject:
        """Ask in the room; for a passkey on the page of approvals."""
        is_on_page = self.offer.rules.ask.needs_passkey and not call.is_stop
        if is_on_page and self.page is None:
            self.guard.write_asked(call, ask, None)
            return _said(_NO_PASSKEY_HERE, is_error=True)
        question = self.guard.question(call, ask, "page" if is_on_page else "panel")
        try:
            asked = await self.questions.open(call, ask, question, must_report=not is_on_page)
            state = await asked.state()
        except StoreUnavailable:
            if not call.is_stop:
                raise store_unavailable() from None
            asked = OpenQuestion(question.id, call, ask.record_name, self.questions)
            state = asked.as_signed()
        if self.page is not None and is_on_page:
            self.page.show(asked, asker=visitor.asker)
        if state.question is None or not self.can_answer(state.question, visitor):
            return _said(_ON_PAGE)
        asking: JsonObject = {"asking": True}
        if call.is_stop:  # drawn at once: the next request may fail
            asking["question"] = describe(state, **self._who(visitor))
        return {"structuredContent": asking, "_meta": {TICKET: asked.ticket}}

    async def _answer(self, visitor: Visitor, arguments: JsonObject) -> JsonObject:
        return await take_answer(
            self.questions,
            arguments,
            visitor.caller,
            self._who(visitor),
            claimed_name=visitor.claimed_name,
            by=visitor.by,
        )

    def _who(self, visitor: Visitor) -> Asker:
        return {"asker": visitor.asker, "practice": self.practice}


def _words_of(done: Done) -> str:
    warnings = [it.text for step in done.steps for it in step.warnings]
    return " ".join((ending_of(done).words, *warnings))


def _said(outcome: str, *, is_error: bool = False) -> JsonObject:
    said: JsonObject = {"structuredContent": {"outcome": outcome}}
    return {**said, "isError": True} if is_error else said
