"""Deviations around a stop."""

from __future__ import annotations

from typing import Final

from tests.deviations import scenarios
from tests.deviations.plays import STOP, answered, by_name
from tests.deviations.plays_of_bytes import moved
from tests.deviations.row import Row

ROWS: Final = (
    Row(
        name="offline_okfalse",
        trax="Answers a stop with ok: false, and the show stays on air.",
        play=answered(STOP, 200, {"ok": False}),
        calls=scenarios.STOP,
        person=(
            "go_offline: STILL ON AIR (seen 18:01:15 UTC). TRaX answered that it didn't work, and the show goes on. End it on TRaX's own site or on the platforms.",
            'check_studio later: "Friday Night Show" has been on air for 1 minute (since 18:00 UTC), with YouTube and Twitch on.',
        ),
        model=(
            "go_offline: bad_answer, unknown, on_air: STILL ON AIR (seen 18:01:15 UTC). TRaX answered that it didn't work, and the show goes on. End it on TRaX's own site or on the platforms. If the user still wants it off air, call go_offline again.",
            "check_studio later: studios.0.live=true, studios.0.since=2026-06-05T18:00:03.000Z, studios.0.unknown=[], no studios.0.ready",
        ),
        sent=("POST go-offline",),
    ),
    Row(
        name="html_200_offline",
        trax="Answers a stop with a web page and 200, and the show stays on air.",
        play=by_name("stop-page"),
        calls=scenarios.STOP,
        person=(
            "go_offline: STILL ON AIR (seen 18:01:15 UTC). A page (text/html), not TRaX's API, answered the call with HTTP 200, and the show goes on. End it on TRaX's own site or on the platforms.",
            'check_studio later: "Friday Night Show" has been on air for 1 minute (since 18:00 UTC), with YouTube and Twitch on.',
        ),
        model=(
            "go_offline: bad_answer, unknown, on_air: STILL ON AIR (seen 18:01:15 UTC). A page (text/html), not TRaX's API, answered go_offline with HTTP 200, and the show goes on. End it on TRaX's own site or on the platforms. If the user still wants it off air, call go_offline again.",
            "check_studio later: studios.0.live=true, studios.0.since=2026-06-05T18:00:03.000Z, studios.0.unknown=[], no studios.0.ready",
        ),
        sent=("POST go-offline", "POST go-offline"),
        stops_again=True,
    ),
    Row(
        name="offline_ok_but_stays",
        trax="Answers a stop with ok, and the show stays on air.",
        play=by_name("stop-ignored"),
        calls=scenarios.STOP,
        person=(
            "go_offline: STILL ON AIR (seen 18:01:15 UTC). TRaX accepted the request to go offline, but the show goes on. End it on TRaX's own site or on the platforms.",
            'check_studio later: "Friday Night Show" has been on air for 1 minute (since 18:00 UTC), with YouTube and Twitch on.',
        ),
        model=(
            "go_offline: still_on_air, unknown, on_air: STILL ON AIR (seen 18:01:15 UTC). TRaX accepted the request to go offline, but the show goes on. End it on TRaX's own site or on the platforms. If the user still wants it off air, call go_offline again.",
            "check_studio later: studios.0.live=true, studios.0.since=2026-06-05T18:00:03.000Z, studios.0.unknown=[], no studios.0.ready",
        ),
        sent=("POST go-offline",),
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
        name="offline_empty_object",
        trax="Stops, and answers {}.",
        play=answered(STOP, 200, {}, done=True),
        calls=scenarios.STOP,
        model=("go_offline: no ok",),
        sent=("POST go-offline",),
    ),
    Row(
        name="offline_303_to_login",
        trax="Answers a stop with 303 to a login page.",
        play=moved(STOP, 303, "https://login.example/?next=stop"),
        calls=scenarios.STOP,
        person=(
            "go_offline: STILL ON AIR (seen 18:01:15 UTC). TRaX's address redirects to \"login.example\" (HTTP 303), which isn't followed, and the show goes on. End it on TRaX's own site or on the platforms.",
            'check_studio later: "Friday Night Show" has been on air for 1 minute (since 18:00 UTC), with YouTube and Twitch on.',
        ),
        model=(
            "go_offline: bad_answer, unknown, on_air: STILL ON AIR (seen 18:01:15 UTC). TRaX's address redirects to \"login.example\" (HTTP 303), which isn't followed, and the show goes on. End it on TRaX's own site or on the platforms. If the user still wants it off air, call go_offline again.",
            "check_studio later: studios.0.live=true, studios.0.since=2026-06-05T18:00:03.000Z, studios.0.unknown=[], no studios.0.ready",
        ),
        sent=("POST go-offline",),
    ),
    Row(
        name="offline_null",
        trax="Answers a stop with null, and the show stays on air.",
        play=answered(STOP, 200, "null"),
        calls=scenarios.STOP,
        person=(
            "go_offline: STILL ON AIR (seen 18:01:15 UTC). The answer isn't a JSON object, and the show goes on. End it on TRaX's own site or on the platforms.",
            'check_studio later: "Friday Night Show" has been on air for 1 minute (since 18:00 UTC), with YouTube and Twitch on.',
        ),
        model=(
            "go_offline: bad_answer, unknown, on_air: STILL ON AIR (seen 18:01:15 UTC). The answer to go_offline isn't a JSON object, and the show goes on. End it on TRaX's own site or on the platforms. If the user still wants it off air, call go_offline again.",
            "check_studio later: studios.0.live=true, studios.0.since=2026-06-05T18:00:03.000Z, studios.0.unknown=[], no studios.0.ready",
        ),
        sent=("POST go-offline", "POST go-offline"),
        stops_again=True,
    ),
    Row(
        name="offline_text_ok",
        trax="Answers a stop with the text OK, and stops.",
        play=answered(STOP, 200, "OK", kind="text/plain", done=True),
        calls=scenarios.STOP,
        person=(
            'go_offline: "Friday Night Show" is off air. The answer isn\'t a JSON object. Then the show was seen off air.',
        ),
        model=("go_offline: message=Don't call again., no ok",),
        sent=("POST go-offline",),
    ),
    Row(
        name="offline_okfalse_as_text",
        trax='Answers a stop with ok: "false", and the show stays on air.',
        play=answered(STOP, 200, {"ok": "false"}),
        calls=scenarios.STOP,
        person=(
            "go_offline: STILL ON AIR (seen 18:01:15 UTC). TRaX answered that it didn't work, and the show goes on. End it on TRaX's own site or on the platforms.",
            'check_studio later: "Friday Night Show" has been on air for 1 minute (since 18:00 UTC), with YouTube and Twitch on.',
        ),
        model=(
            "go_offline: bad_answer, unknown, on_air: STILL ON AIR (seen 18:01:15 UTC). TRaX answered that it didn't work, and the show goes on. End it on TRaX's own site or on the platforms. If the user still wants it off air, call go_offline again.",
            "check_studio later: studios.0.live=true, studios.0.since=2026-06-05T18:00:03.000Z, studios.0.unknown=[], no studios.0.ready",
        ),
        sent=("POST go-offline",),
    ),
    Row(
        name="offline_error_in_200",
        trax="Answers a stop with 200 and an error in the body, and the show stays on air.",
        play=answered(STOP, 200, {"error": {"code": "busy", "message": "Not now."}}),
        calls=scenarios.STOP,
        person=(
            "go_offline: STILL ON AIR (seen 18:01:15 UTC). TRaX answered that it didn't work (TRaX says: \"Not now.\"), and the show goes on. End it on TRaX's own site or on the platforms.",
            'check_studio later: "Friday Night Show" has been on air for 1 minute (since 18:00 UTC), with YouTube and Twitch on.',
        ),
        model=(
            "go_offline: bad_answer, unknown, on_air: STILL ON AIR (seen 18:01:15 UTC). TRaX answered that it didn't work (TRaX says: \"Not now.\"), and the show goes on. End it on TRaX's own site or on the platforms. If the user still wants it off air, call go_offline again.",
            "check_studio later: studios.0.live=true, studios.0.since=2026-06-05T18:00:03.000Z, studios.0.unknown=[], no studios.0.ready",
        ),
        sent=("POST go-offline",),
    ),
)
