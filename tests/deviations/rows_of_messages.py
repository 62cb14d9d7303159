"""Deviations of messages, of what is created, and of several changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from tests.deviations import scenarios
from tests.deviations.plays import CREATE, SAY, START, refused, rewritten
from tests.deviations.row import Row

ROWS: Final = (
    Row(
        name="create_200",
        trax="Creates, and answers 200.",
        play=rewritten(CREATE, lambda it: replace(it, status=200)),
        calls=scenarios.CREATE,
        sent=("POST studios",),
    ),
    Row(
        name="send_429",
        trax="Refuses the first message with 429 and Retry-After: 2.",
        play=refused(SAY, 429, "rate_limited", times=1, Retry_After="2"),
        calls=scenarios.SAY,
        person=(
            'send_chat_message: TRaX is rate limiting this API key (TRaX says: "TRaX says why."); nothing was changed.',
        ),
        model=(
            'send_chat_message: rate_limited, not_applied, call again: TRaX is rate limiting this API key (TRaX says: "TRaX says why."); nothing was changed. Call again in 2 s.',
        ),
        sent=("POST messages",),
        passes=True,
    ),
    Row(
        name="several_golive_429",
        trax="Refuses the go-live after another change with 429.",
        play=refused(START, 429, "rate_limited", Retry_After="5"),
        calls=scenarios.SEVERAL,
        person=(
            'apply_changes: Made 1 of 2 changes; change 2 was not made.\n1. Turned off "Main channel" (YouTube) in "Friday Night Show". It stays off for later shows.\n2. Go live on Twitch: TRaX is rate limiting this API key (TRaX says: "TRaX says why."); nothing was changed.',
        ),
        model=(
            'apply_changes: message=Call again in 5 s., changes.1.outcome=not_applied, changes.1.error.code=rate_limited, changes.1.error.message=TRaX is rate limiting this API key (TRaX says: "TRaX says why."); nothing was changed. Call again in 5 s., and 8 more',
        ),
        sent=(
            "PATCH dest_1",
            "POST go-live",
        ),
        passes=True,
    ),
)
