"""The fault cases of table `ANSWERS`: faulty responses, scripted at the sandbox."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from tests.support.fault_table.case_builders import (
    PAGE,
    FaultCase,
    NoConnection,
    applied_then_error,
    compressed,
    documented_error,
    html_page,
    permanent_error,
    rate_limited,
    redirect,
    temporary_error,
    unreadable,
    with_changed_body,
    without_content_type,
)

Json = dict[str, Any]

MAX_RESPONSE_BYTES: Final = 4 << 20
"""The size limit of a response, in bytes."""

OVERSIZED: Final = b'{"a": "' + b"x" * MAX_RESPONSE_BYTES + b'"}'


def _with_unknown_values(answer: Json) -> Json:
    unknown = {
        "role": "COHOST",
        "status": "a_new_status",
        "mode": "hologram",
        "platform": "telepathy",
    }
    changed: Json = {name: unknown.get(name, value) for name, value in answer.items()}
    if isinstance(answer.get("data"), list):
        changed["data"] = [_with_unknown_values(item) for item in answer["data"]]
    return changed


def _with_wrong_types(answer: Json) -> Json:
    return {name: 7 if isinstance(value, str) else "odd" for name, value in answer.items()}


ANSWER_CASES: Final = {
    "400 invalid_request": documented_error(
        400,
        "invalid_request",
        "TRaX refused the request as invalid",
        "Correct the arguments: the same call will fail again.",
        polls=1,
    ),
    "401 invalid_key": documented_error(
        401,
        "invalid_key",
        "TRaX does not accept this key, which is unknown, revoked or expired",
        "Make a new one on TRaX's Developer / API Keys screen.",
        polls=1,
    ),
    "403 insufficient_scope": documented_error(
        403,
        "insufficient_scope",
        "The key lacks the scope {scope}",
        "Use a key that has it: keys are made on TRaX's Developer / API Keys screen.",
        names_scope=True,
        polls=1,
    ),
    "404 not_found": documented_error(
        404,
        "not_found",
        "TRaX has no such thing, or this key's account may not see it",
        "Check the id against the matching list tool.",
        polls=1,
    ),
    "408 slow_request": temporary_error(408, "slow_request"),
    "409 studio_busy": permanent_error(409, "studio_busy"),
    "429 rate_limited": rate_limited(None, "after a pause"),
    "500 exploded": temporary_error(500, "exploded"),
    "502 no_upstream": temporary_error(502, "no_upstream", tries=3),
    "503 write_disabled": documented_error(
        503,
        "write_disabled",
        "This TRaX deployment has writes switched off",
        "Retrying will not help: `writeEnabled` in get_health shows when that changes.",
    ),
    **{f"{it} with HTML page": permanent_error(it, polls=1) for it in (401, 403, 404)},
    "429 with HTML page": replace(
        rate_limited("30", "in 30 s", 30, polls=5),
        fault=html_page(429, **{"Retry-After": "30"}),
        happened="TRaX is rate limiting this key",
        code="bad_answer",
    ),
    "500 after it was applied": applied_then_error(500),
    "303 to another host": redirect(303, "http://evil.example/v1"),
    "307 to the same path": redirect(307),
    "200 with HTML page": unreadable(PAGE),
    "200 with oversized body": unreadable(OVERSIZED, "is larger than 4 MiB"),
    "200 compressed": compressed(),
    "200 without content type": without_content_type(),
    "200 with unknown values": with_changed_body(_with_unknown_values),
    "200 without any field": with_changed_body(lambda _: {}),
    "200 with wrong types": with_changed_body(_with_wrong_types, dict.fromkeys),
    "429 for 1 s": rate_limited("1", "in 1 s", 1, tries=3),
    "429 for years": rate_limited("9" * 400, "in 999999999 s", 999_999_999, polls=1),
    "no connection": FaultCase(
        fault=NoConnection(),
        full_message="TRaX could not be reached, so nothing was sent."
        " Check the network and TRAX_BASE_URL, then call again.",
        code="unreachable",
        tries=3,
    ),
}
"""How to cause each fault of `ANSWERS`, and the texts that describe it."""
