"""The breaks of the promises: how a stop gets through, and what it ends."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Final, TypeVar

import anyio
import anyio.lowlevel

from proof.breaks.changes import Changes, later, put, swap
from trax_mcp.actions.studios import UpdateStudio
from trax_mcp.api.errors import TraxError
from trax_mcp.consent import after_stop, parts, shielded_tasks, stopping
from trax_mcp.consent.running import Start
from trax_mcp.consent.sending import Sending
from trax_mcp.consent.state import StudioRecord
from trax_mcp.consent.stop import Stop
from trax_mcp.web import local_server

if TYPE_CHECKING:
    from trax_mcp.consent.calls import Done, Sent
    from trax_mcp.consent.running import Begin, End, EndStop
    from trax_mcp.studio.facts import Observed

StudioT = TypeVar("StudioT", bound=StudioRecord)
_STOP_AS_SEEN_TEST: Final = "tests/consent/test_stop_as_seen.py"
_LATER_TEST: Final = "tests/seams/consent/test_later_shows.py"
_STARTS_TEST: Final = "tests/seams/consent/test_start_that_still_comes.py"
_STOPS_TEST: Final = "tests/seams/consent/test_stop.py"
_UNSHIELDED: Final = SimpleNamespace(
    CancelScope=lambda *, deadline, shield: anyio.CancelScope(deadline=deadline),
    Event=anyio.Event,
)
_begin_repeat = StudioRecord.begin_repeat
_conclude = Stop._conclude
_end = StudioRecord.end
_end_stop = StudioRecord.end_stop


def by_its_answer(sent: Sent, seen: Observed, *_: object, **__: object) -> after_stop.StopEnd:
    """How a stop has ended, whatever was seen after it."""
    if isinstance(sent, TraxError):
        return after_stop.StopEnd(sent.outcome, seen, sent)
    return after_stop.StopEnd("applied", seen)


def _end_after_any_stop(
    self: StudioT, begun: Begin, it: End, now: float, lease: float
) -> tuple[StudioT, bool]:
    start = self.start and replace(self.start, asked_at=0.0)
    return _end(replace(self, start=start), begun, it, now, lease)


def _end_if_known(
    self: StudioT, begun: Begin, it: End, now: float, lease: float
) -> tuple[StudioT, bool]:
    after, is_stopped = _end(self, begun, it, now, lease)
    return after, is_stopped or (it.start is not None and self.start is None)


def _end_as_if_taken(self: StudioT, it: EndStop) -> tuple[StudioT, bool]:
    return _end_stop(self, it._replace(fate="counts", words=it.words or "the call ran"))


def _begin_repeat_at_any_time(
    self: StudioT, it: EndStop, start_id: str | None, now: float, lease: float
) -> tuple[StudioT, bool]:
    return _begin_repeat(self, it, start_id, min(now, it.at), lease)


async def _conclude_unless_gone(self: Stop, stop: stopping.Stopping) -> Done:
    await anyio.lowlevel.checkpoint()
    return await _conclude(self, stop)


CHANGES: Final[Changes] = {
    "**Going offline is never held up.**": [
        ("tests/web/test_silent_connections.py", put(local_server, "_BACKLOG", 2048)),
        ("tests/consent/test_stop_under_load.py", put(stopping, "_WAIT_SECONDS", 3600.0)),
        ("tests/consent/test_turns.py", put(parts, "_AGAIN_SECONDS", -1.0)),
    ],
    "You're told what was seen afterwards": [
        # A stop is told as done on the old status.
        (_STOP_AS_SEEN_TEST, swap(Start.may_come).by(lambda *_: False)),
        (_STOP_AS_SEEN_TEST, swap(after_stop.end_of_stop).by(by_its_answer)),
    ],
    "The answer to a go-live mentions a later `go_offline` only if": [
        # A refused stop ends the watch of a start.
        (_STOP_AS_SEEN_TEST, swap(StudioRecord.end_stop).by(_end_as_if_taken)),
    ],
    "the go-live takes it off air again": [
        ("tests/consent/test_stop_during_go_live.py", swap(Sending._undo).by(later(value=None))),
    ],
    "An earlier `go_offline` never ends": [
        (
            "tests/consent/test_stop_during_go_live.py",
            swap(StudioRecord.end).by(_end_after_any_stop),
        ),
        (
            "tests/units/consent/test_state.py",
            swap(StudioRecord.begin_repeat).by(lambda self, *_: (self, True)),
        ),
        (_STARTS_TEST, swap(after_stop.is_another).by(lambda *_: False)),
        (_LATER_TEST, swap(stopping.Stopping.learn_stream).by(later(value=None))),
        (_LATER_TEST, swap(StudioRecord.begin_repeat).by(_begin_repeat_at_any_time)),
    ],
    "A go-live that's being sent while Valkey": [
        ("tests/seams/consent/test_go_live.py", swap(StudioRecord.end).by(_end_if_known)),
    ],
    "If TRaX accepted `go_offline` and the show then": [
        (_STARTS_TEST, swap(after_stop.waits_for_start).by(lambda *_: False)),
    ],
    "If TRaX refuses it in any other way": [
        (_STOPS_TEST, swap(after_stop.fate_of).by(lambda *_: "counts")),
    ],
    "It's still sent if your app": [
        (_STOPS_TEST, put(shielded_tasks, "anyio", _UNSHIELDED)),
        (_STOPS_TEST, swap(Stop._conclude).by(_conclude_unless_gone)),
    ],
    "**It voids every earlier approval": [
        ("tests/consent/test_consent_stop.py", swap(StudioRecord.is_void).by(lambda *_: False)),
        (
            "tests/consent/test_auto_go_live.py",
            swap(UpdateStudio.puts_on_air).by(lambda self: False),
        ),
    ],
}
