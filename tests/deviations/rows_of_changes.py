"""Deviations of changes, deletions and messages."""

from __future__ import annotations

from typing import Final

from tests.deviations import scenarios
from tests.deviations.plays import DELETE, SWITCH, answered, dropped, edited, fields, page, refused
from tests.deviations.plays_of_chat import answered_with_record
from tests.deviations.row import Row

ROWS: Final = (
    Row(
        name="patch_ignored",
        trax="Answers a change with the record as it was.",
        play=answered_with_record(SWITCH, "dest_3"),
        calls=scenarios.SWITCH,
        person=(
            "update_destination: NOT changed: it's off, not on as asked, but it was off right after.",
        ),
        model=(
            "update_destination: not_changed, unknown: NOT changed: it's off, not on as asked, but it was off right after. Check with list_destinations before anything else.",
        ),
        sent=("PATCH dest_3",),
    ),
    Row(
        name="patch_ignored_on_air",
        trax="Answers a change on air with the record as it was.",
        play=answered_with_record(SWITCH, "dest_1"),
        calls=scenarios.SWITCH_ON_AIR,
        person=(
            "update_destination: NOT changed: it's on, not off as asked, but it was on right after.",
        ),
        model=(
            "update_destination: not_changed, unknown: NOT changed: it's on, not off as asked, but it was on right after. Check with list_destinations before anything else.",
        ),
        sent=("PATCH dest_1",),
    ),
    Row(
        name="patch_204",
        trax="Makes a change, and answers 204.",
        play=answered(SWITCH, 204, done=True),
        calls=scenarios.SWITCH,
        person=(
            'update_destination: Turned on "dest_3" in "Friday Night Show". It stays on for later shows.',
        ),
        model=("update_destination: no id, no studioId, no name, no platform, and 2 more",),
        sent=("PATCH dest_3",),
    ),
    Row(
        name="patch_null",
        trax="Makes a change, and answers null.",
        play=answered(SWITCH, 200, "null", done=True),
        calls=scenarios.SWITCH,
        person=(
            'update_destination: Turned on "Kick (trying out)" (Kick) in "Friday Night Show". It stays on for later shows. The answer isn\'t a JSON object. This was read right after.',
        ),
        model=("update_destination: message=Don't call again.",),
        sent=("PATCH dest_3",),
    ),
    Row(
        name="patch_okfalse",
        trax="Answers a change with ok: false.",
        play=answered(SWITCH, 200, {"ok": False}),
        calls=scenarios.SWITCH,
        person=(
            "update_destination: TRaX answered that it didn't work. It's unclear whether it took effect anyway, but it was off right after.",
        ),
        model=(
            "update_destination: bad_answer, unknown: TRaX answered that it didn't work. It's unclear whether it took effect anyway, but it was off right after. Check with list_destinations before anything else.",
        ),
        sent=("PATCH dest_3",),
    ),
    Row(
        name="patch_wrapped",
        trax="Makes a change, and answers with the record in `data`.",
        play=edited(SWITCH, lambda it: {"data": it}),
        calls=scenarios.SWITCH,
        person=(
            'update_destination: Turned on "dest_3" in "Friday Night Show". It stays on for later shows.',
        ),
        model=(
            "update_destination: data.id=dest_3, data.studioId=studio_42, data.name=Kick (trying out), data.platform=kick, and 8 more",
        ),
        sent=("PATCH dest_3",),
    ),
    Row(
        name="patch_number_ids",
        trax="Makes a change, and answers with ids as numbers.",
        play=fields(SWITCH, id=3, studioId=42),
        calls=scenarios.SWITCH,
        model=("update_destination: id=3, studioId=42",),
        sent=("PATCH dest_3",),
    ),
    Row(
        name="patch_live_409",
        trax="Refuses a change on air with 409.",
        play=refused(SWITCH, 409, "studio_live", "Not while live."),
        calls=scenarios.SWITCH_ON_AIR,
        person=(
            'update_destination: TRaX refused the call (HTTP 409, code "studio_live") (TRaX says: "Not while live."). Nothing changed.',
        ),
        model=(
            'update_destination: studio_live, not_applied: TRaX refused the call (HTTP 409, code "studio_live") (TRaX says: "Not while live."). Nothing changed. It can\'t be done right now. Check with check_studio before you call again.',
        ),
        sent=("PATCH dest_1",),
    ),
    Row(
        name="dests_429_write",
        trax="Refuses a change on air with 429 and Retry-After: 5.",
        play=refused(SWITCH, 429, "rate_limited", Retry_After="5"),
        calls=scenarios.SWITCH_ON_AIR,
        person=(
            'update_destination: TRaX is rate limiting this API key (TRaX says: "TRaX says why."). Nothing changed.',
        ),
        model=(
            'update_destination: rate_limited, not_applied, call again: TRaX is rate limiting this API key (TRaX says: "TRaX says why."). Nothing changed. Call again in 5 s. The same `confirmation` still works until it expires.',
        ),
        sent=("PATCH dest_1",),
        passes=True,
    ),
    Row(
        name="dest_dropped_after_patch",
        trax="Makes a change, and closes the connection.",
        play=dropped(SWITCH, done=True),
        calls=scenarios.SWITCH,
        person=(
            'update_destination: Turned on "Kick (trying out)" (Kick) in "Friday Night Show". It stays on for later shows. The connection to TRaX broke before it answered. This was read right after.',
        ),
        model=("update_destination: message=Don't call again.",),
        sent=("PATCH dest_3",),
    ),
    Row(
        name="html_200_patch",
        trax="Answers a change with a web page and 200, and does nothing.",
        play=page(SWITCH),
        calls=scenarios.SWITCH,
        person=(
            "update_destination: A page (text/html), not TRaX's API, answered the call with HTTP 200. It's unclear whether it took effect, but it was off right after.",
        ),
        model=(
            "update_destination: bad_answer, unknown: A page (text/html), not TRaX's API, answered update_destination with HTTP 200. It's unclear whether it took effect, but it was off right after. Check with list_destinations before anything else.",
        ),
        sent=("PATCH dest_3",),
    ),
    Row(
        name="delete_204",
        trax="Deletes, and answers 204.",
        play=answered(DELETE, 204, done=True),
        calls=scenarios.DELETE,
        model=("delete_destination: no ok",),
        sent=("DELETE dest_1",),
    ),
    Row(
        name="delete_200_empty",
        trax="Deletes, and answers 200 without a body.",
        play=answered(DELETE, 200, done=True),
        calls=scenarios.DELETE,
        model=("delete_destination: no ok",),
        sent=("DELETE dest_1",),
    ),
    Row(
        name="html_200_delete",
        trax="Answers a deletion with a web page and 200, and does nothing.",
        play=page(DELETE),
        calls=scenarios.DELETE,
        person=(
            "delete_destination: A page (text/html), not TRaX's API, answered the call with HTTP 200. It's unclear whether it took effect.",
        ),
        model=(
            "delete_destination: bad_answer, unknown: A page (text/html), not TRaX's API, answered delete_destination with HTTP 200. It's unclear whether it took effect. Check with list_destinations before anything else.",
        ),
        sent=("DELETE dest_1",),
    ),
    Row(
        name="delete_404",
        trax="Says 404 of what is to be deleted.",
        play=refused(DELETE, 404, "no_such_destination", "It is gone already."),
        calls=scenarios.DELETE,
        person=(
            'delete_destination: TRaX refused the call (HTTP 404, code "no_such_destination") (TRaX says: "It is gone already."). Nothing changed.',
        ),
        model=(
            'delete_destination: no_such_destination, not_applied: TRaX refused the call (HTTP 404, code "no_such_destination") (TRaX says: "It is gone already."). Nothing changed. Check the id with the matching list tool.',
        ),
        sent=("DELETE dest_1",),
    ),
    Row(
        name="delete_okfalse",
        trax="Answers a deletion with ok: false.",
        play=answered(DELETE, 200, {"ok": False}),
        calls=scenarios.DELETE,
        person=(
            "delete_destination: TRaX answered that it didn't work. It's unclear whether it took effect anyway.",
        ),
        model=(
            "delete_destination: bad_answer, unknown: TRaX answered that it didn't work. It's unclear whether it took effect anyway. Check with list_destinations before anything else.",
        ),
        sent=("DELETE dest_1",),
    ),
    Row(
        name="unlink_409",
        trax="Refuses to unlink with 409.",
        play=refused(DELETE, 409, "in_use", "A destination uses it."),
        calls=scenarios.UNLINK,
        person=(
            'unlink_connection: TRaX refused the call (HTTP 409, code "in_use") (TRaX says: "A destination uses it."). Nothing changed.',
        ),
        model=(
            'unlink_connection: in_use, not_applied: TRaX refused the call (HTTP 409, code "in_use") (TRaX says: "A destination uses it."). Nothing changed. It can\'t be done right now. Check what\'s there before you call again.',
        ),
        sent=("DELETE conn_1",),
    ),
)
