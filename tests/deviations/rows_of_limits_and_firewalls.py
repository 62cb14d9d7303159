"""Reads that a missing scope, a limit or something before TRaX refuses."""

from __future__ import annotations

from typing import Final

from tests.deviations import scenarios
from tests.deviations.plays import (
    CONNECTIONS,
    DESTINATIONS,
    EVERY,
    READS,
    STATUS,
    by_name,
    page,
    refused,
)
from tests.deviations.row import Row

ROWS: Final = (
    Row(
        name="scope_as_404",
        trax="Answers 404 where the key may not read the linked accounts.",
        play=refused(CONNECTIONS, 404, "not_found"),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'check_studio: "Friday Night Show" is off air and ready to go live on YouTube and Twitch. Not everything could be read.',
            'go_live asks: Anyone can watch. / Streams to: "Late crowd" (Twitch), "Main channel" (YouTube) / Stays off: "Kick (trying out)" (Kick) / May be on screen: "Host camera", "Intro clip" / the linked accounts (TRaX answered HTTP 404: the key may lack a scope) / [Go live on YouTube and Twitch]',
        ),
        model=(
            'find_studio: details.unknown=["the linked accounts (TRaX answered HTTP 404)", "whether this API key may go live (TRaX only shows that when you try)"]',
            'check_studio: studios.0.unknown=["the linked accounts (TRaX answered HTTP 404: the key may lack a scope)", "whether this API key may go live (TRaX only shows that when you try)"]',
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="scope_as_401",
        trax="Answers 401 where the key may not read the linked accounts.",
        play=refused(CONNECTIONS, 401, "unauthorized"),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'check_studio: "Friday Night Show" is off air and ready to go live on YouTube and Twitch. Not everything could be read.',
            'go_live asks: Anyone can watch. / Streams to: "Late crowd" (Twitch), "Main channel" (YouTube) / Stays off: "Kick (trying out)" (Kick) / May be on screen: "Host camera", "Intro clip" / the linked accounts (TRaX answered HTTP 401: the key may lack a scope) / [Go live on YouTube and Twitch]',
        ),
        model=(
            'find_studio: details.unknown=["the linked accounts (TRaX refused the call (HTTP 401, code \\"unauthorized\\") (TRaX says: \\"TRaX says why.\\"))", "whether this API key may go live (TRaX only shows that when you try)"]',
            'check_studio: studios.0.unknown=["the linked accounts (TRaX answered HTTP 401: the key may lack a scope)", "whether this API key may go live (TRaX only shows that when you try)"]',
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="scope_of_status",
        trax="Answers 403 where the key may not read the status.",
        play=refused(STATUS, 403, "insufficient_scope", "This key lacks stream:read."),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'find_studio: The likely one is "Friday Night Show". "Friday Night Show (rehearsal)" matches too. It\'s unclear whether it\'s on air: the key lacks stream:read.',
            'check_studio: It\'s unclear whether "Friday Night Show" is on air, with YouTube and Twitch on. Not everything could be read.',
            'go_live asks: Anyone can watch. / Streams to: "Late crowd" (Twitch), "Main channel" (YouTube) / Stays off: "Kick (trying out)" (Kick) / May be on screen: "Host camera", "Intro clip" / whether the studio is live (the key lacks stream:read) / [Go live on YouTube and Twitch]',
            'go_live: TRaX accepted the start, on YouTube ("Main channel") and Twitch ("Late crowd"), but trax-mcp couldn\'t tell whether "Friday Night Show" is on air.',
        ),
        model=(
            "find_studio: matches.0.live=null, matches.1.live=null, matches.2.live=null, matches.3.live=null, and 1 more",
            'check_studio: studios.0.live=null, studios.0.unknown=["whether the studio is live (the key lacks stream:read)"], no studios.0.ready',
            "go_live: message=Check with check_studio in a minute. If it's off air then, ask the user again., observed.state=unknown, no observed.since",
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="scope_of_destinations",
        trax="Answers 403 where the key may not read the destinations.",
        play=refused(DESTINATIONS, 403, "insufficient_scope", "This key lacks destinations:read."),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'check_studio: "Friday Night Show" is off air. It\'s unclear whether it could go live. Not everything could be read.',
            'go_live asks: Anyone can watch. / May be on screen: "Host camera", "Intro clip" / the destinations (the key lacks destinations:read) / [Go live]',
            'go_live: "Friday Night Show" went live at 18:00:08 UTC, on the destination "dest_1" and the destination "dest_2". TRaX can\'t confirm that a picture arrives.',
        ),
        model=(
            'find_studio: details.unknown=["the destinations (the key lacks destinations:read)", "whether this API key may go live (TRaX only shows that when you try)"], no matches.0.destinations, no matches.1.destinations, no matches.2.destinations, and 13 more',
            'check_studio: studios.0.unknown=["the destinations (the key lacks destinations:read)", "whether this API key may go live (TRaX only shows that when you try)"], no studios.0.ready, no studios.0.destinations.0.id, no studios.0.destinations.0.name, and 10 more',
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="scopes_golive_only",
        trax="Answers each read but the health with 403.",
        play=refused("GET /v1/[sc]*", 403, "insufficient_scope"),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'find_studio: The key lacks the scope "studios:read" (TRaX says: "TRaX says why.").',
            "check_studio: It's unclear whether the studio is on air. Not everything could be read.",
            'go_live asks: The key lacks the scope "stream:read" (TRaX says: "TRaX says why."). The change wasn\'t sent.',
        ),
        model=(
            'find_studio: insufficient_scope, not_applied: The key lacks the scope "studios:read" (TRaX says: "TRaX says why."). Use a key that has it. Keys are created on TRaX\'s Developer / API Keys screen.',
            'check_studio: studios.0.name=null, studios.0.live=null, studios.0.unknown=["the studio\'s name (the key lacks studios:read)", "whether the studio is live (the key lacks stream:read)", "the destinations (the key lacks destinations:read)", "the sources (the key lacks sources:read)", "the linked accounts (the key lacks connections:read)"], no studios.0.ready, and 24 more',
            'go_live asks: insufficient_scope, not_applied: The key lacks the scope "stream:read" (TRaX says: "TRaX says why."). The change wasn\'t sent. Use a key that has it. Keys are created on TRaX\'s Developer / API Keys screen.',
        ),
    ),
    Row(
        name="html_403_challenge",
        trax="A firewall answers each read with 403 and a page.",
        play=page(READS, 403),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            "find_studio: A page (text/html), not TRaX's API, answered 403.",
            "check_studio: A page (text/html), not TRaX's API, answered 403.",
            "go_live asks: A page (text/html), not TRaX's API, answered 403. The change wasn't sent.",
        ),
        model=(
            "find_studio: bad_answer, not_applied: A page (text/html), not TRaX's API, answered 403. Check the network and TRAX_BASE_URL.",
            "check_studio: bad_answer, not_applied: A page (text/html), not TRaX's API, answered 403. Check the network and TRAX_BASE_URL.",
            "go_live asks: bad_answer, not_applied: A page (text/html), not TRaX's API, answered 403. The change wasn't sent. Check the network and TRAX_BASE_URL.",
        ),
    ),
    Row(
        name="html_404_everything",
        trax="Answers everything with 404 and a page.",
        play=page(EVERY, 404),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            "find_studio: A page (text/html), not TRaX's API, answered 404.",
            "check_studio: A page (text/html), not TRaX's API, answered 404.",
            "go_live asks: The studio's name couldn't be read: A page (text/html), not TRaX's API, answered 404. The change wasn't sent.",
        ),
        model=(
            "find_studio: bad_answer, not_applied: A page (text/html), not TRaX's API, answered 404. Check the network and TRAX_BASE_URL.",
            "check_studio: bad_answer, not_applied: A page (text/html), not TRaX's API, answered 404. Check the network and TRAX_BASE_URL.",
            "go_live asks: bad_answer, not_applied: The studio's name couldn't be read: A page (text/html), not TRaX's API, answered 404. The change wasn't sent. Check the network and TRAX_BASE_URL.",
        ),
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
        name="html_502_all_reads",
        trax="Answers each read with 502 and a page.",
        play=page(READS, 502),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            "find_studio: A page (text/html), not TRaX's API, answered 502.",
            "check_studio: A page (text/html), not TRaX's API, answered 502.",
            "go_live asks: The studio's name couldn't be read: A page (text/html), not TRaX's API, answered 502. The change wasn't sent.",
        ),
        model=(
            "find_studio: bad_answer, not_applied, call again: A page (text/html), not TRaX's API, answered 502. Call again later.",
            "check_studio: bad_answer, not_applied, call again: A page (text/html), not TRaX's API, answered 502. Call again later.",
            "go_live asks: bad_answer, not_applied, call again: The studio's name couldn't be read: A page (text/html), not TRaX's API, answered 502. The change wasn't sent. Call again later.",
        ),
        passes=True,
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
        name="rl_reads_30s",
        trax="Refuses each read with 429 and Retry-After: 30.",
        play=refused(READS, 429, "rate_limited", Retry_After="30"),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'find_studio: TRaX is rate limiting this API key (TRaX says: "TRaX says why.").',
            'check_studio: TRaX is rate limiting this API key (TRaX says: "TRaX says why.").',
            "go_live asks: The studio's name couldn't be read: TRaX is rate limiting this API key (TRaX says: \"TRaX says why.\"). The change wasn't sent.",
        ),
        model=(
            'find_studio: rate_limited, not_applied, call again: TRaX is rate limiting this API key (TRaX says: "TRaX says why."). Call again in 30 s.',
            'check_studio: rate_limited, not_applied, call again: TRaX is rate limiting this API key (TRaX says: "TRaX says why."). Call again in 30 s.',
            "go_live asks: rate_limited, not_applied, call again: The studio's name couldn't be read: TRaX is rate limiting this API key (TRaX says: \"TRaX says why.\"). The change wasn't sent. Call again in 30 s.",
        ),
        passes=True,
    ),
    Row(
        name="rl_connections",
        trax="Refuses lists of linked accounts with 429 and Retry-After: 30.",
        play=refused(CONNECTIONS, 429, "rate_limited", Retry_After="30"),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'check_studio: "Friday Night Show" is off air and ready to go live on YouTube and Twitch. Not everything could be read.',
            'go_live asks: Anyone can watch. / Streams to: "Late crowd" (Twitch), "Main channel" (YouTube) / Stays off: "Kick (trying out)" (Kick) / May be on screen: "Host camera", "Intro clip" / the linked accounts (TRaX is rate limiting this API key (TRaX says: "TRaX says why.")) / [Go live on YouTube and Twitch]',
        ),
        model=(
            'find_studio: details.unknown=["the linked accounts (TRaX is rate limiting this API key (TRaX says: \\"TRaX says why.\\"))", "whether this API key may go live (TRaX only shows that when you try)"]',
            'check_studio: studios.0.unknown=["the linked accounts (TRaX is rate limiting this API key (TRaX says: \\"TRaX says why.\\"))", "whether this API key may go live (TRaX only shows that when you try)"]',
        ),
        sent=("POST go-live",),
        passes=True,
    ),
    Row(
        name="rl_tight_bucket",
        trax="Refuses each third request with 429 and Retry-After: 1.",
        play=by_name("rate-limit"),
        calls=scenarios.WHOLE_SHOW,
        person=(
            'go_live: TRaX is rate limiting this API key (TRaX says: "Too many requests."). Nothing changed.',
            "go_offline asks: The show ends for all viewers. / It doesn't seem to be on air. If it's just starting, that's stopped too. / the destinations (TRaX didn't say) / [Go offline]",
        ),
        model=(
            'find_studio: details.unknown=["the sources (TRaX is rate limiting this API key (TRaX says: \\"Too many requests.\\"))", "whether this API key may go live (TRaX only shows that when you try)"], no details.sources.0.id, no details.sources.0.name, no details.sources.0.type, and 9 more',
            'go_live: rate_limited, not_applied, call again: TRaX is rate limiting this API key (TRaX says: "Too many requests."). Nothing changed. Call again in 1 s. The same `confirmation` still works until it expires.',
        ),
        sent=("POST go-live", "POST go-offline"),
        passes=True,
        stops_again=True,
    ),
)
