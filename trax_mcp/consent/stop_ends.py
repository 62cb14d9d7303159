"""How a stop has ended, by what was sent, what was seen afterwards, and whether a start may come.

Pure. What was seen outweighs what TRaX answered.
"""

from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import NamedTuple

from trax_mcp.actions.acts import capitalized
from trax_mcp.actions.stream import END_IT
from trax_mcp.api.errors import Outcome, Refused, TraxError
from trax_mcp.api.models import Model
from trax_mcp.api.responses import Response
from trax_mcp.studio import times
from trax_mcp.studio.facts import Observed, State

_Sent = Response[Model] | TraxError


class StopEnd(NamedTuple):
    """How a stop has ended. `error` says why it is not certain that the show is over.

    `was_off`: nothing had to be stopped.
    """

    outcome: Outcome
    observed: Observed
    error: TraxError | None = None
    was_off: bool = False


def end_of_stop(sent: _Sent, seen: Observed, now: datetime, *, start_may_come: bool) -> StopEnd:
    """How a stop has ended.

    `start_may_come`: a go-live was sent before it and never seen on air, which looks off air too.
    """
    outcome = sent.outcome if isinstance(sent, TraxError) else "applied"
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
            happened = f"It is off air (seen {_at(seen, now)}). {sent.happened}"
            return StopEnd(outcome, seen, replace(sent, happened=happened))
        return StopEnd(outcome, seen, was_off=True)
    return StopEnd(outcome, seen, _not_known(sent) if isinstance(sent, TraxError) else None)


def _still_on_air(sent: _Sent, seen: Observed, now: datetime) -> TraxError:
    begin = f"STILL ON AIR (seen {_at(seen, now)})"
    call_again = "If the user still wants it off air, call go_offline again."
    if not isinstance(sent, TraxError):
        return TraxError(
            "still_on_air",
            f"{begin}. TRaX accepted the stop, but the show goes on",
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
    if isinstance(sent, Refused) and sent.is_busy:
        next_step = "Call go_offline again in a few seconds."
    elif sent.outcome == "not_applied":
        next_step = sent.next_step
    else:
        next_step = "Look with check_studio in a minute; if it is on air, call go_offline again."
    return replace(
        sent,
        happened=f"It is off air now (seen {_at(seen, now)}), but a start may still come."
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
