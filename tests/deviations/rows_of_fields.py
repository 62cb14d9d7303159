"""Fields of other types, and fields that are missing."""

from __future__ import annotations

from typing import Final

from tests.deviations import scenarios
from tests.deviations.plays import (
    CONNECTIONS,
    DESTINATIONS,
    READS,
    SOURCES,
    STUDIO,
    STUDIOS,
    all_items,
    body,
    both,
    by_name,
    fields,
    one_item,
)
from tests.deviations.plays_of_lists import numbered_times, with_more_fields
from tests.deviations.row import Row

ROWS: Final = (
    Row(
        name="no_vertical",
        trax="Gives destinations without `vertical`.",
        play=by_name("no-vertical"),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        sent=("POST go-live",),
    ),
    Row(
        name="no_role",
        trax="Gives studios without `role`.",
        play=both(all_items(STUDIOS, role=...), fields(STUDIO, role=...)),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        model=(
            "find_studio: no matches.0.role, no matches.1.role, no matches.2.role, no matches.3.role",
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="no_name_dest",
        trax="Gives destinations without a name.",
        play=all_items(DESTINATIONS, name=...),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'go_live asks: Anyone can watch. / Streams to: "dest_1" (YouTube), "dest_2" (Twitch) / Stays off: "dest_3" (Kick) / May be on screen: "Host camera", "Intro clip" / [Go live on YouTube and Twitch]',
            'go_live: "Friday Night Show" went live at 18:00:08 UTC, on YouTube ("dest_1") and Twitch ("dest_2"). TRaX can\'t confirm that a picture arrives.',
        ),
        model=(
            "find_studio: details.destinations.0.name=dest_1, details.destinations.1.name=dest_2, details.destinations.2.name=dest_3",
            "check_studio: studios.0.destinations.0.name=dest_1, studios.0.destinations.1.name=dest_2, studios.0.destinations.2.name=dest_3",
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="one_dest_platform_null",
        trax="Gives one destination platform: null.",
        play=one_item(DESTINATIONS, 1, platform=None),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'check_studio: "Friday Night Show" is off air and ready to go live on YouTube and an unknown platform.',
            'go_live asks: Anyone can watch. / Streams to: "Late crowd" (an unknown platform), "Main channel" (YouTube) / Stays off: "Kick (trying out)" (Kick) / May be on screen: "Host camera", "Intro clip" / [Go live on YouTube and 1 more]',
            'go_live: "Friday Night Show" went live at 18:00:08 UTC, on YouTube ("Main channel") and an unknown platform ("Late crowd"). TRaX can\'t confirm that a picture arrives.',
        ),
        model=(
            'find_studio: matches.0.destinations=["youtube"], matches.2.destinations=["facebook"], no details.destinations.1.platform',
            "check_studio: no studios.0.destinations.1.platform",
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="one_conn_name_null",
        trax="Gives one linked account displayName: null.",
        play=one_item(CONNECTIONS, displayName=None),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        sent=("POST go-live",),
    ),
    Row(
        name="one_conn_name_null_unlink",
        trax="Gives one linked account displayName: null, and it is to be unlinked.",
        play=one_item(CONNECTIONS, displayName=None),
        calls=scenarios.UNLINK,
        person=(
            'unlink_connection: Unlinked the YouTube account "conn_1" from TRaX. Still on for YouTube: "Main channel" (YouTube) in "Friday Night Show" and "Shorts" (YouTube, portrait) in "Morning Coffee".',
        ),
        sent=("DELETE conn_1",),
    ),
    Row(
        name="one_studio_name_null",
        trax="Gives one studio of several name: null.",
        play=one_item(STUDIOS, 2, name=None),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        model=(
            "find_studio: matches.2.id=studio_60, matches.2.name=Product Launch Rehearsal, matches.2.role=VIEW, matches.2.destinations=[], and 4 more",
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="ts_epochms",
        trax="Gives one time as a number.",
        play=both(
            all_items(STUDIOS, lastOpenedAt=1_780_000_000_000),
            fields(STUDIO, lastOpenedAt=1_780_000_000_000),
        ),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        sent=("POST go-live",),
    ),
    Row(
        name="ts_all_epochms",
        trax="Gives all times as numbers.",
        play=body(READS, numbered_times),
        calls=scenarios.WHOLE_SHOW,
        person=(
            'find_studio: The likely one is "Friday Night Show". "Friday Night Show (rehearsal)" matches too. / Warning: The YouTube account "Robin\'s Channel" should have expired less than a minute ago (at 18:00 UTC), but TRaX still calls it active.',
            'check_studio: "Friday Night Show" is off air and ready to go live on YouTube and Twitch. The YouTube account "Robin\'s Channel" should have expired less than a minute ago (at 18:00 UTC), but TRaX still calls it active.',
            'go_live: "Friday Night Show" went live at 18:00:00 UTC, on YouTube ("Main channel") and Twitch ("Late crowd"). TRaX can\'t confirm that a picture arrives.',
            'check_studio later: "Friday Night Show" is off air and ready to go live on YouTube and Twitch. The YouTube account "Robin\'s Channel" should have expired 1 minute ago (at 18:00 UTC), but TRaX still calls it active.',
        ),
        model=(
            'find_studio: details.problems.0.what=The YouTube account "Robin\'s Channel" should have expired less than a minute ago (at 18:00 UTC), but TRaX still calls it active., details.problems.0.remedy=To be safe, sign in to YouTube again on TRaX., details.problems.0.blocks=false, details.unknown=["which account each destination uses (TRaX doesn\'t say)", "whether this API key may go live (TRaX only shows that when you try)"]',
            'check_studio: studios.0.problems.0.what=The YouTube account "Robin\'s Channel" should have expired less than a minute ago (at 18:00 UTC), but TRaX still calls it active., studios.0.problems.0.remedy=To be safe, sign in to YouTube again on TRaX., studios.0.problems.0.blocks=false, studios.0.unknown=["which account each destination uses (TRaX doesn\'t say)", "whether this API key may go live (TRaX only shows that when you try)"], and 1 more',
            "go_live: observed.since=2026-06-05T18:00:00+00:00",
            'check_studio later: studios.0.problems.0.what=The YouTube account "Robin\'s Channel" should have expired 1 minute ago (at 18:00 UTC), but TRaX still calls it active., studios.0.problems.0.remedy=To be safe, sign in to YouTube again on TRaX., studios.0.problems.0.blocks=false, studios.0.unknown=["which account each destination uses (TRaX doesn\'t say)", "whether this API key may go live (TRaX only shows that when you try)"], and 1 more',
        ),
        sent=("POST go-live", "POST go-offline"),
    ),
    Row(
        name="extra_fields",
        trax="Gives fields that nobody knows.",
        play=body(READS, with_more_fields),
        calls=scenarios.WHOLE_SHOW,
        sent=("POST go-live", "POST go-offline"),
    ),
    Row(
        name="role_VIEW",
        trax="Says that the key's role is VIEW.",
        play=both(all_items(STUDIOS, role="VIEW"), fields(STUDIO, role="VIEW")),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        model=("find_studio: matches.0.role=VIEW, matches.1.role=VIEW, matches.2.role=VIEW",),
        sent=("POST go-live",),
    ),
    Row(
        name="platform_instagram",
        trax="Has a destination on a platform that nobody knows.",
        play=one_item(DESTINATIONS, platform="instagram"),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'check_studio: "Friday Night Show" is off air and ready to go live on "instagram" and Twitch.',
            'go_live asks: Anyone can watch. / Streams to: "Late crowd" (Twitch), "Main channel" ("instagram") / Stays off: "Kick (trying out)" (Kick) / May be on screen: "Host camera", "Intro clip" / [Go live on Twitch and 1 more]',
            'go_live: "Friday Night Show" went live at 18:00:08 UTC, on "instagram" ("Main channel") and Twitch ("Late crowd"). TRaX can\'t confirm that a picture arrives.',
        ),
        model=(
            'find_studio: matches.0.destinations=["instagram", "twitch"], matches.1.destinations=["instagram"], matches.2.destinations=["instagram", "youtube"], details.destinations.0.platform=instagram',
            "check_studio: studios.0.destinations.0.platform=instagram",
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="name_number",
        trax="Gives destinations numbers as names.",
        play=all_items(DESTINATIONS, name=7),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'go_live asks: Anyone can watch. / Streams to: "dest_1" (YouTube), "dest_2" (Twitch) / Stays off: "dest_3" (Kick) / May be on screen: "Host camera", "Intro clip" / [Go live on YouTube and Twitch]',
            'go_live: "Friday Night Show" went live at 18:00:08 UTC, on YouTube ("dest_1") and Twitch ("dest_2"). TRaX can\'t confirm that a picture arrives.',
        ),
        model=(
            "find_studio: details.destinations.0.name=dest_1, details.destinations.1.name=dest_2, details.destinations.2.name=dest_3",
            "check_studio: studios.0.destinations.0.name=dest_1, studios.0.destinations.1.name=dest_2, studios.0.destinations.2.name=dest_3",
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="name_object",
        trax="Gives studios names in two languages.",
        play=both(all_items(STUDIOS, name={"en": "Show"}), fields(STUDIO, name={"en": "Show"})),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'find_studio: No name matches "Friday Night Show". All 4 studios are off air.',
            'check_studio: "studio_42" is off air and ready to go live on YouTube and Twitch.',
            'go_live: "studio_42" went live at 18:00:08 UTC, on YouTube ("Main channel") and Twitch ("Late crowd"). TRaX can\'t confirm that a picture arrives.',
        ),
        model=(
            "find_studio: message=Before a change, ask the user which one they mean., matches.0.name=studio_42, matches.1.name=studio_43, matches.2.name=studio_51, and 27 more",
            "check_studio: studios.0.name=studio_42",
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
    Row(
        name="status_of_account_number",
        trax="Gives linked accounts a number as their status.",
        play=all_items(CONNECTIONS, status=3),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'find_studio: The likely one is "Friday Night Show". "Friday Night Show (rehearsal)" matches too. / Warning: YouTube may fail: the account "Robin\'s Channel" has a status that can\'t be read. / Warning: Twitch may fail: the account "robin_after_dark" has a status that can\'t be read.',
            'check_studio: "Friday Night Show" is off air and ready to go live on YouTube and Twitch. YouTube may fail: the account "Robin\'s Channel" has a status that can\'t be read. Twitch may fail: the account "robin_after_dark" has a status that can\'t be read.',
            'go_live asks: Anyone can watch. / Streams to: "Late crowd" (Twitch), "Main channel" (YouTube) / Stays off: "Kick (trying out)" (Kick) / May be on screen: "Host camera", "Intro clip" / Warning: YouTube may fail: the account "Robin\'s Channel" has a status that can\'t be read. / Warning: Twitch may fail: the account "robin_after_dark" has a status that can\'t be read. / [Go live on YouTube and Twitch]',
        ),
        model=(
            'find_studio: details.problems.0.what=YouTube may fail: the account "Robin\'s Channel" has a status that can\'t be read., details.problems.0.remedy=Sign in to YouTube again on TRaX., details.problems.0.blocks=false, details.problems.1.what=Twitch may fail: the account "robin_after_dark" has a status that can\'t be read., and 3 more',
            'check_studio: studios.0.problems.0.what=YouTube may fail: the account "Robin\'s Channel" has a status that can\'t be read., studios.0.problems.0.remedy=Sign in to YouTube again on TRaX., studios.0.problems.0.blocks=false, studios.0.problems.1.what=Twitch may fail: the account "robin_after_dark" has a status that can\'t be read., and 4 more',
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="type_of_source_missing",
        trax="Gives sources without `type` and `name`.",
        play=all_items(SOURCES, type=..., name=...),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'go_live asks: Anyone can watch. / Streams to: "Late crowd" (Twitch), "Main channel" (YouTube) / Stays off: "Kick (trying out)" (Kick) / May be on screen: "source_1", "source_3" / [Go live on YouTube and Twitch]',
        ),
        model=(
            "find_studio: details.sources.0.name=source_1, details.sources.1.name=source_3, details.sources.2.name=source_2, no details.sources.0.type, and 2 more",
            "check_studio: studios.0.sources.0.name=source_1, studios.0.sources.1.name=source_3, studios.0.sources.2.name=source_2, no studios.0.sources.0.type, and 2 more",
        ),
        sent=("POST go-live",),
    ),
)
