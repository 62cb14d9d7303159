"""Reads that fail, or that the key may not make."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from tests.deviations import scenarios
from tests.deviations.plays import (
    CONNECTIONS,
    DESTINATIONS,
    HEALTH,
    SOURCES,
    STATUS,
    dropped,
    fault,
    fields,
    page,
    refused,
    rewritten,
    slow,
)
from tests.deviations.row import Row
from tests.support.product.faults import Fault

ROWS: Final = (
    Row(
        name="status_500",
        trax="Answers each read of the status with 500.",
        play=refused(STATUS, 500, "internal"),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'find_studio: The likely one is "Friday Night Show". "Friday Night Show (rehearsal)" matches too. It\'s unclear whether it\'s on air: TRaX has a problem (HTTP 500, code "internal") (TRaX says: "TRaX says why.").',
            'check_studio: It\'s unclear whether "Friday Night Show" is on air, with YouTube and Twitch on. Not everything could be read.',
            'go_live asks: Whether the studio is live couldn\'t be read: TRaX has a problem (HTTP 500, code "internal") (TRaX says: "TRaX says why."). The change wasn\'t sent.',
        ),
        model=(
            "find_studio: matches.0.live=null, matches.1.live=null, matches.2.live=null, matches.3.live=null, and 1 more",
            'check_studio: studios.0.live=null, studios.0.unknown=["whether the studio is live (TRaX has a problem (HTTP 500, code \\"internal\\") (TRaX says: \\"TRaX says why.\\"))"], no studios.0.ready',
            'go_live asks: internal, not_applied, call again: Whether the studio is live couldn\'t be read: TRaX has a problem (HTTP 500, code "internal") (TRaX says: "TRaX says why."). The change wasn\'t sent. Call again later.',
        ),
        passes=True,
    ),
    Row(
        name="dest_list_500",
        trax="Answers each list of destinations with 500.",
        play=refused(DESTINATIONS, 500, "internal"),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'check_studio: "Friday Night Show" is off air. It\'s unclear whether it could go live. Not everything could be read.',
            'go_live asks: The destinations couldn\'t be read: TRaX has a problem (HTTP 500, code "internal") (TRaX says: "TRaX says why."). The change wasn\'t sent.',
        ),
        model=(
            'find_studio: details.unknown=["the destinations (TRaX has a problem (HTTP 500, code \\"internal\\") (TRaX says: \\"TRaX says why.\\"))", "whether this API key may go live (TRaX only shows that when you try)"], no matches.0.destinations, no matches.1.destinations, no matches.2.destinations, and 13 more',
            'check_studio: studios.0.unknown=["the destinations (TRaX has a problem (HTTP 500, code \\"internal\\") (TRaX says: \\"TRaX says why.\\"))", "whether this API key may go live (TRaX only shows that when you try)"], no studios.0.ready, no studios.0.destinations.0.id, no studios.0.destinations.0.name, and 10 more',
            'go_live asks: internal, not_applied, call again: The destinations couldn\'t be read: TRaX has a problem (HTTP 500, code "internal") (TRaX says: "TRaX says why."). The change wasn\'t sent. Call again later.',
        ),
        passes=True,
    ),
    Row(
        name="conn_list_500",
        trax="Answers each list of linked accounts with 500.",
        play=refused(CONNECTIONS, 500, "internal"),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'check_studio: "Friday Night Show" is off air and ready to go live on YouTube and Twitch. Not everything could be read.',
            'go_live asks: Anyone can watch. / Streams to: "Late crowd" (Twitch), "Main channel" (YouTube) / Stays off: "Kick (trying out)" (Kick) / May be on screen: "Host camera", "Intro clip" / the linked accounts (TRaX has a problem (HTTP 500, code "internal") (TRaX says: "TRaX says why.")) / [Go live on YouTube and Twitch]',
        ),
        model=(
            'find_studio: details.unknown=["the linked accounts (TRaX has a problem (HTTP 500, code \\"internal\\") (TRaX says: \\"TRaX says why.\\"))", "whether this API key may go live (TRaX only shows that when you try)"]',
            'check_studio: studios.0.unknown=["the linked accounts (TRaX has a problem (HTTP 500, code \\"internal\\") (TRaX says: \\"TRaX says why.\\"))", "whether this API key may go live (TRaX only shows that when you try)"]',
        ),
        sent=("POST go-live",),
        passes=True,
    ),
    Row(
        name="src_list_500",
        trax="Answers each list of sources with 500.",
        play=refused(SOURCES, 500, "internal"),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'check_studio: "Friday Night Show" is off air and ready to go live on YouTube and Twitch. Not everything could be read.',
            'go_live asks: Anyone can watch. / Streams to: "Late crowd" (Twitch), "Main channel" (YouTube) / Stays off: "Kick (trying out)" (Kick) / the sources (TRaX has a problem (HTTP 500, code "internal") (TRaX says: "TRaX says why.")) / [Go live on YouTube and Twitch]',
        ),
        model=(
            'find_studio: details.unknown=["the sources (TRaX has a problem (HTTP 500, code \\"internal\\") (TRaX says: \\"TRaX says why.\\"))", "whether this API key may go live (TRaX only shows that when you try)"], no details.sources.0.id, no details.sources.0.name, no details.sources.0.type, and 9 more',
            'check_studio: studios.0.unknown=["the sources (TRaX has a problem (HTTP 500, code \\"internal\\") (TRaX says: \\"TRaX says why.\\"))", "whether this API key may go live (TRaX only shows that when you try)"], no studios.0.sources.0.id, no studios.0.sources.0.name, no studios.0.sources.0.type, and 9 more',
        ),
        sent=("POST go-live",),
        passes=True,
    ),
    Row(
        name="health_500",
        trax="Answers its own health with 500.",
        play=refused(HEALTH, 500, "internal"),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'check_studio: "Friday Night Show" is off air and ready to go live on YouTube and Twitch. Not everything could be read.',
            'go_live asks: Anyone can watch. / Streams to: "Late crowd" (Twitch), "Main channel" (YouTube) / Stays off: "Kick (trying out)" (Kick) / May be on screen: "Host camera", "Intro clip" / whether TRaX accepts changes (TRaX has a problem (HTTP 500, code "internal") (TRaX says: "TRaX says why.")) / [Go live on YouTube and Twitch]',
        ),
        model=(
            'find_studio: details.unknown=["whether TRaX accepts changes (TRaX has a problem (HTTP 500, code \\"internal\\") (TRaX says: \\"TRaX says why.\\"))", "whether this API key may go live (TRaX only shows that when you try)"]',
            'check_studio: studios.0.unknown=["whether TRaX accepts changes (TRaX has a problem (HTTP 500, code \\"internal\\") (TRaX says: \\"TRaX says why.\\"))", "whether this API key may go live (TRaX only shows that when you try)"]',
        ),
        sent=("POST go-live",),
        passes=True,
    ),
    Row(
        name="health_404",
        trax="Has no health.",
        play=refused(HEALTH, 404, "no_route"),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'check_studio: "Friday Night Show" is off air and ready to go live on YouTube and Twitch. Not everything could be read.',
            'go_live asks: Anyone can watch. / Streams to: "Late crowd" (Twitch), "Main channel" (YouTube) / Stays off: "Kick (trying out)" (Kick) / May be on screen: "Host camera", "Intro clip" / whether TRaX accepts changes (TRaX refused the call (HTTP 404, code "no_route") (TRaX says: "TRaX says why.")) / [Go live on YouTube and Twitch]',
        ),
        model=(
            'find_studio: details.unknown=["whether TRaX accepts changes (TRaX refused the call (HTTP 404, code \\"no_route\\") (TRaX says: \\"TRaX says why.\\"))", "whether this API key may go live (TRaX only shows that when you try)"]',
            'check_studio: studios.0.unknown=["whether TRaX accepts changes (TRaX refused the call (HTTP 404, code \\"no_route\\") (TRaX says: \\"TRaX says why.\\"))", "whether this API key may go live (TRaX only shows that when you try)"]',
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="health_page",
        trax="Answers its own health with a web page.",
        play=page(HEALTH),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'check_studio: "Friday Night Show" is off air and ready to go live on YouTube and Twitch. Not everything could be read.',
            'go_live asks: Anyone can watch. / Streams to: "Late crowd" (Twitch), "Main channel" (YouTube) / Stays off: "Kick (trying out)" (Kick) / May be on screen: "Host camera", "Intro clip" / whether TRaX accepts changes (A page (text/html), not TRaX\'s API, answered get_health with HTTP 200) / [Go live on YouTube and Twitch]',
        ),
        model=(
            'find_studio: details.unknown=["whether TRaX accepts changes (A page (text/html), not TRaX\'s API, answered get_health with HTTP 200)", "whether this API key may go live (TRaX only shows that when you try)"]',
            'check_studio: studios.0.unknown=["whether TRaX accepts changes (A page (text/html), not TRaX\'s API, answered get_health with HTTP 200)", "whether this API key may go live (TRaX only shows that when you try)"]',
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="health_degraded",
        trax="Says that its health is degraded.",
        play=fields(HEALTH, status="degraded"),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        sent=("POST go-live",),
    ),
    Row(
        name="health_write_null",
        trax="Says writeEnabled: null.",
        play=fields(HEALTH, writeEnabled=None),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        sent=("POST go-live",),
    ),
    Row(
        name="connections_402",
        trax="Answers 402 for the linked accounts.",
        play=refused(CONNECTIONS, 402, "plan_limit", "Not in your plan."),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'check_studio: "Friday Night Show" is off air and ready to go live on YouTube and Twitch. Not everything could be read.',
            'go_live asks: Anyone can watch. / Streams to: "Late crowd" (Twitch), "Main channel" (YouTube) / Stays off: "Kick (trying out)" (Kick) / May be on screen: "Host camera", "Intro clip" / the linked accounts (TRaX refused the call (HTTP 402, code "plan_limit") (TRaX says: "Not in your plan.")) / [Go live on YouTube and Twitch]',
        ),
        model=(
            'find_studio: details.unknown=["the linked accounts (TRaX refused the call (HTTP 402, code \\"plan_limit\\") (TRaX says: \\"Not in your plan.\\"))", "whether this API key may go live (TRaX only shows that when you try)"]',
            'check_studio: studios.0.unknown=["the linked accounts (TRaX refused the call (HTTP 402, code \\"plan_limit\\") (TRaX says: \\"Not in your plan.\\"))", "whether this API key may go live (TRaX only shows that when you try)"]',
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="sources_451",
        trax="Answers 451 for the sources.",
        play=refused(SOURCES, 451, "blocked", "Not in your country."),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'check_studio: "Friday Night Show" is off air and ready to go live on YouTube and Twitch. Not everything could be read.',
            'go_live asks: Anyone can watch. / Streams to: "Late crowd" (Twitch), "Main channel" (YouTube) / Stays off: "Kick (trying out)" (Kick) / the sources (TRaX refused the call (HTTP 451, code "blocked") (TRaX says: "Not in your country.")) / [Go live on YouTube and Twitch]',
        ),
        model=(
            'find_studio: details.unknown=["the sources (TRaX refused the call (HTTP 451, code \\"blocked\\") (TRaX says: \\"Not in your country.\\"))", "whether this API key may go live (TRaX only shows that when you try)"], no details.sources.0.id, no details.sources.0.name, no details.sources.0.type, and 9 more',
            'check_studio: studios.0.unknown=["the sources (TRaX refused the call (HTTP 451, code \\"blocked\\") (TRaX says: \\"Not in your country.\\"))", "whether this API key may go live (TRaX only shows that when you try)"], no studios.0.sources.0.id, no studios.0.sources.0.name, no studios.0.sources.0.type, and 9 more',
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="connections_page",
        trax="Answers the linked accounts with a login page and 200.",
        play=page(CONNECTIONS),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'check_studio: "Friday Night Show" is off air and ready to go live on YouTube and Twitch. Not everything could be read.',
            'go_live asks: Anyone can watch. / Streams to: "Late crowd" (Twitch), "Main channel" (YouTube) / Stays off: "Kick (trying out)" (Kick) / May be on screen: "Host camera", "Intro clip" / the linked accounts (A page (text/html), not TRaX\'s API, answered list_connections with HTTP 200) / [Go live on YouTube and Twitch]',
        ),
        model=(
            'find_studio: details.unknown=["the linked accounts (A page (text/html), not TRaX\'s API, answered list_connections with HTTP 200)", "whether this API key may go live (TRaX only shows that when you try)"]',
            'check_studio: studios.0.unknown=["the linked accounts (A page (text/html), not TRaX\'s API, answered list_connections with HTTP 200)", "whether this API key may go live (TRaX only shows that when you try)"]',
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="destinations_page",
        trax="Answers the destinations with a login page and 200.",
        play=page(DESTINATIONS),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'check_studio: "Friday Night Show" is off air. It\'s unclear whether it could go live. Not everything could be read.',
            "go_live asks: A page (text/html), not TRaX's API, answered the call with HTTP 200. The change wasn't sent.",
        ),
        model=(
            'find_studio: details.unknown=["the destinations (A page (text/html), not TRaX\'s API, answered list_destinations with HTTP 200)", "whether this API key may go live (TRaX only shows that when you try)"], no matches.0.destinations, no matches.1.destinations, no matches.2.destinations, and 13 more',
            'check_studio: studios.0.unknown=["the destinations (A page (text/html), not TRaX\'s API, answered list_destinations with HTTP 200)", "whether this API key may go live (TRaX only shows that when you try)"], no studios.0.ready, no studios.0.destinations.0.id, no studios.0.destinations.0.name, and 10 more',
            "go_live asks: bad_answer, not_applied, call again: A page (text/html), not TRaX's API, answered list_destinations with HTTP 200. The change wasn't sent. Call again later.",
        ),
        passes=True,
    ),
    Row(
        name="sources_dropped",
        trax="Closes the connection of each list of sources.",
        play=dropped(SOURCES, times=None),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'check_studio: "Friday Night Show" is off air and ready to go live on YouTube and Twitch. Not everything could be read.',
            'go_live asks: Anyone can watch. / Streams to: "Late crowd" (Twitch), "Main channel" (YouTube) / Stays off: "Kick (trying out)" (Kick) / the sources (The connection to TRaX broke before it answered) / [Go live on YouTube and Twitch]',
        ),
        model=(
            'find_studio: details.unknown=["the sources (The connection to TRaX broke before it answered)", "whether this API key may go live (TRaX only shows that when you try)"], no details.sources.0.id, no details.sources.0.name, no details.sources.0.type, and 9 more',
            'check_studio: studios.0.unknown=["the sources (The connection to TRaX broke before it answered)", "whether this API key may go live (TRaX only shows that when you try)"], no studios.0.sources.0.id, no studios.0.sources.0.name, no studios.0.sources.0.type, and 9 more',
        ),
        sent=("POST go-live",),
        passes=True,
    ),
    Row(
        name="connections_slow",
        trax="Takes a minute for the linked accounts.",
        play=slow(CONNECTIONS, 60),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        sent=("POST go-live",),
        passes=True,
    ),
    Row(
        name="destinations_206",
        trax="Answers the destinations with 206.",
        play=rewritten(DESTINATIONS, lambda it: replace(it, status=206)),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        sent=("POST go-live",),
    ),
    Row(
        name="destinations_cut_off",
        trax="Closes the connection inside the list of destinations.",
        play=fault(DESTINATIONS, Fault.broken_off()),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'check_studio: "Friday Night Show" is off air. It\'s unclear whether it could go live. Not everything could be read.',
            "go_live asks: The destinations couldn't be read: The connection to TRaX broke before it answered. The change wasn't sent.",
        ),
        model=(
            'find_studio: details.unknown=["the destinations (The connection to TRaX broke before it answered)", "whether this API key may go live (TRaX only shows that when you try)"], no matches.0.destinations, no matches.1.destinations, no matches.2.destinations, and 13 more',
            'check_studio: studios.0.unknown=["the destinations (The connection to TRaX broke before it answered)", "whether this API key may go live (TRaX only shows that when you try)"], no studios.0.ready, no studios.0.destinations.0.id, no studios.0.destinations.0.name, and 10 more',
            "go_live asks: unreachable, not_applied, call again: The destinations couldn't be read: The connection to TRaX broke before it answered. The change wasn't sent. Call again later.",
        ),
        passes=True,
    ),
)
