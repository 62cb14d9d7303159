"""The breaks of the promises: the control room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from proof.breaks.changes import Changes, later, put, swap
from trax_mcp.chat.watcher import Watcher
from trax_mcp.chat.watchers import Watchers
from trax_mcp.consent.state import StudioRecord
from trax_mcp.http import limits
from trax_mcp.server import room_state
from trax_mcp.server.room import Room
from trax_mcp.server.room_watch import RoomWatch, Visitor
from trax_mcp.web import room_page
from trax_mcp.web.approval_view import WATCH
from trax_mcp.web.local_server import PageAccess
from trax_mcp.web.room_page import RoomPage, _Room

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request

    from trax_mcp.actions.change import Change
    from trax_mcp.api.caller import Caller
    from trax_mcp.api.client import Client
    from trax_mcp.api.contract import JsonObject
    from trax_mcp.chat.watchers import SourceT
    from trax_mcp.consent.question import Question
    from trax_mcp.server.room_state import Known

_watcher, _is_urgent, _state_of = Watchers._watcher, limits.is_urgent, room_state.state_of
_ask_elsewhere, _listen = StudioRecord.ask_elsewhere, Watcher.listen
_redeem = PageAccess.redeem


async def _run_unasked(self: Room, change: Change[Any], visitor: Visitor) -> JsonObject:
    await self.guard.parts.change_unasked(change, visitor.caller)
    return {"structuredContent": {"outcome": "Done."}}


_RecordT = TypeVar("_RecordT", bound=StudioRecord)


def _ask_about_one(self: _RecordT, question: Question, now: float) -> tuple[_RecordT, Question]:
    earlier = next((it for it in self.questions.values() if self.is_good(it, now)), None)
    return (self, earlier) if earlier else _ask_elsewhere(self, question, now)


def _watch_for_each(
    self: Watchers,
    source_type: Callable[[Client, Caller, str], SourceT],
    caller: Caller,
    studio_id: str,
    *,
    pace: float = 1.0,
) -> Watcher[SourceT]:
    self._watchers.clear()
    return _watcher(self, source_type, caller, studio_id, pace=pace)


def _listen_for_good(
    self: Watcher[Any], notify: Callable[[], None], *, of_trouble: bool = False
) -> Callable[[], None]:
    _listen(self, notify, of_trouble=of_trouble)
    return lambda: None


async def _tickets_of_all(self: RoomWatch, visitor: Visitor) -> Sequence[str]:
    return [it.ticket for alike in self.questions._opened_here.values() for it in alike]


def _never_stale(seen: Known) -> JsonObject:
    return {**_state_of(seen), "stale": False}


async def _watch_to_its_end(
    self: RoomPage,
    room: _Room,
    request: Request,
    arguments: JsonObject,
) -> JsonObject:
    return await room.call(WATCH, arguments)


def _redeem_again(self: PageAccess, secret: str) -> str | None:
    session = _redeem(self, secret)
    self._secret = secret
    return session


CHANGES: Final[Changes] = {
    "Where your assistant would ask you, a press asks": [
        ("tests/server/test_room_presses.py", swap(Room._run).by(_run_unasked)),
    ],
    "Your assistant isn't involved": [
        (
            "tests/server/test_room_http.py",
            swap(limits.is_urgent).by(
                lambda body: b"press_in_control_room" not in body and _is_urgent(body)
            ),
        ),
        ("tests/server/test_room_presses.py", swap(StudioRecord.ask_elsewhere).by(_ask_about_one)),
    ],
    "In a hidden tab, the room asks TRaX for nothing.": [
        ("tests/server/test_room_polls.py", swap(Watcher.listen).by(_listen_for_good)),
        ("tests/server/test_room_polls.py", swap(Watchers._watcher).by(_watch_for_each)),
        ("tests/web/test_room_page.py", swap(RoomPage._watch).by(_watch_to_its_end)),
    ],
    "Its address works once": [
        ("tests/web/test_room_page.py", swap(PageAccess.redeem).by(_redeem_again)),
        ("tests/web/test_room_page.py", put(room_page, "_REOPEN_SECONDS", 0.0)),
    ],
    "It can reach its own studio, and no other.": [
        ("tests/web/test_room_page.py", swap(PageAccess.has_session).by(lambda *_: True)),
        ("tests/web/test_room_page.py", swap(_Room.was_shown).by(lambda *_: True)),
    ],
    "**ON AIR** is only shown while that is known.": [
        ("tests/server/test_room_polls.py", swap(room_state.state_of).by(_never_stale)),
        ("tests/server/test_room_polls.py", put(room_state, "_END_ALL", frozenset())),
        ("tests/server/test_room_polls.py", swap(Watcher.refresh_older).by(later(value=None))),
        ("tests/server/test_room_polls.py", swap(Watchers.note).by(lambda *_: None)),
        (
            "tests/units/server/test_room_state.py",
            swap(room_state._problem).by(lambda it: {"what": it.what.text}),
        ),
    ],
    "A question that your assistant asks": [
        ("tests/server/test_room_presses.py", swap(RoomWatch.tickets).by(_tickets_of_all)),
        ("tests/server/test_room_on_page.py", swap(RoomPage.is_shown).by(lambda *_: False)),
    ],
}
