"""Deviations of messages, of what is created, and of several changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from tests.deviations import scenarios
from tests.deviations.plays import (
    CREATE,
    SAY,
    START,
    SWITCH,
    answered,
    error_body,
    fields,
    page,
    refused,
    rewritten,
)
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
        name="create_empty",
        trax="Creates, and answers 201 without a body.",
        play=answered(CREATE, 201, done=True),
        calls=scenarios.CREATE,
        model=("create_studio: no id, no ownerSub, no createdAt, no name, and 1 more",),
        sent=("POST studios",),
    ),
    Row(
        name="create_number_id",
        trax="Creates, and answers with an id that is a number.",
        play=fields(CREATE, id=77),
        calls=scenarios.CREATE,
        model=("create_studio: id=77",),
        sent=("POST studios",),
    ),
    Row(
        name="create_no_id",
        trax="Creates, and answers without an id.",
        play=fields(CREATE, id=...),
        calls=scenarios.CREATE,
        model=("create_studio: no id",),
        sent=("POST studios",),
    ),
    Row(
        name="create_422_list",
        trax="Refuses to create, with errors in a list.",
        play=error_body(CREATE, 422, {"errors": [{"field": "name", "message": "Too short."}]}),
        calls=scenarios.CREATE,
        person=("create_studio: TRaX refused the call (HTTP 422). Nothing changed.",),
        model=(
            "create_studio: bad_answer, not_applied: TRaX refused the call (HTTP 422). Nothing changed. Check the arguments.",
        ),
        sent=("POST studios",),
    ),
    Row(
        name="send_202_empty",
        trax="Sends a message, and answers 202 without a body.",
        play=answered(SAY, 202, done=True),
        calls=scenarios.SAY,
        model=("send_chat_message: no ok, no messageId",),
        sent=("POST messages",),
    ),
    Row(
        name="html_200_send",
        trax="Answers a message with a web page and 200, and does nothing.",
        play=page(SAY),
        calls=scenarios.SAY,
        person=(
            "send_chat_message: A page (text/html), not TRaX's API, answered the call with HTTP 200. It's unclear whether it took effect.",
        ),
        model=(
            "send_chat_message: bad_answer, unknown: A page (text/html), not TRaX's API, answered send_chat_message with HTTP 200. It's unclear whether it took effect. Check with list_chat_messages before anything else.",
        ),
        sent=("POST messages",),
    ),
    Row(
        name="send_okfalse",
        trax="Answers a message with ok: false.",
        play=answered(SAY, 200, {"ok": False}),
        calls=scenarios.SAY,
        person=(
            "send_chat_message: TRaX answered that it didn't work. It's unclear whether it took effect anyway.",
        ),
        model=(
            "send_chat_message: bad_answer, unknown: TRaX answered that it didn't work. It's unclear whether it took effect anyway. Check with list_chat_messages before anything else.",
        ),
        sent=("POST messages",),
    ),
    Row(
        name="send_numeric_id",
        trax="Sends a message, and gives its id as a number.",
        play=fields(SAY, messageId=991),
        calls=scenarios.SAY,
        model=("send_chat_message: messageId=991",),
        sent=("POST messages",),
    ),
    Row(
        name="chat_send_524_after",
        trax="Sends a message, and a proxy answers 524.",
        play=page(SAY, 524, done=True),
        calls=scenarios.SAY,
        person=(
            "send_chat_message: A page (text/html), not TRaX's API, answered 524. It's unclear whether it took effect.",
        ),
        model=(
            "send_chat_message: bad_answer, unknown: A page (text/html), not TRaX's API, answered 524. It's unclear whether it took effect. Check with list_chat_messages before anything else.",
        ),
        sent=("POST messages",),
    ),
    Row(
        name="chat_send_409_off_air",
        trax="Refuses a message off air with 409.",
        play=refused(SAY, 409, "not_live", "The studio is not live."),
        calls=scenarios.SAY,
        person=(
            'send_chat_message: TRaX refused the call (HTTP 409, code "not_live") (TRaX says: "The studio is not live."). Nothing changed.',
        ),
        model=(
            'send_chat_message: not_live, not_applied: TRaX refused the call (HTTP 409, code "not_live") (TRaX says: "The studio is not live."). Nothing changed. It can\'t be done right now. Check with check_studio before you call again.',
        ),
        sent=("POST messages",),
    ),
    Row(
        name="send_429",
        trax="Refuses the first message with 429 and Retry-After: 2.",
        play=refused(SAY, 429, "rate_limited", times=1, Retry_After="2"),
        calls=scenarios.SAY,
        person=(
            'send_chat_message: TRaX is rate limiting this API key (TRaX says: "TRaX says why."). Nothing changed.',
        ),
        model=(
            'send_chat_message: rate_limited, not_applied, call again: TRaX is rate limiting this API key (TRaX says: "TRaX says why."). Nothing changed. Call again in 2 s.',
        ),
        sent=("POST messages",),
        passes=True,
    ),
    Row(
        name="several_first_empty",
        trax="Makes the first of several changes, and answers 204.",
        play=answered(SWITCH, 204, done=True),
        calls=scenarios.SEVERAL,
        model=(
            "apply_changes: no changes.0.answer.id, no changes.0.answer.studioId, no changes.0.answer.name, no changes.0.answer.platform, and 2 more",
        ),
        sent=("PATCH dest_1", "POST go-live"),
    ),
    Row(
        name="several_first_page",
        trax="Answers the first of several changes with a web page and 200.",
        play=page(SWITCH),
        calls=scenarios.SEVERAL,
        person=(
            "apply_changes: It's unclear whether change 1 was made. Change 2 wasn't sent.\n1. Turn off YouTube: A page (text/html), not TRaX's API, answered the call with HTTP 200. It's unclear whether it took effect, but it was on right after.\n2. Go live on Twitch: not sent, because TRaX didn't confirm the change before it.",
        ),
        model=(
            "apply_changes: message=Check with list_destinations before anything else., changes.0.outcome=unknown, changes.0.error.code=bad_answer, changes.0.error.message=A page (text/html), not TRaX's API, answered update_destination with HTTP 200. It's unclear whether it took effect, but it was on right after. Check with list_destinations before anything else., and 14 more",
        ),
        sent=("PATCH dest_1",),
    ),
    Row(
        name="several_golive_429",
        trax="Refuses the go-live after another change with 429.",
        play=refused(START, 429, "rate_limited", Retry_After="5"),
        calls=scenarios.SEVERAL,
        person=(
            'apply_changes: Made 1 of 2 changes. Change 2 wasn\'t made.\n1. Turned off "Main channel" (YouTube) in "Friday Night Show". It stays off for later shows.\n2. Go live on Twitch: TRaX is rate limiting this API key (TRaX says: "TRaX says why."). Nothing changed.',
        ),
        model=(
            'apply_changes: message=Call again in 5 s., changes.1.outcome=not_applied, changes.1.error.code=rate_limited, changes.1.error.message=TRaX is rate limiting this API key (TRaX says: "TRaX says why."). Nothing changed. Call again in 5 s., and 8 more',
        ),
        sent=("PATCH dest_1", "POST go-live"),
        passes=True,
    ),
)
