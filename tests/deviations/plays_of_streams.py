"""Deviations of starts, of stops and of the status."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, Any

from tests.deviations.plays import STATUS, STOP, answered, played

if TYPE_CHECKING:
    from tests.deviations.row import Play
    from tests.support.product.exchanges import Request, RequestHandler, Response
    from tests.support.product.sandbox import Sandbox

    Json = dict[str, Any]

_FRIDAY = "studio_42"


def slow_stop(seconds: float, answer: Response | None = None) -> Play:
    """Let the status say live for so long after a stop."""

    def play(trax: Sandbox) -> None:
        async def respond(request: Request, handler: RequestHandler) -> Response:
            response = await handler(request)
            _change_stream(trax, live_until=trax.world.now() + seconds)
            return answer or response

        played(STOP, respond)(trax)

    return play


def live_again(seconds: float) -> Play:
    """Stop, and be on air again some seconds later, as with a supervisor that restarts."""

    def play(trax: Sandbox) -> None:
        async def respond(request: Request, handler: RequestHandler) -> Response:
            response = await handler(request)
            _change_stream(trax, live_since=trax.world.now() + seconds, live_until=inf)
            return response

        played(STOP, respond)(trax)

    return play


def _change_stream(trax: Sandbox, **changes: Any) -> None:  # noqa: ANN401  as its fields
    trax.world.streams[_FRIDAY] = replace(trax.world.streams[_FRIDAY], **changes)


def stop_loses(start_seconds: float) -> Play:
    """Accept a stop, and let the start that is under way win."""

    def play(trax: Sandbox) -> None:
        trax.world.go_live_seconds = start_seconds
        answered(STOP, 200, {"ok": True})(trax)

    return play


def stale_status(seconds: float) -> Play:
    """Let each status be read from a copy that is up to so many seconds old."""

    def play(trax: Sandbox) -> None:
        seen: list[tuple[float, Response]] = []

        async def respond(request: Request, handler: RequestHandler) -> Response:
            now = trax.world.now()
            if not seen or now - seen[-1][0] >= seconds:
                seen.append((now, await handler(request)))
            return replace(seen[-1][1], request_id="")

        played(STATUS, respond)(trax)

    return play


def after_stop(then: Play) -> Play:
    """Handle a stop, and deviate from then on."""

    def play(trax: Sandbox) -> None:
        async def respond(request: Request, handler: RequestHandler) -> Response:
            response = await handler(request)
            then(trax)
            return response

        played(STOP, respond, times=1)(trax)

    return play


# The JSON of a status


def zero_date(status: Json) -> None:
    if not status["live"]:
        status.update(encoderStreamId="", mode="", liveStartedAt="0001-01-01T00:00:00Z")


def last_stream(status: Json) -> None:
    if not status["live"]:
        status.update(encoderStreamId="encoder_100", liveStartedAt="2026-06-05T17:00:00Z")


def three_minutes_behind(status: Json) -> None:
    if status["live"]:
        status.update(liveStartedAt="2026-06-05T17:57:08.000Z")


def in_a_year(status: Json) -> None:
    if status["live"]:
        status.update(liveStartedAt="2027-06-05T18:00:08.000Z")


def spelt_live(status: Json) -> None:
    status.update(live=str(status["live"]).lower())


def numbered_live(status: Json) -> None:
    status.update(live=int(status["live"]))


def worded_live(status: Json) -> None:
    status.update(live="LIVE" if status["live"] else "IDLE")


def null_live(status: Json) -> None:
    status.update(live=status["live"] or None)
