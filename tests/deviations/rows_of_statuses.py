"""Other words for whether a show is on air."""

from __future__ import annotations

from typing import Final

from tests.deviations import scenarios
from tests.deviations.plays import STATUS, answered, edited
from tests.deviations.plays_of_streams import (
    in_a_year,
    null_live,
    numbered_live,
    spelt_live,
    stale_status,
    three_minutes_behind,
    worded_live,
)
from tests.deviations.row import Row

ROWS: Final = (
    Row(
        name="clock_skew_minus3",
        trax="Has a clock that is three minutes behind.",
        play=edited(STATUS, three_minutes_behind),
        calls=scenarios.GO_LIVE,
        person=(
            'go_live: "Friday Night Show" went live at 17:57:08 UTC, on YouTube ("Main channel") and Twitch ("Late crowd"). TRaX can\'t confirm that a picture arrives.',
        ),
        model=("go_live: observed.since=2026-06-05T17:57:08.000Z",),
        sent=("POST go-live",),
    ),
    Row(
        name="stale_5s",
        trax="Reads the status from a copy that is up to five seconds old.",
        play=stale_status(5),
        calls=scenarios.WHOLE_SHOW,
        sent=("POST go-live", "POST go-offline"),
        lies=True,
    ),
    Row(
        name="status_live_text",
        trax='Says live: "true".',
        play=edited(STATUS, spelt_live),
        calls=scenarios.GO_LIVE,
        sent=("POST go-live",),
    ),
    Row(
        name="status_live_number",
        trax="Says live: 1 and 0.",
        play=edited(STATUS, numbered_live),
        calls=scenarios.WHOLE_SHOW,
        person=(
            'check_studio: It\'s unclear whether "Friday Night Show" is on air, with YouTube and Twitch on. Not everything could be read.',
            'go_live asks: Anyone can watch. / Streams to: "Late crowd" (Twitch), "Main channel" (YouTube) / Stays off: "Kick (trying out)" (Kick) / May be on screen: "Host camera", "Intro clip" / whether the studio is live (TRaX didn\'t say) / [Go live on YouTube and Twitch]',
            'go_live: TRaX accepted the start, on YouTube ("Main channel") and Twitch ("Late crowd"), but trax-mcp couldn\'t tell whether "Friday Night Show" is on air.',
            "go_offline asks: The show ends for all viewers. / whether the studio is live (TRaX didn't say) / [Go offline]",
            "go_offline: \"Friday Night Show\" may still be on air: TRaX accepted the request to go offline, but the status couldn't be read. If it's on air, end it on TRaX's own site or on the platforms.",
            'check_studio later: It\'s unclear whether "Friday Night Show" is on air, with YouTube and Twitch on. Not everything could be read.',
        ),
        model=(
            "find_studio: matches.0.live=null, matches.1.live=null, matches.2.live=null, matches.3.live=null, and 1 more",
            'check_studio: studios.0.live=null, studios.0.unknown=["whether the studio is live (TRaX didn\'t say)"], no studios.0.ready',
            "go_live: message=Check with check_studio in a minute. If it's off air then, ask the user again., observed.state=unknown, no observed.since",
            "go_offline: message=Check get_stream_status and the platforms. Sending go_offline again is safe., observed.state=unknown",
            'check_studio later: studios.0.live=null, studios.0.unknown=["whether the studio is live (TRaX didn\'t say)"], no studios.0.ready',
        ),
        sent=("POST go-live", "POST go-offline"),
    ),
    Row(
        name="status_live_word",
        trax='Says live: "LIVE" and "IDLE".',
        play=edited(STATUS, worded_live),
        calls=scenarios.WHOLE_SHOW,
        person=(
            'check_studio: It\'s unclear whether "Friday Night Show" is on air, with YouTube and Twitch on. Not everything could be read.',
            'go_live asks: Anyone can watch. / Streams to: "Late crowd" (Twitch), "Main channel" (YouTube) / Stays off: "Kick (trying out)" (Kick) / May be on screen: "Host camera", "Intro clip" / whether the studio is live (TRaX didn\'t say) / [Go live on YouTube and Twitch]',
            'go_live: TRaX accepted the start, on YouTube ("Main channel") and Twitch ("Late crowd"), but trax-mcp couldn\'t tell whether "Friday Night Show" is on air.',
            "go_offline asks: The show ends for all viewers. / whether the studio is live (TRaX didn't say) / [Go offline]",
            "go_offline: \"Friday Night Show\" may still be on air: TRaX accepted the request to go offline, but the status couldn't be read. If it's on air, end it on TRaX's own site or on the platforms.",
            'check_studio later: It\'s unclear whether "Friday Night Show" is on air, with YouTube and Twitch on. Not everything could be read.',
        ),
        model=(
            "find_studio: matches.0.live=null, matches.1.live=null, matches.2.live=null, matches.3.live=null, and 1 more",
            'check_studio: studios.0.live=null, studios.0.unknown=["whether the studio is live (TRaX didn\'t say)"], no studios.0.ready',
            "go_live: message=Check with check_studio in a minute. If it's off air then, ask the user again., observed.state=unknown, no observed.since",
            "go_offline: message=Check get_stream_status and the platforms. Sending go_offline again is safe., observed.state=unknown",
            'check_studio later: studios.0.live=null, studios.0.unknown=["whether the studio is live (TRaX didn\'t say)"], no studios.0.ready',
        ),
        sent=("POST go-live", "POST go-offline"),
    ),
    Row(
        name="status_live_null",
        trax="Says live: null off air.",
        play=edited(STATUS, null_live),
        calls=scenarios.WHOLE_SHOW,
        person=(
            'check_studio: It\'s unclear whether "Friday Night Show" is on air, with YouTube and Twitch on. Not everything could be read.',
            'go_live asks: Anyone can watch. / Streams to: "Late crowd" (Twitch), "Main channel" (YouTube) / Stays off: "Kick (trying out)" (Kick) / May be on screen: "Host camera", "Intro clip" / whether the studio is live (TRaX didn\'t say) / [Go live on YouTube and Twitch]',
            "go_offline: \"Friday Night Show\" may still be on air: TRaX accepted the request to go offline, but the status couldn't be read. If it's on air, end it on TRaX's own site or on the platforms.",
            'check_studio later: It\'s unclear whether "Friday Night Show" is on air, with YouTube and Twitch on. Not everything could be read.',
        ),
        model=(
            "find_studio: matches.0.live=null, matches.1.live=null, matches.2.live=null, matches.3.live=null, and 1 more",
            'check_studio: studios.0.live=null, studios.0.unknown=["whether the studio is live (TRaX didn\'t say)"], no studios.0.ready',
            "go_offline: message=Check get_stream_status and the platforms. Sending go_offline again is safe., observed.state=unknown",
            'check_studio later: studios.0.live=null, studios.0.unknown=["whether the studio is live (TRaX didn\'t say)"], no studios.0.ready',
        ),
        sent=("POST go-live", "POST go-offline"),
    ),
    Row(
        name="status_list",
        trax="Answers with a list of one status.",
        play=edited(STATUS, lambda it: [it]),
        calls=scenarios.GO_LIVE,
        person=("go_live asks: The answer isn't a JSON object. The change wasn't sent.",),
        model=(
            "go_live asks: bad_answer, not_applied: The answer to get_stream_status isn't a JSON object. The change wasn't sent. Run `trax-mcp doctor`.",
        ),
    ),
    Row(
        name="status_null",
        trax="Answers with null for the status.",
        play=answered(STATUS, 200, "null"),
        calls=scenarios.GO_LIVE,
        person=("go_live asks: The answer isn't a JSON object. The change wasn't sent.",),
        model=(
            "go_live asks: bad_answer, not_applied: The answer to get_stream_status isn't a JSON object. The change wasn't sent. Run `trax-mcp doctor`.",
        ),
    ),
    Row(
        name="status_future",
        trax="Says that the show went live in a year.",
        play=edited(STATUS, in_a_year),
        calls=scenarios.WHOLE_SHOW,
        person=(
            'go_live: "Friday Night Show" went live at 2027-06-05 18:00:08 UTC, on YouTube ("Main channel") and Twitch ("Late crowd"). TRaX can\'t confirm that a picture arrives.',
            'go_offline asks: The show ends for all viewers. / It has been on air since 2027-06-05 18:00:08 UTC. / Streams to: "Late crowd" (Twitch), "Main channel" (YouTube) / [Go offline]',
        ),
        model=("go_live: observed.since=2027-06-05T18:00:08.000Z",),
        sent=("POST go-live", "POST go-offline"),
    ),
)
