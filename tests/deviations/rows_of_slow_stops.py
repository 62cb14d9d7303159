"""Stops beside a start, and a status that shows late what is true."""

from __future__ import annotations

from typing import Final

from tests.deviations import scenarios
from tests.deviations.plays import (
    START,
    STATUS,
    answered,
    both,
    by_name,
    delayed_start,
    edited,
    page,
)
from tests.deviations.plays_of_streams import (
    after_stop,
    last_stream,
    live_again,
    slow_stop,
    stale_status,
    stop_loses,
    zero_date,
)
from tests.deviations.row import Row
from tests.support.product.exchanges import Response

ROWS: Final = (
    Row(
        name="offline_409_starting",
        trax="Refuses a stop while the stream is starting, which takes six seconds.",
        play=both(delayed_start(6), by_name("stop-refused-early")),
        calls=scenarios.STOP_WHILE_STARTING,
        person=(
            'go_live: "Friday Night Show" went live at 18:00:11 UTC, on YouTube ("Main channel") and Twitch ("Late crowd"). TRaX can\'t confirm that a picture arrives.',
            'go_offline: "Friday Night Show" is off air.',
            'check_studio: "Friday Night Show" is off air and ready to go live on YouTube and Twitch.',
            'check_studio later: "Friday Night Show" is off air and ready to go live on YouTube and Twitch.',
        ),
        model=(
            "go_live: observed.state=on_air, observed.since=2026-06-05T18:00:11.000Z, no message",
            "go_offline: observed.state=off_air, no message",
            'check_studio: studios.0.ready=true, studios.0.unknown=["whether this API key may go live (TRaX only shows that when you try)"]',
            'check_studio later: studios.0.ready=true, studios.0.unknown=["whether this API key may go live (TRaX only shows that when you try)"]',
        ),
        sent=(
            "POST go-live",
            "POST go-offline",
            "POST go-offline",
            "POST go-offline",
            "POST go-offline",
        ),
        stops_again=True,
    ),
    Row(
        name="offline_409_starting_long",
        trax="Refuses a stop while the stream is starting, which takes twelve seconds.",
        play=both(by_name("slow-start"), by_name("stop-refused-early")),
        calls=scenarios.STOP_WHILE_STARTING,
        person=(
            'go_live: "Friday Night Show" went live at 18:00:17 UTC, on YouTube ("Main channel") and Twitch ("Late crowd"). TRaX can\'t confirm that a picture arrives.',
            'go_offline: "Friday Night Show" is off air.',
            'check_studio: "Friday Night Show" is off air and ready to go live on YouTube and Twitch.',
            'check_studio later: "Friday Night Show" is off air and ready to go live on YouTube and Twitch.',
        ),
        model=(
            "go_live: observed.state=on_air, observed.since=2026-06-05T18:00:17.000Z, no message",
            "go_offline: observed.state=off_air, no message",
            'check_studio: studios.0.ready=true, studios.0.unknown=["whether this API key may go live (TRaX only shows that when you try)"]',
            'check_studio later: studios.0.ready=true, studios.0.unknown=["whether this API key may go live (TRaX only shows that when you try)"]',
        ),
        sent=(
            "POST go-live",
            "POST go-offline",
            "POST go-offline",
            "POST go-offline",
            "POST go-offline",
            "POST go-offline",
            "POST go-offline",
            "POST go-offline",
        ),
        stops_again=True,
    ),
    Row(
        name="offline_accepted_but_start_wins",
        trax="Accepts a stop during a start of twelve seconds, and goes on air all the same.",
        play=stop_loses(start_seconds=12),
        calls=scenarios.STOP_WHILE_STARTING,
        person=(
            'check_studio later: "Friday Night Show" has been on air for less than a minute (since 18:00 UTC), with YouTube and Twitch on.',
        ),
        model=(
            "check_studio later: studios.0.live=true, studios.0.since=2026-06-05T18:00:17.000Z",
        ),
        sent=("POST go-live", "POST go-offline", "POST go-offline"),
        stops_again=True,
    ),
    Row(
        name="golive_never_then_stop",
        trax="Accepts a go-live that never shows, and a stop.",
        play=answered(
            START, 200, {"encoderStreamId": "e1", "destinationIds": ["dest_1", "dest_2"]}
        ),
        calls=scenarios.STOP_WHILE_STARTING,
        model=("go_live: encoderStreamId=e1",),
        sent=("POST go-live", "POST go-offline"),
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
        name="offline_15s",
        trax="Shows live for 15 seconds after a stop.",
        play=slow_stop(15),
        calls=scenarios.STOP,
        sent=("POST go-offline",),
    ),
    Row(
        name="offline_30s",
        trax="Shows live for 30 seconds after a stop.",
        play=slow_stop(30),
        calls=scenarios.STOP,
        person=(
            "go_offline: STILL ON AIR (seen 18:01:15 UTC). TRaX accepted the request to go offline, but the show goes on. End it on TRaX's own site or on the platforms.",
        ),
        model=(
            "go_offline: still_on_air, unknown, on_air: STILL ON AIR (seen 18:01:15 UTC). TRaX accepted the request to go offline, but the show goes on. End it on TRaX's own site or on the platforms. If the user still wants it off air, call go_offline again.",
        ),
        sent=("POST go-offline",),
    ),
    Row(
        name="status_reads_html_502_after_stop",
        trax="Stops, and answers each read of the status with 502 from then on.",
        play=after_stop(page(STATUS, 502)),
        calls=scenarios.STOP,
        person=(
            "go_offline: \"Friday Night Show\" may still be on air: TRaX accepted the request to go offline, but the status couldn't be read. If it's on air, end it on TRaX's own site or on the platforms.",
            'check_studio later: It\'s unclear whether "Friday Night Show" is on air, with YouTube and Twitch on. Not everything could be read.',
        ),
        model=(
            "go_offline: message=Check get_stream_status and the platforms. Sending go_offline again is safe., observed.state=unknown",
            'check_studio later: studios.0.live=null, studios.0.unknown=["whether the studio is live (A page (text/html), not TRaX\'s API, answered 502)"], no studios.0.ready',
        ),
        sent=("POST go-offline",),
        passes=True,
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
            "check_studio later: It's unclear whether \"Friday Night Show\" is on air: TRaX lists a stream, but doesn't call it live, with YouTube and Twitch on.",
        ),
        model=(
            "check_studio later: studios.0.live=null, studios.0.unknown=[], no studios.0.ready",
        ),
        sent=("POST go-offline",),
    ),
    Row(
        name="offline_live_again",
        trax="Stops, and a supervisor starts the stream again six seconds later.",
        play=live_again(6),
        calls=scenarios.STOP,
        person=(
            'check_studio later: "Friday Night Show" has been on air for less than a minute (since 18:01 UTC), with YouTube and Twitch on.',
        ),
        model=(
            "check_studio later: studios.0.live=true, studios.0.since=2026-06-05T18:01:06.000Z, studios.0.unknown=[], no studios.0.ready",
        ),
        sent=("POST go-offline",),
        lies=True,
    ),
    Row(
        name="offline_stale_status",
        trax="Reads the status from a copy that is up to 20 seconds old.",
        play=stale_status(20),
        calls=scenarios.STOP,
        person=(
            "go_offline: STILL ON AIR (seen 18:01:15 UTC). TRaX accepted the request to go offline, but the show goes on. End it on TRaX's own site or on the platforms.",
        ),
        model=(
            "go_offline: still_on_air, unknown, on_air: STILL ON AIR (seen 18:01:15 UTC). TRaX accepted the request to go offline, but the show goes on. End it on TRaX's own site or on the platforms. If the user still wants it off air, call go_offline again.",
        ),
        sent=("POST go-offline",),
        lies=True,
    ),
)
