"""Deviations around a go-live."""

from __future__ import annotations

from typing import Final

from tests.deviations import scenarios
from tests.deviations.plays import (
    EVERY,
    START,
    answered,
    by_name,
    delayed_start,
    fault,
    fields,
    page,
)
from tests.deviations.row import Row
from tests.support.product.faults import Fault

ROWS: Final = (
    Row(
        name="golive_subset",
        trax="Starts the first of two destinations, and names that alone.",
        play=by_name("fewer-destinations"),
        calls=scenarios.GO_LIVE,
        person=(
            'go_live: "Friday Night Show" went live at 18:00:08 UTC, on YouTube ("Main channel"). TRaX can\'t confirm that a picture arrives. / Warning: "Late crowd" (Twitch) is on, but TRaX didn\'t list it as started: check there.',
        ),
        model=('go_live: destinationIds=["dest_1"]',),
        sent=("POST go-live",),
    ),
    Row(
        name="html_200_portal_golive",
        trax="Answers a go-live with a web page and 200, and does nothing.",
        play=page(START),
        calls=scenarios.GO_LIVE,
        person=(
            "go_live: A page (text/html), not TRaX's API, answered the call with HTTP 200. It's unclear whether it took effect.",
        ),
        model=(
            "go_live: bad_answer, unknown: A page (text/html), not TRaX's API, answered go_live with HTTP 200. It's unclear whether it took effect. Check with check_studio in a minute. If it's off air then, ask the user again.",
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="html_200_portal",
        trax="A portal answers everything with a web page and 200.",
        play=page(EVERY),
        calls=scenarios.FIND_CHECK_GO_LIVE,
        person=(
            "find_studio: A page (text/html), not TRaX's API, answered the call with HTTP 200.",
            "check_studio: A page (text/html), not TRaX's API, answered the call with HTTP 200.",
            "go_live asks: A page (text/html), not TRaX's API, answered the call with HTTP 200. The change wasn't sent.",
        ),
        model=(
            "find_studio: bad_answer, not_applied, call again: A page (text/html), not TRaX's API, answered list_studios with HTTP 200. Call again later.",
            "check_studio: bad_answer, not_applied, call again: A page (text/html), not TRaX's API, answered get_studio with HTTP 200. Call again later.",
            "go_live asks: bad_answer, not_applied, call again: A page (text/html), not TRaX's API, answered get_studio with HTTP 200. The change wasn't sent. Call again later.",
        ),
        passes=True,
    ),
    Row(
        name="golive_20s",
        trax="Shows a start only after 20 seconds.",
        play=delayed_start(20),
        calls=scenarios.GO_LIVE,
        person=(
            'go_live: TRaX accepted the start, on YouTube ("Main channel") and Twitch ("Late crowd"), but "Friday Night Show" hasn\'t been seen on air yet.',
        ),
        model=(
            "go_live: message=Check with check_studio in a minute. If it's off air then, ask the user again., observed.state=starting, no observed.since",
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="golive_never",
        trax="Accepts a go-live, and never goes on air.",
        play=answered(
            START, 200, {"encoderStreamId": "e1", "destinationIds": ["dest_1", "dest_2"]}
        ),
        calls=scenarios.GO_LIVE,
        person=(
            'go_live: TRaX accepted the start, on YouTube ("Main channel") and Twitch ("Late crowd"), but "Friday Night Show" hasn\'t been seen on air yet.',
        ),
        model=(
            "go_live: message=Check with check_studio in a minute. If it's off air then, ask the user again., encoderStreamId=e1, observed.state=starting, no observed.since",
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="golive_202_empty",
        trax="Goes live, and answers 202 without a body.",
        play=answered(START, 202, done=True),
        calls=scenarios.GO_LIVE,
        person=(
            'go_live: "Friday Night Show" went live at 18:00:08 UTC. TRaX can\'t confirm that a picture arrives.',
        ),
        model=("go_live: no encoderStreamId, no destinationIds",),
        sent=("POST go-live",),
    ),
    Row(
        name="golive_ok_only",
        trax="Goes live, and answers ok: true alone.",
        play=answered(START, 200, {"ok": True}, done=True),
        calls=scenarios.GO_LIVE,
        person=(
            'go_live: "Friday Night Show" went live at 18:00:08 UTC. TRaX can\'t confirm that a picture arrives.',
        ),
        model=("go_live: ok=true, no encoderStreamId, no destinationIds",),
        sent=("POST go-live",),
    ),
    Row(
        name="golive_null_ids",
        trax="Goes live, and answers with null for both ids.",
        play=fields(START, encoderStreamId=None, destinationIds=None),
        calls=scenarios.GO_LIVE,
        person=(
            'go_live: "Friday Night Show" went live at 18:00:08 UTC. TRaX can\'t confirm that a picture arrives.',
        ),
        model=("go_live: encoderStreamId=null, destinationIds=null",),
        sent=("POST go-live",),
    ),
    Row(
        name="golive_dest_objects",
        trax="Goes live, and names the destinations as objects.",
        play=fields(START, destinationIds=[{"id": "dest_1"}, {"id": "dest_2"}]),
        calls=scenarios.GO_LIVE,
        person=(
            'go_live: "Friday Night Show" went live at 18:00:08 UTC. TRaX can\'t confirm that a picture arrives.',
        ),
        model=("go_live: destinationIds=null",),
        sent=("POST go-live",),
    ),
    Row(
        name="truncated_golive",
        trax="Goes live, and the answer ends after ten bytes.",
        play=fault(START, Fault.truncated()),
        calls=scenarios.GO_LIVE,
        person=(
            "go_live: \"Friday Night Show\" went live at 18:00:08 UTC. TRaX can't confirm that a picture arrives. The answer isn't a JSON object. Then the show was seen on air.",
        ),
        model=("go_live: message=Don't call again., no encoderStreamId, no destinationIds",),
        sent=("POST go-live",),
    ),
    Row(
        name="golive_okfalse",
        trax="Answers a go-live with ok: false, and does nothing.",
        play=answered(START, 200, {"ok": False}),
        calls=scenarios.GO_LIVE,
        person=(
            "go_live: TRaX answered that it didn't work. It's unclear whether it took effect anyway.",
        ),
        model=(
            "go_live: bad_answer, unknown: TRaX answered that it didn't work. It's unclear whether it took effect anyway. Check with check_studio in a minute. If it's off air then, ask the user again.",
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="golive_error_in_200",
        trax="Answers a go-live with 200 and an error in the body, and does nothing.",
        play=answered(START, 200, {"error": {"code": "busy", "message": "Not now."}}),
        calls=scenarios.GO_LIVE,
        person=(
            "go_live: TRaX answered that it didn't work (TRaX says: \"Not now.\"). It's unclear whether it took effect anyway.",
        ),
        model=(
            "go_live: bad_answer, unknown: TRaX answered that it didn't work (TRaX says: \"Not now.\"). It's unclear whether it took effect anyway. Check with check_studio in a minute. If it's off air then, ask the user again.",
        ),
        sent=("POST go-live",),
    ),
    Row(
        name="golive_unknown_destinations",
        trax="Starts destinations that nobody has seen.",
        play=fields(START, destinationIds=["dest_8", "dest_9"]),
        calls=scenarios.GO_LIVE,
        person=(
            'go_live: "Friday Night Show" went live at 18:00:08 UTC, on the destination "dest_8" and the destination "dest_9". TRaX can\'t confirm that a picture arrives. / Warning: "Main channel" (YouTube) is on, but TRaX didn\'t list it as started: check there. / Warning: "Late crowd" (Twitch) is on, but TRaX didn\'t list it as started: check there.',
        ),
        model=('go_live: destinationIds=["dest_8", "dest_9"]',),
        sent=("POST go-live",),
    ),
    Row(
        name="golive_no_destinations",
        trax="Goes live, and names no destination.",
        play=fields(START, destinationIds=[]),
        calls=scenarios.GO_LIVE,
        person=(
            'go_live: "Friday Night Show" went live at 18:00:08 UTC, on no destination. TRaX can\'t confirm that a picture arrives. / Warning: "Main channel" (YouTube) is on, but TRaX didn\'t list it as started: check there. / Warning: "Late crowd" (Twitch) is on, but TRaX didn\'t list it as started: check there.',
        ),
        model=("go_live: destinationIds=[]",),
        sent=("POST go-live",),
    ),
    Row(
        name="golive_more_destinations",
        trax="Starts a destination that is switched off.",
        play=fields(START, destinationIds=["dest_1", "dest_2", "dest_3"]),
        calls=scenarios.GO_LIVE,
        person=(
            'go_live: "Friday Night Show" went live at 18:00:08 UTC, on YouTube ("Main channel"), Twitch ("Late crowd") and Kick ("Kick (trying out)"). TRaX can\'t confirm that a picture arrives.',
        ),
        model=('go_live: destinationIds=["dest_1", "dest_2", "dest_3"]',),
        sent=("POST go-live",),
    ),
    Row(
        name="golive_number_ids",
        trax="Names the stream and the destinations by numbers.",
        play=fields(START, encoderStreamId=7, destinationIds=[1, 2]),
        calls=scenarios.GO_LIVE,
        person=(
            'go_live: "Friday Night Show" went live at 18:00:08 UTC, on the destination "1" and the destination "2". TRaX can\'t confirm that a picture arrives. / Warning: "Main channel" (YouTube) is on, but TRaX didn\'t list it as started: check there. / Warning: "Late crowd" (Twitch) is on, but TRaX didn\'t list it as started: check there.',
        ),
        model=('go_live: encoderStreamId=7, destinationIds=["1", "2"]',),
        sent=("POST go-live",),
    ),
)
