"""Deviations around a stop."""

from __future__ import annotations

from typing import Final

from tests.deviations import scenarios
from tests.deviations.plays import START, STATUS, STOP, answered, edited
from tests.deviations.plays_of_streams import last_stream, live_again, slow_stop, zero_date
from tests.deviations.row import Row
from tests.support.product.exchanges import Response

ROWS: Final = (
    Row(
        name="golive_never_then_stop",
        trax="Accepts a go-live that never shows, and a stop.",
        play=answered(
            START, 200, {"encoderStreamId": "e1", "destinationIds": ["dest_1", "dest_2"]}
        ),
        calls=scenarios.STOP_WHILE_STARTING,
        model=("go_live: encoderStreamId=e1",),
        sent=(
            "POST go-live",
            "POST go-offline",
        ),
    ),
    Row(
        name="offline_204",
        trax="Stops, and answers 204 without a body.",
        play=answered(STOP, 204, done=True),
        calls=scenarios.STOP,
        model=("go_offline: no ok",),
        sent=("POST go-offline",),
    ),
    Row(
        name="offline_202_empty_slow",
        trax="Answers 202 without a body, and stops five seconds later.",
        play=slow_stop(5, answer=Response(202, b"")),
        calls=scenarios.STOP,
        model=("go_offline: no ok",),
        sent=("POST go-offline",),
    ),
    Row(
        name="offline_empty_object",
        trax="Stops, and answers {}.",
        play=answered(STOP, 200, {}, done=True),
        calls=scenarios.STOP,
        model=("go_offline: no ok",),
        sent=("POST go-offline",),
    ),
    Row(
        name="offline_15s",
        trax="Shows live for 15 seconds after a stop.",
        play=slow_stop(15),
        calls=scenarios.STOP,
        sent=("POST go-offline",),
    ),
    Row(
        name="gozero_fields_off_air",
        trax="Off air, the status has the zero date and an empty id.",
        play=edited(STATUS, zero_date),
        calls=scenarios.STOP,
        sent=("POST go-offline",),
    ),
    Row(
        name="keeps_last_stream_off_air",
        trax="Off air, the status keeps the id and the start of the last stream.",
        play=edited(STATUS, last_stream),
        calls=scenarios.STOP,
        person=(
            'check_studio later: Whether "Friday Night Show" is on air is not known: TRaX tells of a stream that it does not call live; switched on: YouTube and Twitch.',
        ),
        model=(
            "check_studio later: studios.0.live=null, studios.0.unknown=[], no studios.0.ready",
        ),
        sent=("POST go-offline",),
    ),
    Row(
        name="offline_text_ok",
        trax="Answers a stop with the text OK, and stops.",
        play=answered(STOP, 200, "OK", kind="text/plain", done=True),
        calls=scenarios.STOP,
        person=(
            'go_offline: "Friday Night Show" is off air. The answer isn\'t a JSON object. Then the studio was seen off air.',
        ),
        model=("go_offline: message=Do not call again., no ok",),
        sent=("POST go-offline",),
    ),
    Row(
        name="offline_live_again",
        trax="Stops, and a supervisor starts the stream again six seconds later.",
        play=live_again(6),
        calls=scenarios.STOP,
        person=(
            'check_studio later: "Friday Night Show" has been on air for less than a minute (since 18:01 UTC); switched on: YouTube and Twitch.',
        ),
        model=(
            "check_studio later: studios.0.live=true, studios.0.since=2026-06-05T18:01:06.000Z, studios.0.unknown=[], no studios.0.ready",
        ),
        sent=("POST go-offline",),
        lies=True,
    ),
)
