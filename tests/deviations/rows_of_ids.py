"""Other ids."""

from __future__ import annotations

from typing import Final

from tests.deviations import scenarios
from tests.deviations.plays import DESTINATIONS, all_items, by_name, one_item
from tests.deviations.plays_of_lists import other_ids
from tests.deviations.row import Row

ROWS: Final = (
    Row(
        name="ids_json_numbers",
        trax="Gives ids as numbers.",
        play=by_name("number-ids"),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        model=(
            "find_studio: matches.0.id=42, matches.1.id=43, matches.2.id=51, matches.3.id=60, and 7 more",
            "check_studio: studios.0.id=42, studios.0.destinations.0.id=1, studios.0.destinations.1.id=2, studios.0.destinations.2.id=3, and 3 more",
            'go_live: encoderStreamId=101, destinationIds=["1", "2"]',
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="ids_some_numbers_dest",
        trax="Gives the id of one destination as a number.",
        play=one_item(DESTINATIONS, 1, id=2),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'go_live: "Friday Night Show" went live at 18:00:08 UTC, on YouTube ("Main channel") and the destination "dest_2". TRaX can\'t confirm that a picture arrives. / Warning: "Late crowd" (Twitch) is on, but TRaX didn\'t list it as started: check there.',
        ),
        model=(
            "find_studio: details.destinations.1.id=2",
            "check_studio: studios.0.destinations.1.id=2",
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="dup_dest_names",
        trax="Has two destinations of one name.",
        play=all_items(DESTINATIONS, name="Main"),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'go_live asks: Anyone can watch. / Streams to: "Main" (YouTube, dest_1), "Main" (Twitch, dest_2) / Stays off: "Main" (Kick, dest_3) / May be on screen: "Host camera", "Intro clip" / [Go live on YouTube and Twitch]',
            'go_live: "Friday Night Show" went live at 18:00:08 UTC, on YouTube ("Main") and Twitch ("Main"). TRaX can\'t confirm that a picture arrives.',
        ),
        model=(
            "find_studio: details.destinations.0.name=Main, details.destinations.1.name=Main, details.destinations.2.name=Main",
            "check_studio: studios.0.destinations.0.name=Main, studios.0.destinations.1.name=Main, studios.0.destinations.2.name=Main",
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="ids_with_colon",
        trax="Has colons in ids.",
        play=other_ids(lambda it: f"a:{it}"),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        model=(
            "find_studio: matches.0.id=studio_a:42, matches.1.id=studio_a:43, matches.2.id=studio_a:51, matches.3.id=studio_a:60, and 7 more",
            "check_studio: studios.0.id=studio_a:42, studios.0.destinations.0.id=dest_a:1, studios.0.destinations.1.id=dest_a:2, studios.0.destinations.2.id=dest_a:3, and 3 more",
            'go_live: encoderStreamId=encoder_a:101, destinationIds=["dest_a:1", "dest_a:2"]',
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="ids_with_slash_plus",
        trax="Has slashes, pluses and signs of equality in ids.",
        play=other_ids(lambda it: f"a/b+{it}=="),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        model=(
            "find_studio: matches.0.id=studio_a/b+42==, matches.1.id=studio_a/b+43==, matches.2.id=studio_a/b+51==, matches.3.id=studio_a/b+60==, and 7 more",
            "check_studio: studios.0.id=studio_a/b+42==, studios.0.destinations.0.id=dest_a/b+1==, studios.0.destinations.1.id=dest_a/b+2==, studios.0.destinations.2.id=dest_a/b+3==, and 3 more",
            'go_live: encoderStreamId=encoder_a/b+101==, destinationIds=["dest_a/b+1==", "dest_a/b+2=="]',
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="id_boolean",
        trax="Gives one destination the id true.",
        play=one_item(DESTINATIONS, id=True),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'check_studio: "Friday Night Show" is off air and ready to go live on Twitch. Not everything could be read.',
            'go_live asks: 1 destination can\'t be read: the show may stream there too. / Anyone can watch. / Streams to: "Late crowd" (Twitch) / Stays off: "Kick (trying out)" (Kick) / May be on screen: "Host camera", "Intro clip" / 1 destination (it can\'t be read) / [Go live]',
            'go_live: "Friday Night Show" went live at 18:00:08 UTC, on the destination "dest_1" and Twitch ("Late crowd"). TRaX can\'t confirm that a picture arrives.',
        ),
        model=(
            "find_studio: details.destinations.0.id=dest_2, details.destinations.0.name=Late crowd, details.destinations.0.platform=twitch, details.destinations.1.id=dest_3, and 12 more",
            "check_studio: studios.0.destinations.0.id=dest_2, studios.0.destinations.0.name=Late crowd, studios.0.destinations.0.platform=twitch, studios.0.destinations.1.id=dest_3, and 8 more",
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="id_empty",
        trax='Gives one destination the id "".',
        play=one_item(DESTINATIONS, id=""),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'go_live: "Friday Night Show" went live at 18:00:08 UTC, on the destination "dest_1" and Twitch ("Late crowd"). TRaX can\'t confirm that a picture arrives.',
        ),
        model=(
            "find_studio: details.destinations.0.id=",
            "check_studio: studios.0.destinations.0.id=",
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="id_fraction",
        trax="Gives one destination the id 1.5.",
        play=one_item(DESTINATIONS, id=1.5),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'check_studio: "Friday Night Show" is off air and ready to go live on Twitch. Not everything could be read.',
            'go_live asks: 1 destination can\'t be read: the show may stream there too. / Anyone can watch. / Streams to: "Late crowd" (Twitch) / Stays off: "Kick (trying out)" (Kick) / May be on screen: "Host camera", "Intro clip" / 1 destination (it can\'t be read) / [Go live]',
            'go_live: "Friday Night Show" went live at 18:00:08 UTC, on the destination "dest_1" and Twitch ("Late crowd"). TRaX can\'t confirm that a picture arrives.',
        ),
        model=(
            "find_studio: details.destinations.0.id=dest_2, details.destinations.0.name=Late crowd, details.destinations.0.platform=twitch, details.destinations.1.id=dest_3, and 12 more",
            "check_studio: studios.0.destinations.0.id=dest_2, studios.0.destinations.0.name=Late crowd, studios.0.destinations.0.platform=twitch, studios.0.destinations.1.id=dest_3, and 8 more",
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="ids_emoji",
        trax="Has emoji in ids.",
        play=other_ids(lambda it: f"🎬{it}"),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        model=(
            "find_studio: matches.0.id=studio_🎬42, matches.1.id=studio_🎬43, matches.2.id=studio_🎬51, matches.3.id=studio_🎬60, and 7 more",
            "check_studio: studios.0.id=studio_🎬42, studios.0.destinations.0.id=dest_🎬1, studios.0.destinations.1.id=dest_🎬2, studios.0.destinations.2.id=dest_🎬3, and 3 more",
            'go_live: encoderStreamId=encoder_🎬101, destinationIds=["dest_🎬1", "dest_🎬2"]',
        ),
        sent=("POST go-live",),
    ),
)
