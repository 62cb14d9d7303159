"""Fields of other types, and fields that are missing."""

from __future__ import annotations

from typing import Final

from tests.deviations import scenarios
from tests.deviations.plays import (
    DESTINATIONS,
    READS,
    STUDIO,
    STUDIOS,
    all_items,
    body,
    both,
    fields,
    one_item,
)
from tests.deviations.plays_of_lists import with_more_fields
from tests.deviations.row import Row

ROWS: Final = (
    Row(
        name="extra_fields",
        trax="Gives fields that nobody knows.",
        play=body(READS, with_more_fields),
        calls=scenarios.WHOLE_SHOW,
        sent=(
            "POST go-live",
            "POST go-offline",
        ),
    ),
    Row(
        name="role_VIEW",
        trax="Says that the key's role is VIEW.",
        play=both(all_items(STUDIOS, role="VIEW"), fields(STUDIO, role="VIEW")),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        model=("find_studio: matches.0.role=VIEW, matches.1.role=VIEW",),
        sent=("POST go-live",),
    ),
    Row(
        name="platform_instagram",
        trax="Has a destination on a platform that nobody knows.",
        play=one_item(DESTINATIONS, platform="instagram"),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'check_studio: "Friday Night Show" is off air and could go live; switched on: "instagram" and Twitch.',
            'go_live asks: Anyone can watch. / Streams to: "Late crowd" (Twitch), "Main channel" ("instagram") / Stays off: "Kick (trying out)" (Kick) / May be on screen: "Host camera", "Intro clip" / [Go live on Twitch and 1 more]',
            'go_live: "Friday Night Show" went live at 18:00:08 UTC, on "instagram" ("Main channel") and Twitch ("Late crowd"). TRaX can\'t confirm that a picture arrives.',
        ),
        model=(
            'find_studio: matches.0.destinations=["instagram", "twitch"], matches.1.destinations=["instagram"], details.destinations.0.platform=instagram',
            "check_studio: studios.0.destinations.0.platform=instagram",
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="name_long",
        trax="Gives one destination a name of 5,000 letters.",
        play=one_item(DESTINATIONS, name="a" * 5000),
        calls=scenarios.GO_LIVE,
        person=(
            'go_live asks: Anyone can watch. / Streams to: "Late crowd" (Twitch), "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…" (YouTube) / Stays off: "Kick (trying out)" (Kick) / May be on screen: "Host camera", "Intro clip" / [Go live on YouTube and Twitch]',
            'go_live: "Friday Night Show" went live at 18:00:08 UTC, on YouTube ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…") and Twitch ("Late crowd"). TRaX can\'t confirm that a picture arrives.',
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="emoji_rtl",
        trax="Has emoji and marks of direction in names.",
        play=one_item(DESTINATIONS, name="🎬 \u202eevil\u202c قناة"),
        calls=scenarios.GO_LIVE,
        person=(
            'go_live asks: Anyone can watch. / Streams to: "Late crowd" (Twitch), "🎬 \\u202eevil\\u202c قناة" (YouTube) / Stays off: "Kick (trying out)" (Kick) / May be on screen: "Host camera", "Intro clip" / [Go live on YouTube and Twitch]',
            'go_live: "Friday Night Show" went live at 18:00:08 UTC, on YouTube ("🎬 \\u202eevil\\u202c قناة") and Twitch ("Late crowd"). TRaX can\'t confirm that a picture arrives.',
        ),
        sent=("POST go-live",),
    ),
)
