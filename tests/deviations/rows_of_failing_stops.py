"""Stops that are refused, lost or late."""

from __future__ import annotations

from typing import Final

from tests.deviations import scenarios
from tests.deviations.plays import STOP, dropped, page, refused, slow
from tests.deviations.row import Row

ROWS: Final = (
    Row(
        name="offline_502_once",
        trax="Answers the first stop with 502 and a page, and does nothing.",
        play=page(STOP, 502, times=1),
        calls=scenarios.STOP,
        sent=("POST go-offline", "POST go-offline"),
        passes=True,
        stops_again=True,
    ),
    Row(
        name="offline_500_json_once",
        trax="Answers the first stop with 500 in JSON, and does nothing.",
        play=refused(STOP, 500, "internal", times=1),
        calls=scenarios.STOP,
        sent=("POST go-offline", "POST go-offline"),
        passes=True,
        stops_again=True,
    ),
    Row(
        name="offline_dropped_before",
        trax="Closes the connection of the first stop, and does nothing.",
        play=dropped(STOP),
        calls=scenarios.STOP,
        sent=("POST go-offline", "POST go-offline"),
        passes=True,
        stops_again=True,
    ),
    Row(
        name="offline_dropped_after",
        trax="Stops, and closes the connection.",
        play=dropped(STOP, done=True),
        calls=scenarios.STOP,
        person=(
            'go_offline: "Friday Night Show" is off air. The connection to TRaX broke before it answered. Then the show was seen off air.',
        ),
        model=("go_offline: message=Don't call again., no ok",),
        sent=("POST go-offline",),
        passes=True,
    ),
    Row(
        name="offline_524_after",
        trax="Stops, and a proxy answers 524 with a page.",
        play=page(STOP, 524, times=1, done=True),
        calls=scenarios.STOP,
        person=(
            'go_offline: "Friday Night Show" is off air. A page (text/html), not TRaX\'s API, answered 524. Then the show was seen off air.',
        ),
        model=("go_offline: message=Don't call again., no ok",),
        sent=("POST go-offline",),
        passes=True,
    ),
    Row(
        name="offline_429_once",
        trax="Refuses the first stop with 429 and Retry-After: 1.",
        play=refused(STOP, 429, "rate_limited", times=1, Retry_After="1"),
        calls=scenarios.STOP,
        sent=("POST go-offline", "POST go-offline"),
        passes=True,
        stops_again=True,
    ),
    Row(
        name="offline_429_html",
        trax="Refuses the first stop with 429, a page, and no Retry-After.",
        play=page(STOP, 429, times=1),
        calls=scenarios.STOP,
        sent=("POST go-offline", "POST go-offline"),
        passes=True,
        stops_again=True,
    ),
    Row(
        name="offline_429_long",
        trax="Refuses each stop with 429 and Retry-After: 120.",
        play=refused(STOP, 429, "rate_limited", Retry_After="120"),
        calls=scenarios.STOP,
        person=(
            'go_offline: STILL ON AIR (seen 18:01:00 UTC). TRaX is rate limiting this API key (TRaX says: "TRaX says why."). Nothing changed. End it on TRaX\'s own site or on the platforms.',
            'check_studio later: "Friday Night Show" has been on air for 1 minute (since 18:00 UTC), with YouTube and Twitch on.',
        ),
        model=(
            'go_offline: rate_limited, not_applied, on_air, call again: STILL ON AIR (seen 18:01:00 UTC). TRaX is rate limiting this API key (TRaX says: "TRaX says why."). Nothing changed. End it on TRaX\'s own site or on the platforms. Call again in 120 s.',
            "check_studio later: studios.0.live=true, studios.0.since=2026-06-05T18:00:03.000Z, studios.0.unknown=[], no studios.0.ready",
        ),
        sent=("POST go-offline",),
        passes=True,
        stops_again=True,
    ),
    Row(
        name="offline_403_challenge",
        trax="A firewall answers each stop with 403 and a page.",
        play=page(STOP, 403),
        calls=scenarios.STOP,
        person=(
            "go_offline: STILL ON AIR (seen 18:01:00 UTC). A page (text/html), not TRaX's API, answered 403. Nothing changed. End it on TRaX's own site or on the platforms.",
            'check_studio later: "Friday Night Show" has been on air for 1 minute (since 18:00 UTC), with YouTube and Twitch on.',
        ),
        model=(
            "go_offline: bad_answer, not_applied, on_air: STILL ON AIR (seen 18:01:00 UTC). A page (text/html), not TRaX's API, answered 403. Nothing changed. End it on TRaX's own site or on the platforms. Check the network and TRAX_BASE_URL.",
            "check_studio later: studios.0.live=true, studios.0.since=2026-06-05T18:00:03.000Z, studios.0.unknown=[], no studios.0.ready",
        ),
        sent=("POST go-offline",),
    ),
    Row(
        name="offline_503_maintenance",
        trax="Answers each stop with 503 in JSON.",
        play=refused(STOP, 503, "maintenance", "Back at nine."),
        calls=scenarios.STOP,
        person=(
            'go_offline: STILL ON AIR (seen 18:01:15 UTC). TRaX has a problem (HTTP 503, code "maintenance") (TRaX says: "Back at nine."), and the show goes on. End it on TRaX\'s own site or on the platforms.',
            'check_studio later: "Friday Night Show" has been on air for 1 minute (since 18:00 UTC), with YouTube and Twitch on.',
        ),
        model=(
            'go_offline: maintenance, unknown, on_air: STILL ON AIR (seen 18:01:15 UTC). TRaX has a problem (HTTP 503, code "maintenance") (TRaX says: "Back at nine."), and the show goes on. End it on TRaX\'s own site or on the platforms. If the user still wants it off air, call go_offline again.',
            "check_studio later: studios.0.live=true, studios.0.since=2026-06-05T18:00:03.000Z, studios.0.unknown=[], no studios.0.ready",
        ),
        sent=("POST go-offline", "POST go-offline"),
        passes=True,
        stops_again=True,
    ),
    Row(
        name="offline_write_disabled",
        trax="Has changes switched off when the stop comes.",
        play=refused(STOP, 503, "write_disabled", "Writes are off."),
        calls=scenarios.STOP,
        person=(
            'go_offline: STILL ON AIR (seen 18:01:00 UTC). Changes are turned off on this TRaX deployment (TRaX says: "Writes are off."). Nothing changed. End it on TRaX\'s own site or on the platforms.',
            'check_studio later: "Friday Night Show" has been on air for 1 minute (since 18:00 UTC), with YouTube and Twitch on.',
        ),
        model=(
            "go_offline: write_disabled, not_applied, on_air: STILL ON AIR (seen 18:01:00 UTC). Changes are turned off on this TRaX deployment (TRaX says: \"Writes are off.\"). Nothing changed. End it on TRaX's own site or on the platforms. Retrying won't help. `writeEnabled` in get_health shows when that changes.",
            "check_studio later: studios.0.live=true, studios.0.since=2026-06-05T18:00:03.000Z, studios.0.unknown=[], no studios.0.ready",
        ),
        sent=("POST go-offline",),
    ),
    Row(
        name="offline_409_when_off",
        trax="Refuses a stop off air with 409.",
        play=refused(STOP, 409, "not_live", "The studio is not live."),
        calls=scenarios.STOP_OFF_AIR,
        person=('go_offline: "Friday Night Show" is off air already.',),
        model=("go_offline: no ok",),
        sent=("POST go-offline",),
    ),
    Row(
        name="slow_14s_offline",
        trax="Takes 14 seconds to answer a stop.",
        play=slow(STOP, 14),
        calls=scenarios.STOP,
        sent=("POST go-offline",),
        passes=True,
    ),
    Row(
        name="offline_404_off_air",
        trax="Refuses a stop off air with 404 and a word of its own.",
        play=refused(STOP, 404, "no_stream", "There is no stream."),
        calls=scenarios.STOP_OFF_AIR,
        person=(
            'go_offline: It\'s off air (seen 18:00:00 UTC). TRaX refused the call (HTTP 404, code "no_stream") (TRaX says: "There is no stream."). Nothing changed.',
        ),
        model=(
            'go_offline: no_stream, not_applied, off_air: It\'s off air (seen 18:00:00 UTC). TRaX refused the call (HTTP 404, code "no_stream") (TRaX says: "There is no stream."). Nothing changed. Check the id with the matching list tool.',
        ),
        sent=("POST go-offline",),
    ),
    Row(
        name="offline_423",
        trax="Refuses each stop with 423.",
        play=refused(STOP, 423, "studio_locked", "Robin holds the studio."),
        calls=scenarios.STOP,
        person=(
            'go_offline: STILL ON AIR (seen 18:01:00 UTC). TRaX refused the call (HTTP 423, code "studio_locked") (TRaX says: "Robin holds the studio."). Nothing changed. End it on TRaX\'s own site or on the platforms.',
            'check_studio later: "Friday Night Show" has been on air for 1 minute (since 18:00 UTC), with YouTube and Twitch on.',
        ),
        model=(
            'go_offline: studio_locked, not_applied, on_air: STILL ON AIR (seen 18:01:00 UTC). TRaX refused the call (HTTP 423, code "studio_locked") (TRaX says: "Robin holds the studio."). Nothing changed. End it on TRaX\'s own site or on the platforms. Run `trax-mcp doctor`.',
            "check_studio later: studios.0.live=true, studios.0.since=2026-06-05T18:00:03.000Z, studios.0.unknown=[], no studios.0.ready",
        ),
        sent=("POST go-offline",),
    ),
    Row(
        name="offline_429_date",
        trax="Refuses the first stop with 429 and a date as Retry-After.",
        play=refused(
            STOP, 429, "rate_limited", times=1, Retry_After="Fri, 05 Jun 2026 18:01:03 GMT"
        ),
        calls=scenarios.STOP,
        sent=("POST go-offline", "POST go-offline"),
        passes=True,
        stops_again=True,
    ),
    Row(
        name="offline_429_negative",
        trax="Refuses the first stop with 429 and Retry-After: -5.",
        play=refused(STOP, 429, "rate_limited", times=1, Retry_After="-5"),
        calls=scenarios.STOP,
        sent=("POST go-offline", "POST go-offline"),
        passes=True,
        stops_again=True,
    ),
)
