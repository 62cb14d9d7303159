"""A question as forms: whole on a small screen, with the no first and no name in a choice."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import permutations
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from tests.support.terminal_rows import rows_of
from tests.units.studio_facts import (
    EVERYTHING,
    LIVE,
    NOW,
    UNCLEAR,
    account,
    destination,
    known,
    linked,
    source,
    studio,
)
from trax_mcp.actions.connections import UnlinkConnection
from trax_mcp.actions.destinations import DeleteDestination, UpdateDestination
from trax_mcp.actions.shown import Operations, show
from trax_mcp.actions.sources import DeleteSource, UpdateSource
from trax_mcp.actions.stream import GoLive, GoOffline
from trax_mcp.actions.studios import UpdateStudio
from trax_mcp.actions.view import View
from trax_mcp.api.reads import ListDestinations
from trax_mcp.server.question_text import (
    form_messages,
    form_of_stop,
    form_schema,
    preview_lines,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from trax_mcp.actions.change import Change
    from trax_mcp.actions.shown import Preview
    from trax_mcp.studio.facts import Facts

S: Final = {"studio_id": "studio_42"}
SHOW: Final = known(
    EVERYTHING,
    studio=studio("Friday Night Show"),
    destinations=(
        destination("dest_1", "Main channel", "youtube"),
        destination("dest_2", "Late crowd", "twitch"),
        destination("dest_3", "Kick (trying out)", "kick", enabled=False),
    ),
    sources=(source("source_1", "Host camera"), source("source_2", "Intro clip", "media")),
)
"""The show of every example in the docs."""


def of(which: int, **changes: Any) -> UpdateDestination:  # noqa: ANN401  any argument
    return UpdateDestination(**S, dest_id=f"dest_{which}", **changes)


def delete(which: int) -> DeleteDestination:
    return DeleteDestination(**S, dest_id=f"dest_{which}")


def rename(which: int, name: str = "Cam") -> UpdateSource:
    return UpdateSource(**S, source_id=f"source_{which}", name=name)


def turn(which: int, *, is_on: bool = False) -> UpdateSource:
    return UpdateSource(**S, source_id=f"source_{which}", active=is_on)


def preview(action: Change[Any] | Operations, facts: Facts = SHOW) -> Preview:
    operations = action if isinstance(action, tuple) else (action,)
    return show(operations, View(facts, now=NOW))


def several(*steps: Change[Any]) -> Operations:
    return steps


TURN_OFF_AND_GO: Final = several(of(1, enabled=False), GoLive(**S))


def test_the_whole_go_live_fits_with_what_lasts_and_practice() -> None:
    (form,) = form_messages(preview(TURN_OFF_AND_GO), practice=True)
    assert form.message == (
        'Practice: Turn off YouTube and go live on Twitch with "Friday Night Show"?'
        ' Anyone can watch. To: "Late crowd" (Twitch). Turns off: "Main channel" (YouTube).'
        ' Off: "Kick (trying out)" (Kick). On screen: "Host camera", "Intro clip".'
        " YouTube stays off for later shows until you turn it back on."
    )
    assert len(rows_of(form.message, 74)) == 4


def test_a_go_live_fits_the_narrowest_screen() -> None:
    (form,) = form_messages(preview(GoLive(**S)), practice=True)
    assert len(rows_of(form.message, 54)) == 4


def test_the_no_comes_first_and_is_preselected() -> None:
    shown = preview(GoLive(**S))
    (form,) = form_messages(shown)
    assert form_schema(shown, form) == {
        "type": "object",
        "properties": {
            "choice": {
                "type": "string",
                "title": "Your answer",
                "description": "No answer within 5 minutes means no.",
                "enum": ["Don't go live", "Go live on YouTube and Twitch"],
                "default": "Don't go live",
            }
        },
        "required": ["choice"],
    }


SEVERAL: Final[list[tuple[str, str, Operations]]] = [
    (
        "Turn off YouTube and go live on Twitch",
        "Turn off YouTube and go live on Twitch with",
        TURN_OFF_AND_GO,
    ),
    (
        "Turn off YouTube and Twitch, and go live",
        "Turn off YouTube and Twitch, and go live with",
        several(of(1, enabled=False), of(2, enabled=False), GoLive(**S)),
    ),
    (
        "Turn off YouTube, turn on 1 source, go live",
        "Turn off YouTube, turn on 1 source and go live on Twitch with",
        several(of(1, enabled=False), turn(2, is_on=True), GoLive(**S)),
    ),
    (
        "Turn off YouTube and 2 sources, and go live",
        "Turn off YouTube and 2 sources, and go live on Twitch with",
        several(of(1, enabled=False), turn(1), turn(2), GoLive(**S)),
    ),
    (
        "Delete 2 destinations and rename 2 sources",
        "Delete 2 destinations and rename 2 sources in",
        several(rename(1), rename(2), delete(1), delete(2)),
    ),
    (
        "Delete 2 destinations and make 3 more changes",
        "Delete 2 destinations and make 3 more changes in",
        several(
            rename(1),
            of(3, name="K", stream_key=SecretStr("live-123456789")),
            delete(1),
            delete(2),
        ),
    ),
    (
        "Delete 1 destination and 1 source",
        "Delete 1 destination and 1 source in",
        several(DeleteSource(**S, source_id="source_1"), delete(1)),
    ),
    (
        "Delete 2, 1 more, go live now and on its own",
        "Delete 2 things, 1 more, go live now and on its own with",
        several(
            UpdateStudio(**S, auto_go_live=True),
            DeleteSource(**S, source_id="source_1"),
            rename(2),
            delete(1),
            GoLive(**S),
        ),
    ),
    (
        "Turn off YouTube and turn on Kick",
        "Turn off YouTube and turn on Kick in",
        several(of(3, enabled=True), of(1, enabled=False)),
    ),
    (
        "Let it go live on its own and rename 1 source",
        "Let it go live on its own and rename 1 source in",
        several(rename(2), UpdateStudio(**S, auto_go_live=True)),
    ),
    (
        "Delete 1 thing, let it go live on its own",
        "Delete 1 destination and let it go live on its own in",
        several(delete(1), UpdateStudio(**S, auto_go_live=True)),
    ),
    (
        "Delete 1, 1 more, let it go live on its own",
        "Delete 1 thing, 1 more, let it go live on its own in",
        several(delete(1), rename(2), UpdateStudio(**S, auto_go_live=True)),
    ),
    (
        "Go live now and on its own",
        "Go live now and on its own with",
        several(UpdateStudio(**S, auto_go_live=True), GoLive(**S)),
    ),
    (
        "Let it go live on its own and make 3 changes",
        "Let it go live on its own and make 3 more changes in",
        several(
            of(1, enabled=False),
            of(2, stream_key=SecretStr("live-123456789")),
            rename(2),
            UpdateStudio(**S, auto_go_live=True),
        ),
    ),
]


@pytest.mark.parametrize(("choice", "headline", "call"), SEVERAL)
def test_several_changes_are_named_by_up_to_three_verbs_deletions_first(
    choice: str, headline: str, call: Operations
) -> None:
    shown = preview(call)
    assert (shown.no, shown.yes) == ("Change nothing", choice)
    assert shown.headline.text == f'{headline} "Friday Night Show"?'


@pytest.mark.parametrize("name", ["Friday Night Show", "N" * 40])
@pytest.mark.parametrize(
    ("told", "action"),
    [
        ("Anyone can watch", GoLive(**S)),
        ("Anyone can watch", TURN_OFF_AND_GO),
        *(
            ("Anyone can watch", call)
            for choice, _, call in SEVERAL
            if choice.startswith("Turn off YouTube and 2 s")
        ),
        ("This is final.", delete(1)),
        ("Deletions are final", several(rename(1), rename(2), delete(1), delete(2))),
        ("You can't get the old key back", of(3, stream_key=SecretStr("live-123456789"))),
        ("You can't get the old address back", of(3, rtmp_url="rtmps://new.example/app")),
        ("it can go on air", UpdateStudio(**S, auto_go_live=True)),
    ],
)
def test_what_is_public_or_lost_is_in_the_first_120_columns(
    told: str, action: Change[Any] | Operations, name: str
) -> None:
    places = tuple(
        it if len(name) < 32 else it.model_copy(update={"name": f"{name}{it.id}"})
        for it in SHOW[ListDestinations].value or ()
    )
    facts = known(SHOW, studio=studio(name), destinations=places)
    first, *_ = form_messages(preview(action, facts), practice=True)
    assert told in first.message[:120]


def test_accounts_of_one_name_are_told_apart() -> None:
    twins = linked(account("conn_1", "Robin", "youtube"), account("conn_2", "Robin", "youtube"))
    asked = [
        next(preview_lines(preview(UnlinkConnection(connection_id=it), twins)))
        for it in ("conn_1", "conn_2")
    ]
    assert asked == [
        'Unlink the YouTube account "Robin" (conn_1)?',
        'Unlink the YouTube account "Robin" (conn_2)?',
    ]


def test_what_does_not_fit_is_asked_in_several_forms_and_the_act_in_the_last() -> None:
    """Each has the no. An address is divided, never cut."""
    address = f"rtmp://a.example/{'x' * 700}"
    shown = preview(of(1, rtmp_url=address, enabled=False))
    forms = form_messages(shown)
    offered = [form_schema(shown, it)["properties"]["choice"]["enum"] for it in forms]
    assert len(forms) > 1
    assert offered == [
        *([[shown.no, "Go on"]] * (len(forms) - 1)),
        [shown.no, shown.yes],
    ]
    together = "".join(it.message.partition(") ")[2].partition(") ")[2] for it in forms)
    assert address in re.sub("( ?\u21b3 ?)+", "", together)
    assert all(len(rows_of(it.message, 74)) <= 4 for it in forms)


@pytest.mark.parametrize(
    "names",
    [
        ("Church-of-St-Mary-main-service", "Sunday-10-30-service-YouTube", "Kick-backup-channel"),
        ("2026-12-04-friday-night-show-eu", "2026-12-04-friday-night-show-us", "backup-on-kick"),
        ("Second-channel-for-members-only", "Late-night-crowd-on-Twitch", "Kick-backup-channel"),
    ],
)
def test_a_name_with_hyphens_is_never_drawn_in_a_row_that_no_client_shows(
    names: Sequence[str],
) -> None:
    """Clients break a message at blanks, and not at a hyphen."""
    for order in permutations(names):
        places = [destination(f"dest_{it}", name, "twitch") for it, name in enumerate(order)]
        facts = known(SHOW, destinations=tuple(places))
        forms = form_messages(preview(GoLive(**S), facts), practice=True)
        assert max(len(rows_of(it.message, 74)) for it in forms) <= 4
        shown = "".join(it.message for it in forms)
        assert [it for it in names if f'"{it}"' not in shown] == []


@pytest.mark.parametrize("now", [NOW, NOW + timedelta(hours=29, minutes=59)])
@pytest.mark.parametrize("facts", [LIVE, EVERYTHING, UNCLEAR])
def test_what_a_stop_warns_of_is_in_its_one_form(facts: Facts, now: datetime) -> None:
    places = tuple(destination(f"dest_{it}", f"Place number {it} " * 9, "kick") for it in range(60))
    facts = known(facts, studio=studio("N" * 200), destinations=places, auto_go_live=True)
    shown = show((GoOffline(**S),), View(facts, now=now))
    form = form_of_stop(shown, practice=True)
    assert len(rows_of(form.message, 74)) <= 4
    told = [shown.headline, *shown.lead, *shown.warnings]
    assert [it for it in told if it.in_short not in form.message] == []
    assert form.is_last


@pytest.mark.parametrize("length", range(40, 700, 20))
def test_a_long_address_is_drawn_whole(length: int) -> None:
    for address in (f"rtmp://a.example/{'x' * length}", f"rtmp://a.example/{'x-' * length}"):
        forms = form_messages(preview(of(1, rtmp_url=address)), practice=True)
        assert max(len(rows_of(it.message, 74)) for it in forms) <= 4


def test_a_client_that_shows_more_of_a_form_gets_fewer() -> None:
    shown = preview(several(*(rename(1, f"{'Cam' * 10}{it}") for it in range(9))))
    assert len(form_messages(shown)) > 1
    (form,) = form_messages(shown, rows=12)
    assert form.is_last


def test_a_long_name_takes_no_more_room_than_one_that_just_fits() -> None:
    def forms(name: str) -> int:
        places = (destination("dest_1", name, "youtube"), destination("dest_2", "B", "twitch"))
        facts = known(SHOW, studio=studio(name), destinations=places)
        return len(form_messages(preview(GoLive(**S), facts), practice=True))

    assert [forms("N" * length) for length in (32, 400)] == [1, 1]


NAMES: Final = st.text(min_size=1, max_size=60).filter(str.strip)
PLATFORMS: Final = st.sampled_from(["youtube", "twitch", "kick", "facebook"]) | NAMES


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    places = tuple(
        destination(f"dest_{it}", draw(NAMES), draw(PLATFORMS), enabled=draw(st.booleans()))
        for it in range(1, 4)
    )
    sources = tuple(source(f"source_{it}", draw(NAMES)) for it in (1, 2))
    base = draw(st.sampled_from([EVERYTHING, LIVE]))
    return known(base, studio=studio(draw(NAMES)), destinations=places, sources=sources)


STEPS: Final = st.sampled_from(
    [
        of(1, enabled=False),
        of(2, enabled=True),
        of(3, rtmp_url="rtmps://new.example/app", stream_key=SecretStr("live-123456789")),
        delete(1),
        DeleteSource(**S, source_id="source_2"),
        rename(1, "N" * 100),
        UpdateStudio(**S, auto_go_live=True),
        UpdateStudio(**S, name="N", auto_go_offline_on_drop=True),
    ]
)


@settings(deadline=None, derandomize=True, max_examples=60, phases=[Phase.generate])
@given(facts=facts(), steps=st.lists(STEPS, min_size=1, max_size=6), goes_live=st.booleans())
def test_any_question_is_drawn_whole_and_its_choice_holds_no_name(
    facts: Facts, steps: list[Change[Any]], *, goes_live: bool
) -> None:
    deleted = {it.target_id() for it in steps if isinstance(it, DeleteDestination | DeleteSource)}
    steps = [
        it
        for at, it in enumerate(steps)
        if it.target_id() not in deleted
        or (isinstance(it, DeleteDestination | DeleteSource) and it not in steps[:at])
    ]
    actions = [*steps, *([GoLive(**S)] if goes_live else [])]
    action = several(*actions)
    shown = preview(action, facts)
    for choice in (shown.no, shown.yes):
        assert len(choice) <= 45
        assert choice.isascii()
        assert '"' not in choice
    for form in form_messages(shown, practice=True):
        assert "\n" not in form.message
        assert len(rows_of(form.message, 74)) <= 4, form.message
        assert len(form.description) <= 47
    begin = rows_of(form_messages(shown)[0].message, 120)[0]
    if goes_live:
        assert "Anyone can watch" in begin or "go live" in begin.lower()
    if deleted:
        assert begin.startswith("Delete ")
