"""Lists of other shapes, and their pages."""

from __future__ import annotations

from typing import Final

from tests.deviations import scenarios
from tests.deviations.plays import (
    CONNECTIONS,
    DESTINATIONS,
    READS,
    SOURCES,
    STUDIO,
    answered,
    body,
    both,
    by_name,
    edited,
    fields,
    one_item,
)
from tests.deviations.plays_of_lists import (
    destinations,
    no_connections,
    no_destinations,
    underscored,
)
from tests.deviations.row import Row

ROWS: Final = (
    Row(
        name="data_null_empty_list",
        trax="Answers with data: null where a list is empty, and no account is linked.",
        play=both(by_name("null-lists"), no_connections),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        sent=("POST go-live",),
    ),
    Row(
        name="go_nil_slices_no_dests",
        trax="Answers with data: null where there is no destination.",
        play=both(by_name("null-lists"), no_destinations),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'check_studio: "Friday Night Show" is off air. It\'s unclear whether it could go live. Not everything could be read.',
            'go_live asks: TRaX sent no list of destinations: the show may stream anyway. / Anyone can watch. / May be on screen: "Host camera", "Intro clip" / the destinations (TRaX sent `null` instead of a list) / [Go live]',
            'go_live: "Friday Night Show" went live at 18:00:08 UTC, on no destination. TRaX can\'t confirm that a picture arrives.',
        ),
        model=(
            'find_studio: details.destinations=[], details.unknown=["the destinations (TRaX sent `null` instead of a list)", "whether this API key may go live (TRaX only shows that when you try)"], no matches.0.destinations, no matches.1.destinations, and 14 more',
            'check_studio: studios.0.destinations=[], studios.0.unknown=["the destinations (TRaX sent `null` instead of a list)", "whether this API key may go live (TRaX only shows that when you try)"], no studios.0.ready, no studios.0.destinations.0.id, and 11 more',
            "go_live: destinationIds=[]",
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="destinations_null",
        trax="Answers with data: null for destinations that are there.",
        play=fields(DESTINATIONS, data=None),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'check_studio: "Friday Night Show" is off air. It\'s unclear whether it could go live. Not everything could be read.',
            'go_live asks: TRaX sent no list of destinations: the show may stream anyway. / Anyone can watch. / May be on screen: "Host camera", "Intro clip" / the destinations (TRaX sent `null` instead of a list) / [Go live]',
            'go_live: "Friday Night Show" went live at 18:00:08 UTC, on the destination "dest_1" and the destination "dest_2". TRaX can\'t confirm that a picture arrives.',
        ),
        model=(
            'find_studio: details.destinations=[], details.unknown=["the destinations (TRaX sent `null` instead of a list)", "whether this API key may go live (TRaX only shows that when you try)"], no matches.0.destinations, no matches.1.destinations, and 14 more',
            'check_studio: studios.0.destinations=[], studios.0.unknown=["the destinations (TRaX sent `null` instead of a list)", "whether this API key may go live (TRaX only shows that when you try)"], no studios.0.ready, no studios.0.destinations.0.id, and 11 more',
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="bare_array_lists",
        trax="Answers with lists alone, without `data`.",
        play=edited("GET */[dsc]*s", lambda it: it.get("data", it)),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            "find_studio: The answer isn't a JSON object.",
            'check_studio: "Friday Night Show" is off air. It\'s unclear whether it could go live. Not everything could be read.',
            "go_live asks: The answer isn't a JSON object. The change wasn't sent.",
        ),
        model=(
            "find_studio: bad_answer, not_applied: The answer to list_studios isn't a JSON object. Run `trax-mcp doctor`.",
            'check_studio: studios.0.unknown=["the destinations (The answer to list_destinations isn\'t a JSON object)", "the sources (The answer to list_sources isn\'t a JSON object)", "the linked accounts (The answer to list_connections isn\'t a JSON object)", "whether this API key may go live (TRaX only shows that when you try)"], no studios.0.ready, no studios.0.destinations.0.id, no studios.0.destinations.0.name, and 22 more',
            "go_live asks: bad_answer, not_applied: The answer to list_destinations isn't a JSON object. The change wasn't sent. Run `trax-mcp doctor`.",
        ),
    ),
    Row(
        name="wrapped_objects",
        trax="Wraps each object in `data`.",
        play=edited(STUDIO, lambda it: {"data": it}),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            "check_studio: The studio is off air, with YouTube and Twitch on. It's unclear whether it could go live. Not everything could be read.",
            "go_live asks: TRaX's answer has no `id`. The change wasn't sent.",
        ),
        model=(
            'check_studio: studios.0.name=null, studios.0.unknown=["the studio\'s name (TRaX\'s answer to get_studio has no `id`)", "whether this API key may go live (TRaX only shows that when you try)"], no studios.0.ready',
            "go_live asks: bad_answer, not_applied: TRaX's answer to get_studio has no `id`. The change wasn't sent. Run `trax-mcp doctor`.",
        ),
    ),
    Row(
        name="truncated_lists",
        trax="Cuts each list of destinations after 40 bytes.",
        play=body(DESTINATIONS, lambda it: it[:40]),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'check_studio: "Friday Night Show" is off air. It\'s unclear whether it could go live. Not everything could be read.',
            "go_live asks: The answer isn't a JSON object. The change wasn't sent.",
        ),
        model=(
            'find_studio: details.unknown=["the destinations (The answer to list_destinations isn\'t a JSON object)", "whether this API key may go live (TRaX only shows that when you try)"], no matches.0.destinations, no matches.1.destinations, no matches.2.destinations, and 13 more',
            'check_studio: studios.0.unknown=["the destinations (The answer to list_destinations isn\'t a JSON object)", "whether this API key may go live (TRaX only shows that when you try)"], no studios.0.ready, no studios.0.destinations.0.id, no studios.0.destinations.0.name, and 10 more',
            "go_live asks: bad_answer, not_applied, call again: The answer to list_destinations isn't a JSON object. The change wasn't sent. Call again later.",
        ),
        passes=True,
    ),
    Row(
        name="snake_case",
        trax="Spells all names with underscores.",
        play=body(READS, underscored),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'go_live: "Friday Night Show" is on air, on YouTube ("Main channel") and Twitch ("Late crowd"). TRaX can\'t confirm that a picture arrives.',
        ),
        model=("go_live: no observed.since",),
        sent=("POST go-live",),
    ),
    Row(
        name="data_object",
        trax="Answers with data: {} for the destinations.",
        play=fields(DESTINATIONS, data={}),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'check_studio: "Friday Night Show" is off air. It\'s unclear whether it could go live. Not everything could be read.',
            "go_live asks: TRaX's answer has `data` of an undocumented type. The change wasn't sent.",
        ),
        model=(
            'find_studio: details.unknown=["the destinations (TRaX\'s answer to list_destinations has `data` of an undocumented type)", "whether this API key may go live (TRaX only shows that when you try)"], no matches.0.destinations, no matches.1.destinations, no matches.2.destinations, and 13 more',
            'check_studio: studios.0.unknown=["the destinations (TRaX\'s answer to list_destinations has `data` of an undocumented type)", "whether this API key may go live (TRaX only shows that when you try)"], no studios.0.ready, no studios.0.destinations.0.id, no studios.0.destinations.0.name, and 10 more',
            "go_live asks: bad_answer, not_applied: TRaX's answer to list_destinations has `data` of an undocumented type. The change wasn't sent. Run `trax-mcp doctor`.",
        ),
    ),
    Row(
        name="data_missing",
        trax="Answers with {} for the linked accounts.",
        play=answered(CONNECTIONS, 200, {}),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'check_studio: "Friday Night Show" is off air and ready to go live on YouTube and Twitch. Not everything could be read.',
            'go_live asks: Anyone can watch. / Streams to: "Late crowd" (Twitch), "Main channel" (YouTube) / Stays off: "Kick (trying out)" (Kick) / May be on screen: "Host camera", "Intro clip" / the linked accounts (TRaX\'s answer to list_connections has no `data`) / [Go live on YouTube and Twitch]',
        ),
        model=(
            'find_studio: details.unknown=["the linked accounts (TRaX\'s answer to list_connections has no `data`)", "whether this API key may go live (TRaX only shows that when you try)"]',
            'check_studio: studios.0.unknown=["the linked accounts (TRaX\'s answer to list_connections has no `data`)", "whether this API key may go live (TRaX only shows that when you try)"]',
        ),
        sent=("POST go-live",),
    ),
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
            'check_studio: "Friday Night Show" is off air and ready to go live on Twitch and YouTube.',
            'go_live asks: Anyone can watch. / Streams to: "Late crowd" (Twitch), "Main channel" (YouTube) / Stays off: "Kick (trying out)" (Kick) / May be on screen: "Host camera", "Intro clip" / [Go live on Twitch and YouTube]',
        ),
        model=(
            'find_studio: matches.0.destinations=["twitch", "youtube"], matches.2.destinations=["youtube", "facebook"], details.destinations.0.id=dest_2, details.destinations.0.name=Late crowd, and 4 more',
            "check_studio: studios.0.destinations.0.id=dest_2, studios.0.destinations.0.name=Late crowd, studios.0.destinations.0.platform=twitch, studios.0.destinations.1.id=dest_1, and 2 more",
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="null_item",
        trax="Lists null among the destinations.",
        play=destinations(lambda it: [*it, None]),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'check_studio: "Friday Night Show" is off air and ready to go live on YouTube and Twitch. Not everything could be read.',
            'go_live asks: 1 destination can\'t be read: the show may stream there too. / Anyone can watch. / Streams to: "Late crowd" (Twitch), "Main channel" (YouTube) / Stays off: "Kick (trying out)" (Kick) / May be on screen: "Host camera", "Intro clip" / 1 destination (it can\'t be read) / [Go live]',
        ),
        model=(
            'find_studio: details.unknown=["1 destination (it can\'t be read)", "whether this API key may go live (TRaX only shows that when you try)"], no matches.0.destinations, no matches.1.destinations, no matches.2.destinations, and 1 more',
            'check_studio: studios.0.unknown=["1 destination (it can\'t be read)", "whether this API key may go live (TRaX only shows that when you try)"]',
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="bad_item",
        trax="Lists a destination without an id.",
        play=by_name("bad-item"),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'check_studio: "Friday Night Show" is off air and ready to go live on YouTube and Twitch. Not everything could be read.',
            'go_live asks: 1 destination can\'t be read: the show may stream there too. / Anyone can watch. / Streams to: "Late crowd" (Twitch), "Main channel" (YouTube) / May be on screen: "Host camera", "Intro clip" / 1 destination (it can\'t be read) / [Go live]',
        ),
        model=(
            'find_studio: details.unknown=["1 destination (it can\'t be read)", "whether this API key may go live (TRaX only shows that when you try)"], no matches.0.destinations, no matches.1.destinations, no matches.2.destinations, and 5 more',
            'check_studio: studios.0.unknown=["1 destination (it can\'t be read)", "whether this API key may go live (TRaX only shows that when you try)"], no studios.0.destinations.2.id, no studios.0.destinations.2.name, no studios.0.destinations.2.platform, and 1 more',
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="bad_source",
        trax="Lists a source without an id.",
        play=one_item(SOURCES, id=...),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'check_studio: "Friday Night Show" is off air and ready to go live on YouTube and Twitch. Not everything could be read.',
            'go_live asks: Anyone can watch. / Streams to: "Late crowd" (Twitch), "Main channel" (YouTube) / Stays off: "Kick (trying out)" (Kick) / May be on screen: "Intro clip" / 1 source (it can\'t be read) / [Go live on YouTube and Twitch]',
        ),
        model=(
            "find_studio: details.sources.0.id=source_3, details.sources.0.name=Intro clip, details.sources.0.type=media, details.sources.1.id=source_2, and 8 more",
            "check_studio: studios.0.sources.0.id=source_3, studios.0.sources.0.name=Intro clip, studios.0.sources.0.type=media, studios.0.sources.1.id=source_2, and 8 more",
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="bad_connection",
        trax="Lists a linked account without an id.",
        play=one_item(CONNECTIONS, id=...),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'check_studio: "Friday Night Show" is off air and ready to go live on YouTube and Twitch. Not everything could be read.',
            'go_live asks: Anyone can watch. / Streams to: "Late crowd" (Twitch), "Main channel" (YouTube) / Stays off: "Kick (trying out)" (Kick) / May be on screen: "Host camera", "Intro clip" / 1 linked account (it can\'t be read) / [Go live on YouTube and Twitch]',
        ),
        model=(
            'find_studio: details.unknown=["1 linked account (it can\'t be read)", "whether this API key may go live (TRaX only shows that when you try)"]',
            'check_studio: studios.0.unknown=["1 linked account (it can\'t be read)", "whether this API key may go live (TRaX only shows that when you try)"]',
        ),
        sent=("POST go-live",),
    ),
)
