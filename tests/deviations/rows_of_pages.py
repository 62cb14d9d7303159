"""The pages of a list: their limits and cursors."""

from __future__ import annotations

from typing import Final

from tests.deviations import scenarios
from tests.deviations.plays import DESTINATIONS, STUDIOS, by_name, fields
from tests.deviations.plays_of_lists import (
    empty_pages,
    expired_cursor,
    null_at_first,
    null_between,
    null_until_begun_again,
    numbered_pages,
    paged,
    refused_cursor,
    same_cursor_at_the_end,
)
from tests.deviations.row import Row

ROWS: Final = (
    Row(
        name="cursor_loop",
        trax="Answers each page of studios with the same cursor.",
        play=paged(STUDIOS, lambda whole, _: {"data": whole, "nextCursor": "again"}),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=("find_studio: The pages of list_studios don't end.",),
        model=(
            "find_studio: bad_answer, not_applied: The pages of list_studios don't end. Run `trax-mcp doctor`.",
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="cursor_always_last_empty",
        trax="Gives a cursor on the last page, and an empty page with it after that.",
        play=paged(STUDIOS, same_cursor_at_the_end),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        sent=("POST go-live",),
    ),
    Row(
        name="cursor_expires",
        trax="Answers the first cursor of a list of studios with 410.",
        play=paged(STUDIOS, expired_cursor()),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        sent=("POST go-live",),
    ),
    Row(
        name="cursor_refused",
        trax="Answers each cursor of a list of destinations with 400.",
        play=paged(DESTINATIONS, refused_cursor),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'check_studio: "Friday Night Show" is off air. It\'s unclear whether it could go live. Not everything could be read.',
            'go_live asks: The destinations couldn\'t be read: TRaX refused the call (HTTP 400, code "bad_cursor") (TRaX says: "The cursor has expired."). The change wasn\'t sent.',
        ),
        model=(
            'find_studio: details.unknown=["other destinations (only the first 1 were read)", "whether this API key may go live (TRaX only shows that when you try)"], no matches.0.destinations, no matches.1.destinations, no matches.2.destinations, and 9 more',
            'check_studio: studios.0.unknown=["the destinations (TRaX refused the call (HTTP 400, code \\"bad_cursor\\") (TRaX says: \\"The cursor has expired.\\"))", "whether this API key may go live (TRaX only shows that when you try)"], no studios.0.ready, no studios.0.destinations.0.id, no studios.0.destinations.0.name, and 10 more',
            'go_live asks: bad_cursor, not_applied: The destinations couldn\'t be read: TRaX refused the call (HTTP 400, code "bad_cursor") (TRaX says: "The cursor has expired."). The change wasn\'t sent. Check the arguments.',
        ),
    ),
    Row(
        name="page_null_at_first",
        trax="Answers with data: null for the first page of destinations.",
        play=paged(DESTINATIONS, null_at_first),
        calls=scenarios.GO_LIVE,
        person=(
            'go_live asks: Not all destinations could be read: the show may stream to others too. / Anyone can watch. / Streams to: "Main channel" (YouTube) / May be on screen: "Host camera", "Intro clip" / other destinations (TRaX sent `null` instead of a list) / [Go live]',
            'go_live: "Friday Night Show" went live at 18:00:08 UTC, on YouTube ("Main channel") and the destination "dest_2". TRaX can\'t confirm that a picture arrives.',
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="page_null_between",
        trax="Answers with data: null for the second of three pages of destinations.",
        play=paged(DESTINATIONS, null_between),
        calls=scenarios.GO_LIVE,
        person=(
            'go_live asks: Not all destinations could be read: the show may stream to others too. / Anyone can watch. / Streams to: "Main channel" (YouTube) / Stays off: "Kick (trying out)" (Kick) / May be on screen: "Host camera", "Intro clip" / other destinations (TRaX sent `null` instead of a list) / [Go live]',
            'go_live: "Friday Night Show" went live at 18:00:08 UTC, on YouTube ("Main channel") and the destination "dest_2". TRaX can\'t confirm that a picture arrives.',
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="page_null_begun_again",
        trax="Answers with data: null for a page of destinations, and not when the list begins again.",
        play=paged(DESTINATIONS, null_until_begun_again()),
        calls=scenarios.GO_LIVE,
        sent=("POST go-live",),
    ),
    Row(
        name="empty_pages_new_cursor",
        trax="Gives empty pages with new cursors between the studios.",
        play=paged(STUDIOS, empty_pages),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        sent=("POST go-live",),
    ),
    Row(
        name="limit_strict_100",
        trax="Refuses a limit above 100.",
        play=by_name("small-limit"),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        sent=("POST go-live",),
    ),
    Row(
        name="cursor_empty_string",
        trax='Gives nextCursor: "" on the last page.',
        play=fields("GET */[dsc]*s", nextCursor=""),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        sent=("POST go-live",),
    ),
    Row(
        name="cursor_zero",
        trax="Gives nextCursor: 0 on the last page.",
        play=fields("GET */[dsc]*s", nextCursor=0),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            "find_studio: TRaX's answer has an unreadable `nextCursor`.",
            'check_studio: "Friday Night Show" is off air. It\'s unclear whether it could go live. Not everything could be read.',
            "go_live asks: TRaX's answer has an unreadable `nextCursor`. The change wasn't sent.",
        ),
        model=(
            "find_studio: bad_answer, not_applied: TRaX's answer to list_studios has an unreadable `nextCursor`. Run `trax-mcp doctor`.",
            'check_studio: studios.0.unknown=["the destinations (TRaX\'s answer to list_destinations has an unreadable `nextCursor`)", "the sources (TRaX\'s answer to list_sources has an unreadable `nextCursor`)", "the linked accounts (TRaX\'s answer to list_connections has an unreadable `nextCursor`)", "whether this API key may go live (TRaX only shows that when you try)"], no studios.0.ready, no studios.0.destinations.0.id, no studios.0.destinations.0.name, and 22 more',
            "go_live asks: bad_answer, not_applied: TRaX's answer to list_destinations has an unreadable `nextCursor`. The change wasn't sent. Run `trax-mcp doctor`.",
        ),
    ),
    Row(
        name="cursor_number",
        trax="Gives numbers as cursors, one destination a page.",
        play=paged(DESTINATIONS, numbered_pages),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'check_studio: "Friday Night Show" is off air. It\'s unclear whether it could go live. Not everything could be read.',
            "go_live asks: TRaX's answer has an unreadable `nextCursor`. The change wasn't sent.",
        ),
        model=(
            'find_studio: details.unknown=["the destinations (TRaX\'s answer to list_destinations has an unreadable `nextCursor`)", "whether this API key may go live (TRaX only shows that when you try)"], no matches.0.destinations, no matches.2.destinations, no details.destinations.0.id, and 11 more',
            'check_studio: studios.0.unknown=["the destinations (TRaX\'s answer to list_destinations has an unreadable `nextCursor`)", "whether this API key may go live (TRaX only shows that when you try)"], no studios.0.ready, no studios.0.destinations.0.id, no studios.0.destinations.0.name, and 10 more',
            "go_live asks: bad_answer, not_applied: TRaX's answer to list_destinations has an unreadable `nextCursor`. The change wasn't sent. Run `trax-mcp doctor`.",
        ),
    ),
)
