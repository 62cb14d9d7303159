"""Other bytes: compression, redirects, encodings, and JSON that is none."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from tests.deviations import scenarios
from tests.deviations.plays import DESTINATIONS, EVERY, READS, answered, body, headers, rewritten
from tests.deviations.plays_of_bytes import in_utf16, said_twice
from tests.deviations.row import Row

ROWS: Final = (
    Row(
        name="utf16",
        trax="Answers in UTF-16.",
        play=rewritten(READS, in_utf16),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            "find_studio: The answer isn't a JSON object.",
            "check_studio: The answer isn't a JSON object.",
            "go_live asks: The answer isn't a JSON object. The change wasn't sent.",
        ),
        model=(
            "find_studio: bad_answer, not_applied, call again: The answer to list_studios isn't a JSON object. Call again later.",
            "check_studio: bad_answer, not_applied, call again: The answer to get_studio isn't a JSON object. Call again later.",
            "go_live asks: bad_answer, not_applied, call again: The answer to get_studio isn't a JSON object. The change wasn't sent. Call again later.",
        ),
        passes=True,
    ),
    Row(
        name="bom",
        trax="Begins each answer with a byte order mark.",
        play=body(EVERY, lambda it: b"\xef\xbb\xbf" + it),
        calls=scenarios.WHOLE_SHOW,
        sent=("POST go-live", "POST go-offline"),
    ),
    Row(
        name="ctype_text_plain",
        trax="Says that its JSON is plain text.",
        play=rewritten(EVERY, lambda it: replace(it, content_type="text/plain")),
        calls=scenarios.WHOLE_SHOW,
        sent=("POST go-live", "POST go-offline"),
    ),
    Row(
        name="ctype_html",
        trax="Says that its JSON is a web page.",
        play=rewritten(EVERY, lambda it: replace(it, content_type="text/html")),
        calls=scenarios.WHOLE_SHOW,
        sent=("POST go-live", "POST go-offline"),
    ),
    Row(
        name="json_and_more",
        trax="Adds a comment to each list of destinations.",
        play=body(DESTINATIONS, lambda it: it + b"<!-- 12 ms -->"),
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
            "go_live asks: The answer isn't a JSON object. The change wasn't sent.",
            "go_offline asks: The show ends for all viewers. / the studio's name (TRaX didn't say) / whether the studio is live (TRaX didn't say) / the destinations (TRaX didn't say) / [Go offline]",
            "go_offline: The show may still be on air: TRaX accepted the request to go offline, but the status couldn't be read. If it's on air, end it on TRaX's own site or on the platforms.",
            "check_studio later: The answer isn't a JSON object.",
        ),
        model=(
            "find_studio: bad_answer, not_applied, call again: The answer to list_studios isn't a JSON object. Call again later.",
            "check_studio: bad_answer, not_applied, call again: The answer to get_studio isn't a JSON object. Call again later.",
            "go_live asks: bad_answer, not_applied, call again: The answer to get_studio isn't a JSON object. The change wasn't sent. Call again later.",
            "go_offline: message=Check get_stream_status and the platforms. Sending go_offline again is safe., observed.state=unknown",
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
            "go_live asks: The answer isn't a JSON object. The change wasn't sent.",
        ),
        model=(
            "find_studio: bad_answer, not_applied, call again: The answer to list_studios isn't a JSON object. Call again later.",
            "check_studio: bad_answer, not_applied, call again: The answer to get_studio isn't a JSON object. Call again later.",
            "go_live asks: bad_answer, not_applied, call again: The answer to get_studio isn't a JSON object. The change wasn't sent. Call again later.",
        ),
        passes=True,
    ),
    Row(
        name="json_deep",
        trax="Nests the destinations 10,000 deep.",
        play=answered(DESTINATIONS, 200, "[" * 10_000 + "]" * 10_000),
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
        name="empty_200",
        trax="Answers the destinations with 200 and nothing.",
        play=answered(DESTINATIONS, 200),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            'check_studio: "Friday Night Show" is off air. It\'s unclear whether it could go live. Not everything could be read.',
            "go_live asks: The answer is empty. The change wasn't sent.",
        ),
        model=(
            'find_studio: details.unknown=["the destinations (The answer to list_destinations is empty)", "whether this API key may go live (TRaX only shows that when you try)"], no matches.0.destinations, no matches.1.destinations, no matches.2.destinations, and 13 more',
            'check_studio: studios.0.unknown=["the destinations (The answer to list_destinations is empty)", "whether this API key may go live (TRaX only shows that when you try)"], no studios.0.ready, no studios.0.destinations.0.id, no studios.0.destinations.0.name, and 10 more',
            "go_live asks: bad_answer, not_applied, call again: The answer to list_destinations is empty. The change wasn't sent. Call again later.",
        ),
        passes=True,
    ),
    Row(
        name="deprecation_headers",
        trax="Says that all is deprecated.",
        play=headers(EVERY, Deprecation="true", Sunset="Sat, 01 Jan 2028 00:00:00 GMT"),
        calls=scenarios.WHOLE_SHOW,
        sent=("POST go-live", "POST go-offline"),
    ),
)
