"""The control room: what it shows while it is seen, and what a person presses in it.

It serves an app of a client and a page in the browser. A press is the operation itself: one that
needs approval is asked in the room, whatever else the client can show.
"""

from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from trax_mcp.actions.change import Change
from trax_mcp.api.contract import JsonObject
from trax_mcp.api.errors import TraxError
from trax_mcp.consent.calls import Ask, Call, Done, NotRun
from trax_mcp.consent.open_questions import LocalPage, OpenQuestion
from trax_mcp.consent.store import StoreUnavailable, store_unavailable
from trax_mcp.server.answering import take_answer
from trax_mcp.server.room_state import summary
from trax_mcp.server.room_watch import PRESSES, RoomWatch, Visitor, Watch
from trax_mcp.web.endings import ending_of, ending_of_refusal
from trax_mcp.web.room_host import TICKET

_UNKNOWN_PRESS: Final = "This press couldn't be read. Nothing was sent."
_ON_PAGE: Final = "Approve it on the page that has opened in your browser."
_NO_PASSKEY_HERE: Final = (
    "This needs a passkey, and only a page on the computer of this server can ask for it. Nothing"
    " was sent."
)


class _Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Press(_Arguments):
    """What was pressed."""

    press: str = Field(max_length=40, description="The tool.")
    arguments: dict[str, bool | str] = Field({}, description="Its arguments, without the studio.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """The rooms of all studios and callers. They hold no state."""

    watching: RoomWatch
    page: LocalPage | None = None

    async def call(self, visitor: Visitor, name: str, arguments: JsonObject) -> JsonObject:
        """Run "watch", "press" or "answer". Returns a tool's result as JSON of MCP.

        Raises:
            TraxError: there is no key.
        """
        try:
            match name:
                case "watch":
                    return await self.watching.run(visitor, Watch.model_validate(arguments))
                case "press":
                    return await self._press(visitor, Press.model_validate(arguments))
                case "answer":
                    return {"structuredContent": await self._answer(visitor, arguments)}
        except ValidationError:
            pass
        return _said(_UNKNOWN_PRESS, is_error=True)

    async def opening(self, visitor: Visitor) -> str:
        """Look for the first time. Returns the state in a few words, for the model.

        Raises:
            TraxError: the key is refused, there is no such studio, or nothing could be read.
        """
        return summary(await self.watching.first(visitor))

    # Press

    async def _press(self, visitor: Visitor, it: Press) -> JsonObject:
        kind, names = PRESSES.get(it.press, (None, frozenset[str]()))
        if kind is None or it.arguments.keys() != names:
            return _said(_UNKNOWN_PRESS, is_error=True)
        if why := self.watching.offer.why_not(kind, visitor.caller):
            return _said(why.summary, is_error=True)
        inputs = {"studioId": visitor.studio_id, **it.arguments}
        change = kind.model_validate(inputs, by_alias=True, by_name=False)
        try:
            return await self._run(change, visitor)
        except TraxError as error:
            return _said(ending_of(error).words, is_error=True)

    async def _run(self, change: Change[Any], visitor: Visitor) -> JsonObject:
        if self.watching.offer.rules.never_ask_about(change):
            return _said(_words_of(await self.watching.guard.parts.change(change, visitor.caller)))
        call = Call((change,), visitor.caller, claimed_name=visitor.claimed_name, pressed=True)
        match await self.watching.guard.run(call):
            case Ask() as ask:
                return await self._ask(call, ask, visitor)
            case NotRun() as refused:
                return _said(ending_of_refusal(refused.reason, refused.why).words)
            case done:
                return _said(_words_of(done))

    async def _ask(self, call: Call, ask: Ask, visitor: Visitor) -> JsonObject:
        """Ask in the room; for a passkey on the page of approvals."""
        watching = self.watching
        is_on_page = watching.offer.rules.ask.needs_passkey and not call.is_stop
        if is_on_page and self.page is None:
            watching.guard.write_asked(call, ask, None)
            return _said(_NO_PASSKEY_HERE, is_error=True)
        question = watching.guard.question(call, ask, "page" if is_on_page else "panel")
        try:
            asked = await watching.questions.open(call, ask, question, must_report=not is_on_page)
            kept = (await asked.state()).question
        except StoreUnavailable:
            if not call.is_stop:
                raise store_unavailable() from None
            asked, kept = (
                OpenQuestion(question.id, call, ask.record_name, watching.questions),
                question,
            )
        if self.page is not None and is_on_page:
            self.page.show(asked, asker=visitor.asker)
        if kept is None or not watching.can_answer(kept, visitor):
            return _said(_ON_PAGE)
        return {"structuredContent": {"asking": True}, "_meta": {TICKET: asked.ticket}}

    async def _answer(self, visitor: Visitor, arguments: JsonObject) -> JsonObject:
        return await take_answer(
            self.watching.questions,
            arguments,
            visitor.caller,
            {"asker": visitor.asker, "practice": self.watching.practice},
            claimed_name=visitor.claimed_name,
            by=visitor.by,
        )


def _words_of(done: Done) -> str:
    warnings = [it.text for step in done.steps for it in step.warnings]
    return " ".join((ending_of(done).words, *warnings))


def _said(outcome: str, *, is_error: bool = False) -> JsonObject:
    said: JsonObject = {"structuredContent": {"outcome": outcome}}
    return {**said, "isError": True} if is_error else said
