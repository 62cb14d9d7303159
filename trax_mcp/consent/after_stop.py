"""What a stop that was sent means: for whom it counts, whether it is sent again, how it has ended.

Pure. What was seen afterwards outweighs what TRaX answered.
"""

from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import Final, Literal, NamedTuple

from trax_mcp.actions.acts import capitalized
from trax_mcp.actions.stream import END_IT
from trax_mcp.api.errors import NoConnection, NotSent, Outcome, Refused, TraxError
from trax_mcp.api.models import StreamStatus
from trax_mcp.consent.calls import Sent, is_busy
from trax_mcp.consent.running import Fate, Start
from trax_mcp.studio import times
from trax_mcp.studio.facts import OBSERVED_SECONDS, Observed, State

_SERVER: Final = HTTPStatus.INTERNAL_SERVER_ERROR
AGAIN_SECONDS: Final = 2.0
"""How long after a stop it is sent again at the earliest."""

Next = Literal["wait", "again", "end"]


def fate_of(sent: Sent) -> Fate:
    """What a stop means for others than its caller.

    It counts if TRaX took it, even without a word, and if the refusal is one that only those are
    told who may stop. After all other refusals it does not, and if anything else came back, or
    nothing, nobody knows.
    """
    if not isinstance(sent, TraxError):
        return "counts"
    if isinstance(sent, NotSent | NoConnection):
        return "refused"
    if not isinstance(sent, Refused) or sent.http_status is None:
        return "unknown"
    if sent.http_status in range(200, 300) or sent.is_busy:  # `ok: false`, or busy
        return "counts"
    if sent.code == "write_disabled":
        return "refused"
    is_lost = sent.http_status == HTTPStatus.REQUEST_TIMEOUT or sent.http_status >= _SERVER
    return "unknown" if is_lost else "refused"


# Whether it is sent again


class Watched(NamedTuple):
    """A stop after it was sent.

    `elapsed` is since its first response. `start` is one that was sent from here before it, and
    `start_left` how long that may still come. `is_unreadable`: no further read shows the state.
    `is_final`: it may not be sent again.
    """

    sent: Sent
    state: State = "unknown"
    elapsed: float = 0.0
    start: Start | None = None
    start_left: float = 0.0
    is_unreadable: bool = False
    is_final: bool = False


def next_after(it: Watched) -> Next:
    """What follows. TRaX is asked again and again while it is busy with a start from here.

    Otherwise a stop is repeated once, for a start that was sent before it, or if TRaX may not have
    got it. What comes on air for another reason was not meant.
    """
    if it.sent.outcome == "not_applied":
        is_in_time = it.elapsed + AGAIN_SECONDS <= OBSERVED_SECONDS
        return "again" if is_busy(it.sent) and waits_for_start(it) and is_in_time else "end"
    if it.state == "off_air" or it.is_unreadable:
        return "end"
    if it.state == "on_air" and it.elapsed >= AGAIN_SECONDS and _may_help(it):
        return "again"
    return "wait" if it.elapsed < OBSERVED_SECONDS else "end"


def waits_for_start(it: Watched) -> bool:
    """Whether it may be sent again for a start that was sent from here, and may still come."""
    is_ours = it.start is not None and it.start.state != "elsewhere"
    return is_ours and it.start_left > 0 and not it.is_final


def _may_help(it: Watched) -> bool:
    if it.is_final or (it.start is not None and it.start_left <= 0):
        return False
    return fate_of(it.sent) == "unknown" or waits_for_start(it)


def is_another(start: Start | None, status: StreamStatus) -> bool:
    """Whether what is on air is another stream than that of a start.

    Where either is not known, it counts as the same.
    """
    ids = start.stream_id if start else "", status.encoder_stream_id or ""
    return all(ids) and ids[0] != ids[1]


def state_after(sent: Sent, status: StreamStatus) -> State:
    """The state that a status shows. After a refused stop, a stream may be one that starts."""
    if status.live is None:
        return "unknown"
    if status.live:
        return "on_air"
    may_start = sent.outcome == "not_applied" and status.has_stream
    return "unknown" if may_start else "off_air"


# How it has ended


class StopEnd(NamedTuple):
    """How a stop has ended. `error` says why it is not certain that the show is over.

    `was_off`: nothing had to be stopped.
    """

    outcome: Outcome
    observed: Observed
    error: TraxError | None = None
    was_off: bool = False


def end_of_stop(sent: Sent, seen: Observed, now: datetime, *, start_may_come: bool) -> StopEnd:
    """How a stop has ended.

    `start_may_come`: a go-live was sent before it and never seen on air, which looks off air too.
    """
    outcome = sent.outcome
    if seen.state == "on_air":
        outcome = "not_applied" if outcome == "not_applied" else "unknown"
        return StopEnd(outcome, seen, _still_on_air(sent, seen, now))
    if seen.state == "off_air" and start_may_come:
        state: State = "starting" if outcome == "not_applied" else "stopping"
        error = _may_come(sent, seen, now) if isinstance(sent, TraxError) else None
        return StopEnd(outcome, seen._replace(state=state), error)
    if seen.state == "off_air":
        if outcome != "not_applied":
            return StopEnd("applied", seen)
        if isinstance(sent, TraxError) and sent.http_status != HTTPStatus.CONFLICT:
            happened = f"It's off air (seen {_at(seen, now)}). {sent.happened}"
            return StopEnd(outcome, seen, replace(sent, happened=happened))
        return StopEnd(outcome, seen, was_off=True)
    return StopEnd(outcome, seen, _not_known(sent) if isinstance(sent, TraxError) else None)


def _still_on_air(sent: Sent, seen: Observed, now: datetime) -> TraxError:
    begin = f"STILL ON AIR (seen {_at(seen, now)})"
    call_again = "If the user still wants it off air, call go_offline again."
    if not isinstance(sent, TraxError):
        return TraxError(
            "still_on_air",
            f"{begin}. TRaX accepted the request to go offline, but the show goes on",
            call_again,
            not_done=f". {capitalized(END_IT)}",
            outcome="unknown",
            http_status=sent.status,
            request_id=sent.request_id,
        )
    not_done, next_step = sent.not_done, sent.next_step
    if sent.outcome != "not_applied":
        not_done, next_step = ", and the show goes on", call_again
    return replace(
        sent,
        happened=f"{begin}. {sent.happened}",
        not_done=f"{not_done}. {capitalized(END_IT)}",
        next_step=next_step,
        outcome="not_applied" if sent.outcome == "not_applied" else "unknown",
    )


def _may_come(sent: TraxError, seen: Observed, now: datetime) -> TraxError:
    if is_busy(sent):
        next_step = "Call go_offline again in a few seconds."
    elif sent.outcome == "not_applied":
        next_step = sent.next_step
    else:
        next_step = "Check with check_studio in a minute. If it's on air, call go_offline again."
    return replace(
        sent,
        happened=f"It's off air now (seen {_at(seen, now)}), but a start may still come."
        f" {sent.happened}",
        not_done=f"{sent.not_done}. If it goes on air after all, {END_IT}",
        next_step=next_step,
    )


def _not_known(sent: TraxError) -> TraxError:
    not_done = sent.not_done if sent.outcome == "not_applied" else ""
    return replace(
        sent,
        happened=f"It may still be on air: the status couldn't be read. {sent.happened}",
        not_done=f"{not_done}. If it's on air, {END_IT}",
    )


def _at(seen: Observed, now: datetime) -> str:
    """When it was seen, as people read it."""
    moment = times.parse(seen.checked_at)
    return times.at(moment or now, now)
