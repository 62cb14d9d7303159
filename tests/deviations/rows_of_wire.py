"""Other bytes: compression, redirects, encodings, and JSON that is none."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import Final

from tests.deviations import scenarios
from tests.deviations.plays import (
    CONNECTIONS,
    DESTINATIONS,
    EVERY,
    READS,
    answered,
    body,
    by_name,
    headers,
    rewritten,
)
from tests.deviations.plays_of_bytes import bomb, in_utf16, moved, packed, said_twice
from tests.deviations.row import Row

ROWS: Final = (
    Row(
        name="gzip_forced",
        trax="Compresses each answer with gzip, though the client wants that not.",
        play=by_name("gzip"),
        calls=scenarios.WHOLE_SHOW,
        sent=(
            "POST go-live",
            "POST go-offline",
        ),
    ),
    Row(
        name="br_forced",
        trax="Compresses each answer with brotli.",
        play=packed(EVERY, "br", lambda it: b"\x0b" + it),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            "find_studio: The answer is compressed (br), though plain was asked for.",
            "check_studio: The answer is compressed (br), though plain was asked for.",
            "go_live asks: The answer is compressed (br), though plain was asked for; the change was not sent.",
        ),
        model=(
            "find_studio: bad_answer, not_applied: The answer to list_studios is compressed (br), though plain was asked for. `trax-mcp doctor` looks further.",
            "check_studio: bad_answer, not_applied: The answer to get_studio is compressed (br), though plain was asked for. `trax-mcp doctor` looks further.",
            "go_live asks: bad_answer, not_applied: The answer to get_studio is compressed (br), though plain was asked for; the change was not sent. `trax-mcp doctor` looks further.",
        ),
    ),
    Row(
        name="deflate_forced",
        trax="Compresses each answer with deflate.",
        play=packed(EVERY, "deflate", zlib.compress),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        sent=("POST go-live",),
    ),
    Row(
        name="gzip_bomb",
        trax="Answers the linked accounts with a megabyte that becomes a gigabyte.",
        play=packed(CONNECTIONS, "gzip", bomb),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'check_studio: "Friday Night Show" is off air and could go live; switched on: YouTube and Twitch. Not everything could be read.',
            'go_live asks: Anyone can watch. / Streams to: "Late crowd" (Twitch), "Main channel" (YouTube) / Stays off: "Kick (trying out)" (Kick) / May be on screen: "Host camera", "Intro clip" / the linked accounts (The answer to list_connections is larger than 4 MiB) / [Go live on YouTube and Twitch]',
        ),
        model=(
            'find_studio: details.unknown=["the linked accounts (The answer to list_connections is larger than 4 MiB)", "whether this server\'s API key may go live (TRaX tells only when it is tried)"]',
            'check_studio: studios.0.unknown=["the linked accounts (The answer to list_connections is larger than 4 MiB)", "whether this server\'s API key may go live (TRaX tells only when it is tried)"]',
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="gzip_said_not_done",
        trax="Says gzip, and compresses nothing.",
        play=headers(READS, Content_Encoding="gzip"),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            "find_studio: The answer is compressed (gzip), and damaged.",
            "check_studio: The answer is compressed (gzip), and damaged.",
            "go_live asks: The answer is compressed (gzip), and damaged; the change was not sent.",
        ),
        model=(
            "find_studio: bad_answer, not_applied: The answer to list_studios is compressed (gzip), and damaged. `trax-mcp doctor` looks further.",
            "check_studio: bad_answer, not_applied: The answer to get_studio is compressed (gzip), and damaged. `trax-mcp doctor` looks further.",
            "go_live asks: bad_answer, not_applied: The answer to get_studio is compressed (gzip), and damaged; the change was not sent. `trax-mcp doctor` looks further.",
        ),
    ),
    Row(
        name="redirect_301_slash",
        trax="Redirects each path to itself with a slash.",
        play=moved(READS, 301, "/v1/studios/?key=secret"),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            "find_studio: TRaX's address answered with a redirect to another path there (HTTP 301), which is not followed.",
            "check_studio: TRaX's address answered with a redirect to another path there (HTTP 301), which is not followed.",
            "go_live asks: The studio's name couldn't be read: TRaX's address answered with a redirect to another path there (HTTP 301), which is not followed; the change was not sent.",
        ),
        model=(
            "find_studio: bad_answer, not_applied: TRaX's address answered with a redirect to another path there (HTTP 301), which is not followed. Check TRAX_BASE_URL.",
            "check_studio: bad_answer, not_applied: TRaX's address answered with a redirect to another path there (HTTP 301), which is not followed. Check TRAX_BASE_URL.",
            "go_live asks: bad_answer, not_applied: The studio's name couldn't be read: TRaX's address answered with a redirect to another path there (HTTP 301), which is not followed; the change was not sent. Check TRAX_BASE_URL.",
        ),
    ),
    Row(
        name="redirect_308_host",
        trax="Redirects everything to another host.",
        play=moved(EVERY, 308, "https://eu.trax.example/v1?key=secret"),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'find_studio: TRaX\'s address answered with a redirect to "eu.trax.example" (HTTP 308), which is not followed.',
            'check_studio: TRaX\'s address answered with a redirect to "eu.trax.example" (HTTP 308), which is not followed.',
            "go_live asks: The studio's name couldn't be read: TRaX's address answered with a redirect to \"eu.trax.example\" (HTTP 308), which is not followed; the change was not sent.",
        ),
        model=(
            'find_studio: bad_answer, not_applied: TRaX\'s address answered with a redirect to "eu.trax.example" (HTTP 308), which is not followed. Check TRAX_BASE_URL.',
            'check_studio: bad_answer, not_applied: TRaX\'s address answered with a redirect to "eu.trax.example" (HTTP 308), which is not followed. Check TRAX_BASE_URL.',
            "go_live asks: bad_answer, not_applied: The studio's name couldn't be read: TRaX's address answered with a redirect to \"eu.trax.example\" (HTTP 308), which is not followed; the change was not sent. Check TRAX_BASE_URL.",
        ),
    ),
    Row(
        name="redirect_302_login",
        trax="Redirects each read to a login page.",
        play=moved(READS, 302, "https://login.example/start?key=secret"),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'find_studio: TRaX\'s address answered with a redirect to "login.example" (HTTP 302), which is not followed.',
            'check_studio: TRaX\'s address answered with a redirect to "login.example" (HTTP 302), which is not followed.',
            "go_live asks: The studio's name couldn't be read: TRaX's address answered with a redirect to \"login.example\" (HTTP 302), which is not followed; the change was not sent.",
        ),
        model=(
            'find_studio: bad_answer, not_applied: TRaX\'s address answered with a redirect to "login.example" (HTTP 302), which is not followed. Check TRAX_BASE_URL.',
            'check_studio: bad_answer, not_applied: TRaX\'s address answered with a redirect to "login.example" (HTTP 302), which is not followed. Check TRAX_BASE_URL.',
            "go_live asks: bad_answer, not_applied: The studio's name couldn't be read: TRaX's address answered with a redirect to \"login.example\" (HTTP 302), which is not followed; the change was not sent. Check TRAX_BASE_URL.",
        ),
    ),
    Row(
        name="redirect_writes_308",
        trax="Redirects changes to another host.",
        play=moved("POST *", 308, "https://eu.trax.example/v1/go-live"),
        calls=scenarios.GO_LIVE,
        person=(
            'go_live: TRaX\'s address answered with a redirect to "eu.trax.example" (HTTP 308), which is not followed; whether it took effect is not known.',
        ),
        model=(
            'go_live: bad_answer, unknown: TRaX\'s address answered with a redirect to "eu.trax.example" (HTTP 308), which is not followed; whether it took effect is not known. Look with check_studio in a minute; if it is off air then, ask the user again.',
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="utf16",
        trax="Answers in UTF-16.",
        play=rewritten(READS, in_utf16),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            "find_studio: The answer isn't a JSON object.",
            "check_studio: The answer isn't a JSON object.",
            "go_live asks: The answer isn't a JSON object; the change was not sent.",
        ),
        model=(
            "find_studio: bad_answer, not_applied, call again: The answer to list_studios isn't a JSON object. Call again later.",
            "check_studio: bad_answer, not_applied, call again: The answer to get_studio isn't a JSON object. Call again later.",
            "go_live asks: bad_answer, not_applied, call again: The answer to get_studio isn't a JSON object; the change was not sent. Call again later.",
        ),
        passes=True,
    ),
    Row(
        name="bom",
        trax="Begins each answer with a byte order mark.",
        play=body(EVERY, lambda it: b"\xef\xbb\xbf" + it),
        calls=scenarios.WHOLE_SHOW,
        sent=(
            "POST go-live",
            "POST go-offline",
        ),
    ),
    Row(
        name="ctype_text_plain",
        trax="Says that its JSON is plain text.",
        play=rewritten(EVERY, lambda it: replace(it, content_type="text/plain")),
        calls=scenarios.WHOLE_SHOW,
        sent=(
            "POST go-live",
            "POST go-offline",
        ),
    ),
    Row(
        name="ctype_html",
        trax="Says that its JSON is a web page.",
        play=rewritten(EVERY, lambda it: replace(it, content_type="text/html")),
        calls=scenarios.WHOLE_SHOW,
        sent=(
            "POST go-live",
            "POST go-offline",
        ),
    ),
    Row(
        name="json_and_more",
        trax="Adds a comment to each list of destinations.",
        play=body(DESTINATIONS, lambda it: it + b"<!-- 12 ms -->"),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'check_studio: "Friday Night Show" is off air. Whether it could go live is not known. Not everything could be read.',
            "go_live asks: The answer isn't a JSON object; the change was not sent.",
        ),
        model=(
            'find_studio: details.unknown=["the destinations (The answer to list_destinations isn\'t a JSON object)", "whether this server\'s API key may go live (TRaX tells only when it is tried)"], no matches.0.destinations, no matches.1.destinations, no details.destinations.0.id, and 11 more',
            'check_studio: studios.0.unknown=["the destinations (The answer to list_destinations isn\'t a JSON object)", "whether this server\'s API key may go live (TRaX tells only when it is tried)"], no studios.0.ready, no studios.0.destinations.0.id, no studios.0.destinations.0.name, and 10 more',
            "go_live asks: bad_answer, not_applied, call again: The answer to list_destinations isn't a JSON object; the change was not sent. Call again later.",
        ),
        passes=True,
    ),
    Row(
        name="json_duplicate_keys",
        trax="Says `enabled` twice of each destination: false, then true.",
        play=body(DESTINATIONS, said_twice),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        sent=("POST go-live",),
    ),
    Row(
        name="json_nan",
        trax="Says NaN where a number would be.",
        play=body(READS, lambda it: it.replace(b"{", b'{"load":NaN,', 1)),
        calls=scenarios.WHOLE_SHOW,
        person=(
            "find_studio: The answer isn't a JSON object.",
            "check_studio: The answer isn't a JSON object.",
            "go_live asks: The answer isn't a JSON object; the change was not sent.",
            "go_offline asks: The show ends for all viewers. / the studio's name (TRaX did not tell) / whether the studio is live (TRaX did not tell) / the destinations (TRaX did not tell) / [Go offline]",
            "go_offline: It's not known whether the studio is on air: TRaX accepted the stop, but its status couldn't be read. If it's on air, end it on TRaX's own site, or on the platforms.",
            "check_studio later: The answer isn't a JSON object.",
        ),
        model=(
            "find_studio: bad_answer, not_applied, call again: The answer to list_studios isn't a JSON object. Call again later.",
            "check_studio: bad_answer, not_applied, call again: The answer to get_studio isn't a JSON object. Call again later.",
            "go_live asks: bad_answer, not_applied, call again: The answer to get_studio isn't a JSON object; the change was not sent. Call again later.",
            "go_offline: message=Look with get_stream_status, and on the platforms; a second go_offline is harmless., observed.state=unknown",
            "check_studio later: bad_answer, not_applied, call again: The answer to get_studio isn't a JSON object. Call again later.",
        ),
        sent=("POST go-offline",),
        passes=True,
    ),
    Row(
        name="json_huge_number",
        trax="Says a number of 5,000 digits.",
        play=body(READS, lambda it: it.replace(b"{", b'{"load":' + b"9" * 5000 + b",", 1)),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            "find_studio: The answer isn't a JSON object.",
            "check_studio: The answer isn't a JSON object.",
            "go_live asks: The answer isn't a JSON object; the change was not sent.",
        ),
        model=(
            "find_studio: bad_answer, not_applied, call again: The answer to list_studios isn't a JSON object. Call again later.",
            "check_studio: bad_answer, not_applied, call again: The answer to get_studio isn't a JSON object. Call again later.",
            "go_live asks: bad_answer, not_applied, call again: The answer to get_studio isn't a JSON object; the change was not sent. Call again later.",
        ),
        passes=True,
    ),
    Row(
        name="json_deep",
        trax="Nests the destinations 10,000 deep.",
        play=answered(DESTINATIONS, 200, "[" * 10_000 + "]" * 10_000),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'check_studio: "Friday Night Show" is off air. Whether it could go live is not known. Not everything could be read.',
            "go_live asks: The answer isn't a JSON object; the change was not sent.",
        ),
        model=(
            'find_studio: details.unknown=["the destinations (The answer to list_destinations isn\'t a JSON object)", "whether this server\'s API key may go live (TRaX tells only when it is tried)"], no matches.0.destinations, no matches.1.destinations, no details.destinations.0.id, and 11 more',
            'check_studio: studios.0.unknown=["the destinations (The answer to list_destinations isn\'t a JSON object)", "whether this server\'s API key may go live (TRaX tells only when it is tried)"], no studios.0.ready, no studios.0.destinations.0.id, no studios.0.destinations.0.name, and 10 more',
            "go_live asks: bad_answer, not_applied, call again: The answer to list_destinations isn't a JSON object; the change was not sent. Call again later.",
        ),
        passes=True,
    ),
    Row(
        name="empty_200",
        trax="Answers the destinations with 200 and nothing.",
        play=answered(DESTINATIONS, 200),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'check_studio: "Friday Night Show" is off air. Whether it could go live is not known. Not everything could be read.',
            "go_live asks: The answer is empty; the change was not sent.",
        ),
        model=(
            'find_studio: details.unknown=["the destinations (The answer to list_destinations is empty)", "whether this server\'s API key may go live (TRaX tells only when it is tried)"], no matches.0.destinations, no matches.1.destinations, no details.destinations.0.id, and 11 more',
            'check_studio: studios.0.unknown=["the destinations (The answer to list_destinations is empty)", "whether this server\'s API key may go live (TRaX tells only when it is tried)"], no studios.0.ready, no studios.0.destinations.0.id, no studios.0.destinations.0.name, and 10 more',
            "go_live asks: bad_answer, not_applied, call again: The answer to list_destinations is empty; the change was not sent. Call again later.",
        ),
        passes=True,
    ),
    Row(
        name="deprecation_headers",
        trax="Says that all is deprecated.",
        play=headers(EVERY, Deprecation="true", Sunset="Sat, 01 Jan 2028 00:00:00 GMT"),
        calls=scenarios.WHOLE_SHOW,
        sent=(
            "POST go-live",
            "POST go-offline",
        ),
    ),
)
