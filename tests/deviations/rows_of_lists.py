"""Lists of other shapes, and their pages."""

from __future__ import annotations

from typing import Final

from tests.deviations import scenarios
from tests.deviations.plays_of_lists import destinations
from tests.deviations.row import Row

ROWS: Final = (
    Row(
        name="duplicate_ids",
        trax="Lists a destination twice.",
        play=destinations(lambda it: [*it, it[0]]),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'go_live asks: Anyone can watch. / Streams to: "Late crowd" (Twitch), "Main channel" (YouTube), "Main channel" (YouTube) / Stays off: "Kick (trying out)" (Kick) / May be on screen: "Host camera", "Intro clip" / [Go live on YouTube and Twitch]',
        ),
        model=(
            "find_studio: details.destinations.2.id=dest_1, details.destinations.2.name=Main channel, details.destinations.2.platform=youtube, details.destinations.2.enabled=true, and 4 more",
            "check_studio: studios.0.destinations.2.id=dest_1, studios.0.destinations.2.name=Main channel, studios.0.destinations.2.platform=youtube, studios.0.destinations.2.enabled=true, and 4 more",
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="unstable_order",
        trax="Lists the destinations in another order each time.",
        play=destinations(lambda it: it.reverse()),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'check_studio: "Friday Night Show" is off air and could go live; switched on: Twitch and YouTube.',
            'go_live asks: Anyone can watch. / Streams to: "Late crowd" (Twitch), "Main channel" (YouTube) / Stays off: "Kick (trying out)" (Kick) / May be on screen: "Host camera", "Intro clip" / [Go live on Twitch and YouTube]',
        ),
        model=(
            'find_studio: matches.0.destinations=["twitch", "youtube"], details.destinations.0.id=dest_2, details.destinations.0.name=Late crowd, details.destinations.0.platform=twitch, and 3 more',
            "check_studio: studios.0.destinations.0.id=dest_2, studios.0.destinations.0.name=Late crowd, studios.0.destinations.0.platform=twitch, studios.0.destinations.1.id=dest_1, and 2 more",
        ),
        sent=("POST go-live",),
    ),
)
