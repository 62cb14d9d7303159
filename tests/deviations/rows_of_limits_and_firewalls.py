"""Reads that a missing scope, a limit or something before TRaX refuses."""

from __future__ import annotations

from typing import Final

from tests.deviations import scenarios
from tests.deviations.plays import DESTINATIONS, READS, STATUS, by_name, page, refused
from tests.deviations.row import Row

ROWS: Final = (
    Row(
        name="scope_of_status",
        trax="Answers 403 where the key may not read the status.",
        play=refused(STATUS, 403, "insufficient_scope", "This key lacks stream:read."),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'find_studio: The likely one is "Friday Night Show". "Friday Night Show (rehearsal)" matches too. Whether it is on air is not known: the key lacks stream:read.',
            'check_studio: Whether "Friday Night Show" is on air is not known; switched on: YouTube and Twitch. Not everything could be read.',
            'go_live asks: Anyone can watch. / Streams to: "Late crowd" (Twitch), "Main channel" (YouTube) / Stays off: "Kick (trying out)" (Kick) / May be on screen: "Host camera", "Intro clip" / whether the studio is live (the key lacks stream:read) / [Go live on YouTube and Twitch]',
            'go_live: TRaX accepted the start, but it couldn\'t be seen whether "Friday Night Show" is on air, on YouTube ("Main channel") and Twitch ("Late crowd").',
        ),
        model=(
            'find_studio: matches.0.live=null, matches.1.live=null, details.unknown=["whether the studio is live (the key lacks stream:read)"]',
            'check_studio: studios.0.live=null, studios.0.unknown=["whether the studio is live (the key lacks stream:read)"], no studios.0.ready',
            "go_live: message=Look with check_studio in a minute; if it is off air then, ask the user again., observed.state=unknown, no observed.since",
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="scope_of_destinations",
        trax="Answers 403 where the key may not read the destinations.",
        play=refused(DESTINATIONS, 403, "insufficient_scope", "This key lacks destinations:read."),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'check_studio: "Friday Night Show" is off air. Whether it could go live is not known. Not everything could be read.',
            'go_live asks: Anyone can watch. / May be on screen: "Host camera", "Intro clip" / the destinations (the key lacks destinations:read) / [Go live]',
            'go_live: "Friday Night Show" went live at 18:00:08 UTC, on the destination "dest_1" and the destination "dest_2". TRaX can\'t confirm that a picture arrives.',
        ),
        model=(
            'find_studio: details.unknown=["the destinations (the key lacks destinations:read)", "whether this server\'s API key may go live (TRaX tells only when it is tried)"], no matches.0.destinations, no matches.1.destinations, no details.destinations.0.id, and 11 more',
            'check_studio: studios.0.unknown=["the destinations (the key lacks destinations:read)", "whether this server\'s API key may go live (TRaX tells only when it is tried)"], no studios.0.ready, no studios.0.destinations.0.id, no studios.0.destinations.0.name, and 10 more',
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="html_502_reads_once_each3",
        trax="Answers the first reads with 502 and a page.",
        play=page(READS, 502, times=2),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        model=("go_live: observed.since=2026-06-05T18:00:08.600Z",),
        sent=("POST go-live",),
    ),
    Row(
        name="rl_reads_1s_once",
        trax="Refuses the first read with 429 and Retry-After: 1.",
        play=refused(READS, 429, "rate_limited", times=1, Retry_After="1"),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'go_live: "Friday Night Show" went live at 18:00:09 UTC, on YouTube ("Main channel") and Twitch ("Late crowd"). TRaX can\'t confirm that a picture arrives.',
        ),
        model=("go_live: observed.since=2026-06-05T18:00:09.200Z",),
        sent=("POST go-live",),
    ),
    Row(
        name="rl_tight_bucket",
        trax="Refuses each third request with 429 and Retry-After: 1.",
        play=by_name("rate-limit"),
        calls=scenarios.WHOLE_SHOW,
        person=(
            'go_live: TRaX is rate limiting this API key (TRaX says: "Too many requests."); nothing was changed.',
            "go_offline asks: The show ends for all viewers. / It doesn't seem to be on air. A start that is under way is stopped, too. / the destinations (TRaX did not tell) / [Go offline]",
        ),
        model=(
            'go_live: rate_limited, not_applied, call again: TRaX is rate limiting this API key (TRaX says: "Too many requests."); nothing was changed. Call again in 1 s. The same `confirmation` stays good until it expires.',
        ),
        sent=(
            "POST go-live",
            "POST go-offline",
        ),
        passes=True,
        stops_again=True,
    ),
)
