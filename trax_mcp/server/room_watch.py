"""What a room learns while it waits: all that is new about a studio since it has looked before.

The looks of all rooms of a key share its watchers, and keep nothing: what a room knows comes with
its call.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, Final, Literal, NamedTuple

import anyio
from pydantic import BaseModel, ConfigDict, Field

from trax_mcp.actions.change import Change
from trax_mcp.actions.chat_and_media import SendChatMessage
from trax_mcp.actions.destinations import UpdateDestination
from trax_mcp.actions.sources import UpdateSource
from trax_mcp.actions.stream import GoLive, GoOffline
from trax_mcp.api.arguments import Cursor
from trax_mcp.api.caller import Caller
from trax_mcp.api.contract import JsonObject
from trax_mcp.api.reads import GetStreamStatus
from trax_mcp.chat.resettable_event import ResettableEvent
from trax_mcp.chat.wait import WaitForChatMessages
from trax_mcp.chat.watchers import Watchers
from trax_mcp.clock import iso
from trax_mcp.consent.calls import Call
from trax_mcp.consent.guard import Guard
from trax_mcp.consent.open_questions import OpenQuestion, OpenQuestions
from trax_mcp.consent.question import Question
from trax_mcp.server.answering import ANSWERED_IN
from trax_mcp.server.offer import Offer
from trax_mcp.server.room_state import (
    Known,
    message_of,
    state_of,
    summary,
    version_of,
)
from trax_mcp.studio.facts import Read
from trax_mcp.tools.overview import with_starting
from trax_mcp.web.approval_view import QUESTIONS

_LONGEST_WAIT_SECONDS: Final = 25.0
_GATHER_SECONDS: Final = 0.2
"""How long a wait goes on after the first news, so that a busy chat comes in few answers."""
_MOST_MESSAGES: Final = 100
"""The most messages of one answer."""
_FIRST_SECONDS: Final = 4.0
"""How long the first look at a studio waits for TRaX."""
_MOMENT_SECONDS: Final = 1.0
"""A status that is no older than this need not be read again after a press."""
_WHILE_SECONDS: Final = 5.0
"""All else need not: it takes more requests."""
_STORE_SECONDS: Final = 0.4

PRESSES: Final[Mapping[str, type[Change[Any]]]] = {
    kind.tool_name: kind
    for kind in (GoLive, GoOffline, UpdateDestination, UpdateSource, SendChatMessage)
}
"""What can be pressed."""


class WatchArguments(BaseModel):
    """What the room shows already, and how long it waits for something new."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    version: str | None = Field(
        None, max_length=64, description="Version of the state already shown."
    )
    after: Cursor | None = Field(None, description="Cursor of the chat already shown.")
    chat: bool = Field(default=True, description="Whether to include chat.")
    waitSeconds: float = Field(  # noqa: N815  as in JSON
        _LONGEST_WAIT_SECONDS,
        ge=0,
        le=_LONGEST_WAIT_SECONDS,
        description="Longest wait for news, in seconds.",
    )
    again: bool = Field(default=False, description="Read again what's older than a second.")


class Visitor(NamedTuple):
    """Who sees the room of a studio, and where.

    `asker` is what their client calls itself, `claimed_name` the user whom a bot names.
    """

    caller: Caller
    watchers: Watchers
    studio_id: str
    by: Literal["panel", "page"] = "panel"
    asker: str = ""
    claimed_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomWatch:
    """What rooms watch."""

    guard: Guard
    questions: OpenQuestions
    offer: Offer
    practice: bool = False

    async def first(self, visitor: Visitor) -> Known:
        """Look for the first time.

        Raises:
            TraxError: the key is refused, there is no such studio, or nothing could be read.
        """
        watching = Watching(self, visitor, has_chat=False)
        await watching.refresh()
        seen = await watching.seen()
        if seen.ending is not None:
            raise seen.ending.copy()
        if seen.setup_error is not None and seen.facts[GetStreamStatus].value is None:
            raise seen.setup_error.copy()
        return seen

    async def watch(self, visitor: Visitor, it: WatchArguments) -> JsonObject:
        """Wait for news. Returns a tool's result as JSON of MCP."""
        watching = Watching(self, visitor, has_chat=it.chat and self.has_chat(visitor.caller))
        changed = ResettableEvent()
        with watching.listening(changed):
            if it.again or it.version is None or await watching.is_overdue():
                await watching.refresh(again=it.again)
            result, is_news = await watching.answer(it)
            if not is_news:
                async with (
                    self.guard.parts.clock.move_on_after(it.waitSeconds),
                    anyio.create_task_group() as tasks,
                ):
                    tasks.start_soon(watching.notice_questions, changed)
                    while not is_news:
                        await changed.wait()
                        await self.guard.parts.clock.sleep(_GATHER_SECONDS)
                        result, is_news = await watching.answer(it)
                    tasks.cancel_scope.cancel()
        return result

    def can(self, caller: Caller) -> Mapping[str, bool]:
        """What a caller may press."""
        return {name: self.offer.why_not(kind, caller) is None for name, kind in PRESSES.items()}

    def has_chat(self, caller: Caller) -> bool:
        """Whether a caller is offered the chat."""
        return self.offer.why_not(WaitForChatMessages, caller) is None

    async def tickets(self, visitor: Visitor) -> Sequence[str]:
        """The open questions about the studio that this visitor can answer here."""
        caller, parts = visitor.caller, self.guard.parts
        name = parts.record_name_of(GetStreamStatus(studio_id=visitor.studio_id), caller)
        seen = await parts.store.look_within(_STORE_SECONDS, name)
        if seen is None:
            return ()
        return [
            OpenQuestion(it.id, Call(it.operations, caller), name, self.questions).ticket
            for it in seen.studio.questions.values()
            if it.caller == caller.fingerprint
            and it.operations[0].studio() == visitor.studio_id
            and seen.studio.is_good(it, seen.now)
            and self.can_answer(it, visitor)
        ]

    def can_answer(self, question: Question, visitor: Visitor) -> bool:
        """Whether a visitor can answer a question in the room. A passkey only a page asks for."""
        needs_passkey = self.offer.rules.ask.needs_passkey and not question.is_stop
        return question.way in ANSWERED_IN[visitor.by] and not needs_passkey


class Watching:
    """One look at a studio, by the watchers that all rooms of a key share."""

    def __init__(self, room: RoomWatch, visitor: Visitor, *, has_chat: bool) -> None:
        caller, studio, watchers = visitor.caller, visitor.studio_id, visitor.watchers
        self._room = room
        self._visitor = visitor
        self._clock = room.guard.parts.clock
        self._status = watchers.stream_status(caller, studio)
        self._setup = watchers.setup(caller, studio)
        self._chat = watchers.chat(caller, studio)
        self._has_chat = has_chat
        self._watched = (self._status, self._setup, *((self._chat,) if has_chat else ()))

    async def is_overdue(self) -> bool:
        """Whether some of it was not read for longer than while a room looks, and can be."""
        is_overdue = any(it.is_overdue for it in self._watched)
        return is_overdue and (await self.seen()).ending is None

    async def refresh(self, *, again: bool = False) -> None:
        """Read what is due. With `again` what is older than a moment, or than a few seconds."""
        async with self._clock.move_on_after(_FIRST_SECONDS), anyio.create_task_group() as tasks:
            for it in self._watched:
                oldest = _MOMENT_SECONDS if it is self._status else _WHILE_SECONDS
                read_again = partial(it.refresh_older, older_than=oldest)
                tasks.start_soon(read_again if again else it.refresh)

    @contextmanager
    def listening(self, changed: ResettableEvent) -> Iterator[None]:
        """Be notified of news, and of trouble."""
        with ExitStack() as stack:
            for it in self._watched:
                stack.enter_context(it.listening(changed.set, of_trouble=True))
            yield

    async def notice_questions(self, changed: ResettableEvent) -> None:
        """Tell when questions open or end."""
        records = self._room.guard.parts.store.records
        while True:
            await records.changed()
            if records.is_shared:  # which only waits for a moment
                await self._clock.sleep(_MOMENT_SECONDS)
            changed.set()

    async def seen(self) -> Known:
        """How the studio stands, by what was read last."""
        room, visitor, error = self._room, self._visitor, self._status.last_error
        is_forbidden = error is not None and error.http_status == HTTPStatus.FORBIDDEN
        is_starting = partial(room.guard.go_live_is_pending, visitor.caller)
        status = self._status.source.last
        read = Read(status)
        if status is None or is_forbidden:
            missing = error.happened if error else "it hasn't been read yet"
            read = Read(missing=missing, is_forbidden=is_forbidden)
        facts = self._setup.source.facts.having(GetStreamStatus, read)
        return Known(
            facts=await with_starting(visitor.studio_id, facts, is_starting),
            now=self._clock.now(),
            can=room.can(visitor.caller),
            has_chat=room.has_chat(visitor.caller),
            practice=room.practice,
            status_error=None if is_forbidden else error,  # no later poll changes it
            setup_error=self._setup.last_error,
            chat_error=self._chat.last_error,
        )

    async def answer(self, it: WatchArguments) -> tuple[JsonObject, bool]:
        """What is known now, and whether any of it is new to the room."""
        tickets = await self._room.tickets(self._visitor)
        seen = await self.seen()
        state = state_of(seen)
        version = version_of(state, tickets)
        answer: JsonObject = {
            "now": iso(seen.now),
            "version": version,
            "seenAt": self._status.succeeded_at or None,
        }
        is_news = version != it.version or bool(state["ended"])
        if version != it.version:
            answer |= {"state": state, "summary": summary(seen)}
        if self._has_chat and self._chat.has_polled:
            answer["chat"] = chat = self._news_of_chat(it.after)
            is_news = is_news or it.after is None or bool(chat["messages"])
        result: JsonObject = {"structuredContent": answer}
        return {**result, "_meta": {QUESTIONS: [*tickets]}} if tickets else result, is_news

    def _news_of_chat(self, after: str | None) -> JsonObject:
        visitor, feed = self._visitor, self._chat.source.feed
        page = feed.latest(_MOST_MESSAGES) if after is None else feed.since(after, _MOST_MESSAGES)
        own = visitor.watchers.marks.own(visitor.caller, visitor.studio_id, page.messages)
        return {
            "messages": [message_of(dict(it), own) for it in page.messages],
            "cursor": page.cursor,
            "missed": page.missed and after is not None,
        }
