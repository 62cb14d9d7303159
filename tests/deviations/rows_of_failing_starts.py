"""Go-lives that are refused, lost or late."""

from __future__ import annotations

from typing import Final

from tests.deviations import scenarios
from tests.deviations.plays import START, dropped, page, refused, slow
from tests.deviations.row import Row

ROWS: Final = (
    Row(
        name="golive_needs_body",
        trax="Refuses a go-live without a body.",
        play=refused(START, 400, "validation_failed", "A body is required."),
        calls=scenarios.GO_LIVE,
        person=(
            'go_live: TRaX refused the call (HTTP 400, code "validation_failed") (TRaX says: "A body is required."). Nothing changed.',
        ),
        model=(
            'go_live: validation_failed, not_applied: TRaX refused the call (HTTP 400, code "validation_failed") (TRaX says: "A body is required."). Nothing changed. Check the arguments.',
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="golive_409_no_dest",
        trax="Refuses a go-live with 409 and a word of its own.",
        play=refused(START, 409, "no_destinations", "Add a destination first."),
        calls=scenarios.GO_LIVE,
        person=(
            'go_live: TRaX refused the call (HTTP 409, code "no_destinations") (TRaX says: "Add a destination first."). Nothing changed.',
        ),
        model=(
            'go_live: no_destinations, not_applied: TRaX refused the call (HTTP 409, code "no_destinations") (TRaX says: "Add a destination first."). Nothing changed. It can\'t be done right now. Check with check_studio before you call again.',
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="golive_402",
        trax="Refuses a go-live with 402.",
        play=refused(START, 402, "plan_limit", "Your plan allows one show a week."),
        calls=scenarios.GO_LIVE,
        person=(
            'go_live: TRaX refused the call (HTTP 402, code "plan_limit") (TRaX says: "Your plan allows one show a week."). Nothing changed.',
        ),
        model=(
            'go_live: plan_limit, not_applied: TRaX refused the call (HTTP 402, code "plan_limit") (TRaX says: "Your plan allows one show a week."). Nothing changed. Check on TRaX what the account\'s plan allows.',
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="html_502_golive_before",
        trax="Answers a go-live with 502 and a page, and does nothing.",
        play=page(START, 502),
        calls=scenarios.GO_LIVE,
        person=(
            "go_live: A page (text/html), not TRaX's API, answered 502. It's unclear whether it took effect.",
        ),
        model=(
            "go_live: bad_answer, unknown: A page (text/html), not TRaX's API, answered 502. It's unclear whether it took effect. Check with check_studio in a minute. If it's off air then, ask the user again.",
        ),
        sent=("POST go-live",),
        passes=True,
    ),
    Row(
        name="html_524_golive_after",
        trax="Goes live, and a proxy answers 524 with a page.",
        play=page(START, 524, done=True),
        calls=scenarios.GO_LIVE,
        person=(
            "go_live: \"Friday Night Show\" went live at 18:00:08 UTC. TRaX can't confirm that a picture arrives. A page (text/html), not TRaX's API, answered 524. Then the show was seen on air.",
        ),
        model=("go_live: message=Don't call again., no encoderStreamId, no destinationIds",),
        sent=("POST go-live",),
    ),
    Row(
        name="golive_dropped_before",
        trax="Closes the connection of a go-live, and does nothing.",
        play=dropped(START),
        calls=scenarios.GO_LIVE,
        person=(
            "go_live: The connection to TRaX broke before it answered. It's unclear whether it took effect.",
        ),
        model=(
            "go_live: unreachable, unknown: The connection to TRaX broke before it answered. It's unclear whether it took effect. Check with check_studio in a minute. If it's off air then, ask the user again.",
        ),
        sent=("POST go-live",),
        passes=True,
    ),
    Row(
        name="golive_dropped_after",
        trax="Goes live, and closes the connection.",
        play=dropped(START, done=True),
        calls=scenarios.GO_LIVE,
        person=(
            'go_live: "Friday Night Show" went live at 18:00:08 UTC. TRaX can\'t confirm that a picture arrives. The connection to TRaX broke before it answered. Then the show was seen on air.',
        ),
        model=("go_live: message=Don't call again., no encoderStreamId, no destinationIds",),
        sent=("POST go-live",),
    ),
    Row(
        name="golive_500_json",
        trax="Answers a go-live with 500 in JSON.",
        play=refused(START, 500, "internal"),
        calls=scenarios.GO_LIVE,
        person=(
            'go_live: TRaX has a problem (HTTP 500, code "internal") (TRaX says: "TRaX says why."). It\'s unclear whether it took effect.',
        ),
        model=(
            'go_live: internal, unknown: TRaX has a problem (HTTP 500, code "internal") (TRaX says: "TRaX says why."). It\'s unclear whether it took effect. Check with check_studio in a minute. If it\'s off air then, ask the user again.',
        ),
        sent=("POST go-live",),
        passes=True,
    ),
    Row(
        name="slow_14s_golive",
        trax="Takes 14 seconds to answer a go-live.",
        play=slow(START, 14),
        calls=scenarios.GO_LIVE,
        sent=("POST go-live",),
        passes=True,
    ),
    Row(
        name="rl_golive_1s",
        trax="Refuses the first go-live with 429 and Retry-After: 1.",
        play=refused(START, 429, "rate_limited", times=1, Retry_After="1"),
        calls=scenarios.GO_LIVE,
        person=(
            'go_live: TRaX is rate limiting this API key (TRaX says: "TRaX says why."). Nothing changed.',
        ),
        model=(
            'go_live: rate_limited, not_applied, call again: TRaX is rate limiting this API key (TRaX says: "TRaX says why."). Nothing changed. Call again in 1 s. The same `confirmation` still works until it expires.',
        ),
        sent=("POST go-live",),
        passes=True,
    ),
    Row(
        name="rl_golive_30s",
        trax="Refuses each go-live with 429 and Retry-After: 30.",
        play=refused(START, 429, "rate_limited", Retry_After="30"),
        calls=scenarios.GO_LIVE,
        person=(
            'go_live: TRaX is rate limiting this API key (TRaX says: "TRaX says why."). Nothing changed.',
        ),
        model=(
            'go_live: rate_limited, not_applied, call again: TRaX is rate limiting this API key (TRaX says: "TRaX says why."). Nothing changed. Call again in 30 s. The same `confirmation` still works until it expires.',
        ),
        sent=("POST go-live",),
        passes=True,
    ),
    Row(
        name="golive_425",
        trax="Refuses a go-live with 425.",
        play=refused(START, 425, "too_early", "Wait for the encoder."),
        calls=scenarios.GO_LIVE,
        person=(
            'go_live: TRaX refused the call (HTTP 425, code "too_early") (TRaX says: "Wait for the encoder."). Nothing changed.',
        ),
        model=(
            'go_live: too_early, not_applied: TRaX refused the call (HTTP 425, code "too_early") (TRaX says: "Wait for the encoder."). Nothing changed. Run `trax-mcp doctor`.',
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="golive_429_two_dates",
        trax="Refuses the first go-live with 429, and a date as Retry-After 2 s after its Date.",
        play=refused(
            START,
            429,
            "rate_limited",
            times=1,
            Retry_After="Fri, 05 Jun 2026 18:00:07 GMT",
            Date="Fri, 05 Jun 2026 18:00:05 GMT",
        ),
        calls=scenarios.GO_LIVE,
        person=(
            'go_live: TRaX is rate limiting this API key (TRaX says: "TRaX says why."). Nothing changed.',
        ),
        model=(
            'go_live: rate_limited, not_applied, call again: TRaX is rate limiting this API key (TRaX says: "TRaX says why."). Nothing changed. Call again in 2 s. The same `confirmation` still works until it expires.',
        ),
        sent=("POST go-live",),
        passes=True,
    ),
    Row(
        name="golive_429_date",
        trax="Refuses the first go-live with 429 and a date as Retry-After.",
        play=refused(
            START, 429, "rate_limited", times=1, Retry_After="Fri, 05 Jun 2026 18:00:07 GMT"
        ),
        calls=scenarios.GO_LIVE,
        person=(
            'go_live: TRaX is rate limiting this API key (TRaX says: "TRaX says why."). Nothing changed.',
        ),
        model=(
            'go_live: rate_limited, not_applied, call again: TRaX is rate limiting this API key (TRaX says: "TRaX says why."). Nothing changed. Call again after a pause. The same `confirmation` still works until it expires.',
        ),
        sent=("POST go-live",),
        passes=True,
    ),
)
