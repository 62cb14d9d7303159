"""When a stop is sent again after it was sent, and when nobody needs to look any more. Pure."""

from typing import Final, Literal, NamedTuple

from trax_mcp.api.models import StreamStatus
from trax_mcp.consent.running import Start
from trax_mcp.consent.sent import Sent, fate_of, is_busy, outcome_of
from trax_mcp.studio.facts import OBSERVED_SECONDS, State

AGAIN_SECONDS: Final = 2.0
"""How long after a stop it is sent again at the earliest."""

Next = Literal["wait", "again", "end"]


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
    if outcome_of(it.sent) == "not_applied":
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
    may_start = outcome_of(sent) == "not_applied" and status.has_stream
    return "unknown" if may_start else "off_air"
