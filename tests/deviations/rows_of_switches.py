"""What should be a boolean, and is none."""

from __future__ import annotations

from typing import Final

from tests.deviations import scenarios
from tests.deviations.plays import DESTINATIONS, SOURCES, all_items, by_name, items, one_item
from tests.deviations.plays_of_lists import loud_enabled, numbered_enabled, spelt_enabled
from tests.deviations.row import Row

ROWS: Final = (
    Row(
        name="bool_as_string",
        trax='Says enabled: "true" and "false".',
        play=items(DESTINATIONS, spelt_enabled),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        sent=("POST go-live",),
    ),
    Row(
        name="bool_as_int",
        trax="Says enabled: 1 and 0.",
        play=items(DESTINATIONS, numbered_enabled),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'check_studio: "Friday Night Show" is off air. It\'s unclear whether it could go live. Not everything could be read.',
            'go_live asks: Whether "Kick (trying out)" (Kick), "Late crowd" (Twitch), "Main channel" (YouTube) are on can\'t be read: the show may stream there too. / Anyone can watch. / May be on screen: "Host camera", "Intro clip" / whether 3 destinations are on (TRaX didn\'t say) / [Go live]',
        ),
        model=(
            'find_studio: details.destinations.0.enabled=null, details.destinations.1.enabled=null, details.destinations.2.enabled=null, details.unknown=["whether 3 destinations are on (TRaX didn\'t say)", "whether this API key may go live (TRaX only shows that when you try)"], and 4 more',
            'check_studio: studios.0.destinations.0.enabled=null, studios.0.destinations.1.enabled=null, studios.0.destinations.2.enabled=null, studios.0.unknown=["whether 3 destinations are on (TRaX didn\'t say)", "whether this API key may go live (TRaX only shows that when you try)"], and 1 more',
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="enabled_mistyped",
        trax='Says enabled: "on" and "off".',
        play=by_name("mistyped-enabled"),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'check_studio: "Friday Night Show" is off air. It\'s unclear whether it could go live. Not everything could be read.',
            'go_live asks: Whether "Kick (trying out)" (Kick), "Late crowd" (Twitch), "Main channel" (YouTube) are on can\'t be read: the show may stream there too. / Anyone can watch. / May be on screen: "Host camera", "Intro clip" / whether 3 destinations are on (TRaX didn\'t say) / [Go live]',
        ),
        model=(
            'find_studio: details.destinations.0.enabled=null, details.destinations.1.enabled=null, details.destinations.2.enabled=null, details.unknown=["whether 3 destinations are on (TRaX didn\'t say)", "whether this API key may go live (TRaX only shows that when you try)"], and 4 more',
            'check_studio: studios.0.destinations.0.enabled=null, studios.0.destinations.1.enabled=null, studios.0.destinations.2.enabled=null, studios.0.unknown=["whether 3 destinations are on (TRaX didn\'t say)", "whether this API key may go live (TRaX only shows that when you try)"], and 1 more',
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="enabled_null",
        trax="Says enabled: null of one destination.",
        play=one_item(DESTINATIONS, 2, enabled=None),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'check_studio: "Friday Night Show" is off air and ready to go live on YouTube and Twitch. Not everything could be read.',
            'go_live asks: Whether "Kick (trying out)" (Kick) is on can\'t be read: the show may stream there too. / Anyone can watch. / Streams to: "Late crowd" (Twitch), "Main channel" (YouTube) / May be on screen: "Host camera", "Intro clip" / whether 1 destination is on (TRaX didn\'t say) / [Go live]',
        ),
        model=(
            'find_studio: details.destinations.2.enabled=null, details.unknown=["whether 1 destination is on (TRaX didn\'t say)", "whether this API key may go live (TRaX only shows that when you try)"], no matches.0.destinations',
            'check_studio: studios.0.destinations.2.enabled=null, studios.0.unknown=["whether 1 destination is on (TRaX didn\'t say)", "whether this API key may go live (TRaX only shows that when you try)"]',
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="enabled_missing",
        trax="Gives destinations without `enabled`.",
        play=all_items(DESTINATIONS, enabled=...),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'check_studio: "Friday Night Show" is off air. It\'s unclear whether it could go live. Not everything could be read.',
            'go_live asks: Whether "Kick (trying out)" (Kick), "Late crowd" (Twitch), "Main channel" (YouTube) are on can\'t be read: the show may stream there too. / Anyone can watch. / May be on screen: "Host camera", "Intro clip" / whether 3 destinations are on (TRaX didn\'t say) / [Go live]',
        ),
        model=(
            'find_studio: details.destinations.0.enabled=null, details.destinations.1.enabled=null, details.destinations.2.enabled=null, details.unknown=["whether 3 destinations are on (TRaX didn\'t say)", "whether this API key may go live (TRaX only shows that when you try)"], and 4 more',
            'check_studio: studios.0.destinations.0.enabled=null, studios.0.destinations.1.enabled=null, studios.0.destinations.2.enabled=null, studios.0.unknown=["whether 3 destinations are on (TRaX didn\'t say)", "whether this API key may go live (TRaX only shows that when you try)"], and 1 more',
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="enabled_UPPER",
        trax='Says enabled: "TRUE" and "False".',
        play=items(DESTINATIONS, loud_enabled),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        sent=("POST go-live",),
    ),
    Row(
        name="active_missing",
        trax="Gives sources without `active`.",
        play=all_items(SOURCES, active=...),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'check_studio: "Friday Night Show" is off air and ready to go live on YouTube and Twitch. Not everything could be read.',
            'go_live asks: Anyone can watch. / Streams to: "Late crowd" (Twitch), "Main channel" (YouTube) / Stays off: "Kick (trying out)" (Kick) / May be on screen: "Guest feed", "Host camera", "Intro clip" / whether 3 sources are on (TRaX didn\'t say) / [Go live on YouTube and Twitch]',
        ),
        model=(
            "find_studio: details.sources.0.active=null, details.sources.1.id=source_2, details.sources.1.name=Guest feed, details.sources.1.type=rtmp, and 6 more",
            "check_studio: studios.0.sources.0.active=null, studios.0.sources.1.id=source_2, studios.0.sources.1.name=Guest feed, studios.0.sources.1.type=rtmp, and 6 more",
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="active_mistyped",
        trax='Says active: "yes" of the sources.',
        play=all_items(SOURCES, active="yes"),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'check_studio: "Friday Night Show" is off air and ready to go live on YouTube and Twitch. Not everything could be read.',
            'go_live asks: Anyone can watch. / Streams to: "Late crowd" (Twitch), "Main channel" (YouTube) / Stays off: "Kick (trying out)" (Kick) / May be on screen: "Guest feed", "Host camera", "Intro clip" / whether 3 sources are on (TRaX didn\'t say) / [Go live on YouTube and Twitch]',
        ),
        model=(
            "find_studio: details.sources.0.active=null, details.sources.1.id=source_2, details.sources.1.name=Guest feed, details.sources.1.type=rtmp, and 6 more",
            "check_studio: studios.0.sources.0.active=null, studios.0.sources.1.id=source_2, studios.0.sources.1.name=Guest feed, studios.0.sources.1.type=rtmp, and 6 more",
        ),
        sent=("POST go-live",),
    ),
)
