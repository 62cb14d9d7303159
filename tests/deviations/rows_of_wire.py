"""Other bytes: compression, redirects, encodings, and JSON that is none."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import Final

from tests.deviations import scenarios
from tests.deviations.plays import DESTINATIONS, EVERY, body, by_name, headers, rewritten
from tests.deviations.plays_of_bytes import moved, packed, said_twice
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
        name="deflate_forced",
        trax="Compresses each answer with deflate.",
        play=packed(EVERY, "deflate", zlib.compress),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        sent=("POST go-live",),
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
        name="json_duplicate_keys",
        trax="Says `enabled` twice of each destination: false, then true.",
        play=body(DESTINATIONS, said_twice),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        sent=("POST go-live",),
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
