"""What each plan says after its call: by TRaX's answer, of any form, and the facts around it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.operation_table import STREAM_KEY
from tests.units.consent.shown_table import (
    CHANGING,
    DELETE_DESTINATION,
    GO_LIVE,
    GO_OFFLINE,
    JOINS,
    LEAVES,
    UNLINK,
    S,
)
from tests.units.studio_facts import EVERYTHING, LIVE, NOW, UNCLEAR, but, destination, known
from trax_mcp.api.operations import (
    CreateDestination,
    CreateStudio,
    SendChatMessage,
    UpdateDestination,
    UpdateStudio,
)
from trax_mcp.consent.plans import plan_for
from trax_mcp.studio.facts import Fact, Facts, Observed

if TYPE_CHECKING:
    from trax_mcp.api.models import Model
    from trax_mcp.api.operation import Operation

ON_AIR: Final = Observed("on_air", "2026-06-05T18:00:03Z", "2026-06-05T18:00:03Z")
OFF_AIR: Final = Observed("off_air", "2026-06-05T18:00:03Z")
MAIN: Final = {
    "id": "dest_1",
    "studioId": "studio_42",
    "name": "Main",
    "platform": "youtube",
    "enabled": True,
    "vertical": False,
}
HI: Final = SendChatMessage(**S, text="Hi", platforms=("Twitch", "kick"))
HI_ALL: Final = SendChatMessage(**S, text="Hi")
ACCEPTED: Final = 'TRaX accepted the message for the chat of "Friday Show" on'
UNSEEN: Final = "; whether each platform shows it is not known."


def done(
    operation: Operation[Model],
    answer: dict[str, Any],
    facts: Facts = EVERYTHING,
    observed: Observed | None = None,
) -> list[str]:
    """The texts of the sentences after a call."""
    plan = plan_for(operation)(operation, facts, now=NOW)
    return [it.text for it in plan.report(answer, observed)]


def test_a_go_live_names_the_destinations_that_trax_named() -> None:
    """Not those that were expected. One that is not known is named by its id."""
    answer = {"destinationIds": ["dest_2", "dest_9"]}
    assert done(GO_LIVE, answer, observed=ON_AIR) == [
        (
            'On air for 12 minutes (since 18:00:03 UTC); switched on: Twitch ("Late crowd") and the'
            ' destination "dest_9".'
        )
    ]
    assert done(GO_LIVE, {"destinationIds": []}, observed=ON_AIR) == [
        "On air for 12 minutes (since 18:00:03 UTC); switched on: no destination."
    ]


def test_a_go_live_to_many_destinations_names_the_first_twenty() -> None:
    """And how many more there are."""
    (text,) = done(GO_LIVE, {"destinationIds": [f"d{it}" for it in range(500)]}, observed=ON_AIR)
    assert text.endswith('the destination "d19" and 480 more.')


def test_a_lost_answer_names_no_destination() -> None:
    """Only what was seen is said."""
    assert done(GO_LIVE, {}, observed=ON_AIR) == ["On air for 12 minutes (since 18:00:03 UTC)."]
    assert done(GO_OFFLINE, {}, Facts(), OFF_AIR) == ["The studio is off air."]


@pytest.mark.parametrize(
    ("undone", "then"),
    [
        (None, ""),
        (True, ", so the studio was taken off the air again"),
        (False, ", and to take the studio off the air again has failed: it may be on air"),
    ],
)
def test_a_go_live_that_a_stop_has_followed_says_what_was_done_about_it(
    *, undone: bool | None, then: str
) -> None:
    """It is never said to be going live."""
    plan = plan_for(GO_LIVE)(GO_LIVE, EVERYTHING, now=NOW)
    (told,) = plan.report({}, Observed("stopping", ON_AIR.checked_at), undone=undone)
    assert told.text.startswith(f"The start was accepted, but a stop came after it{then}.")


def test_a_change_repeats_the_values_that_trax_answered() -> None:
    """Beside what was asked for, if that is something else."""
    change = UpdateDestination(**S, dest_id="dest_1", enabled=False, name="Main")
    assert done(change, MAIN) == [
        (
            'Changed the destination "Main" (YouTube) of "Friday Show": `name` is "Main" and'
            " `enabled` is true, though false was asked for."
        )
    ]


def test_a_setting_that_trax_does_not_show_is_said_to_be_set() -> None:
    """With its value if that is no secret and no address."""
    studio = {"id": "studio_42", "name": "Friday Show", "ownerSub": "u", "role": "owner"}
    assert done(UpdateStudio(**S, auto_go_live=True), studio) == [
        'Changed "Friday Show": `autoGoLive` is set to true. TRaX does not show this setting again.'
    ]


def test_a_secret_is_not_repeated_even_if_trax_answers_it() -> None:
    """TRaX documents that it does not."""
    change = UpdateDestination(**S, dest_id="dest_1", stream_key=STREAM_KEY)
    assert done(change, {**MAIN, "streamKey": STREAM_KEY}) == [
        (
            'Changed the destination "Main" (YouTube) of "Friday Show": `streamKey` is set. TRaX'
            " does not show this setting again."
        )
    ]


def test_an_answer_of_ok_false_is_not_said_to_be_done() -> None:
    """The sentence says what to look at."""
    assert done(DELETE_DESTINATION, {"ok": False}) == [
        (
            "TRaX answered `ok: false` to delete_destination. Look with list_destinations before"
            " anything else."
        )
    ]
    for state in ("stopping", "unknown"):
        assert done(GO_OFFLINE, {"ok": False}, observed=Observed(state, ON_AIR.checked_at)) == [
            (
                "TRaX answered `ok: false` to go_offline. Look with get_stream_status, and on the"
                " platforms; a second go_offline is harmless."
            )
        ]
    off_air = done(GO_OFFLINE, {"ok": False}, observed=OFF_AIR)
    assert off_air == ['"Friday Show" is off air.']
    assert done(UNLINK, {"ok": True}) == ['Unlinked the YouTube account "Robin" from TRaX.']


def test_a_time_in_the_future_leads_to_no_duration() -> None:
    """The clocks of TRaX and of this computer may differ."""
    later = ON_AIR._replace(since="2026-06-05T18:12:31Z")
    assert done(GO_LIVE, {}, observed=later) == ["On air since 18:12:31 UTC."]


@pytest.mark.parametrize("state", ["stopping", "unknown"])
def test_a_stop_that_was_not_seen_is_said_to_be_accepted(
    state: Literal["stopping", "unknown"],
) -> None:
    """And what to do: a second one does no harm."""
    assert done(GO_OFFLINE, {"ok": True}, LIVE, Observed(state, ON_AIR.checked_at)) == [
        (
            "TRaX accepted the stop; nothing shows yet that it worked. Look with get_stream_status,"
            " and on the platforms; a second go_offline is harmless."
        )
    ]


OF_MAIN: Final = {**S, "dest_id": "dest_1"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (CreateDestination(**S, name="N", platform="kick"), JOINS),
        (CreateDestination(**S, name="N", platform="kick", enabled=True), JOINS),
        (CreateDestination(**S, name="N", platform="kick", enabled=False), None),
        (UpdateDestination(**OF_MAIN, enabled=True), JOINS),
        (UpdateDestination(**OF_MAIN, enabled=False), LEAVES),
        (UpdateDestination(**OF_MAIN, vertical=True), None),
        (UpdateDestination(**OF_MAIN, name="N"), None),
        (DELETE_DESTINATION, LEAVES),
    ],
)
def test_a_change_on_air_says_that_nobody_documents_when_a_destination_joins_or_leaves(
    change: Operation[Model], said: str | None
) -> None:
    """Also where it is not known whether the studio is on air. Off air it says nothing."""
    for facts, start in ((LIVE, "The studio is on air."), (UNCLEAR, "The studio may be on air.")):
        assert done(change, {}, facts)[1:] == ([f"{start} {said}"] if said else [])
    assert len(done(change, {}, EVERYTHING)) == 1


CUT: Final = replace(EVERYTHING.destinations, missing="only the first 3 are read")
LISTS: Final = (Fact.DESTINATIONS, Fact.SOURCES, Fact.CONNECTIONS)


@pytest.mark.parametrize(
    ("message", "facts", "said"),
    [
        (HI_ALL, LIVE, [
            f"{ACCEPTED} every platform that is switched on (YouTube and Twitch){UNSEEN}"
        ]),
        (HI_ALL, but(status=None, destinations=None), [
            f"{ACCEPTED} every platform that is switched on{UNSEEN}"
        ]),
        (HI, LIVE, [
            f"{ACCEPTED} Twitch and Kick{UNSEEN}",
            'Warning: "Friday Show" has no destination on Kick that is switched on.',
        ]),
        (HI, but(destinations=CUT), [
            f"{ACCEPTED} Twitch and Kick{UNSEEN}",
            'Warning: "Friday Show" is off air, so viewers may not see it.',
        ]),
        (HI_ALL, but(status=LIVE.status, destinations=CUT), [
            f"{ACCEPTED} every platform that is switched on{UNSEEN}"
        ]),
        (HI_ALL, but(status=LIVE.status, destinations=()), [
            f"{ACCEPTED} every platform that is switched on{UNSEEN}",
            'Warning: "Friday Show" has no destination that is switched on.',
        ]),
    ],
)  # fmt: skip
def test_a_chat_message_says_where_it_went_and_who_may_not_see_it(
    message: SendChatMessage, facts: Facts, said: list[str]
) -> None:
    """What could not be read leads to no warning."""
    assert done(message, {"ok": True}, facts) == said


JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
FIELDS: Final = (*MAIN, "type", "active", "destinationIds", "ok", "autoGoLive", "url", "streamKey")


@settings(deadline=None, derandomize=True, max_examples=200)
@given(
    operation=st.sampled_from(CHANGING),
    answer=st.dictionaries(st.sampled_from(FIELDS), JSON),
    facts=st.sampled_from([EVERYTHING, Facts(), but(destinations=(destination("d", "D", "x"),))]),
    observed=st.sampled_from([None, ON_AIR, OFF_AIR]),
)
def test_any_answer_becomes_a_sentence_on_one_line(
    operation: Operation[Model],
    answer: dict[str, Any],
    facts: Facts,
    observed: Observed | None,
) -> None:
    """The call is done: nothing in TRaX's answer may turn it into a failure."""
    # Without it, a target that is in no list is refused, but that is before the call is sent.
    lists = {it: replace(facts.of(it), missing="cut") for it in LISTS}
    texts = done(operation, answer, known(facts, **lists), observed)
    assert texts
    assert not any("\n" in it or STREAM_KEY in it for it in texts)


def test_a_created_studio_is_named_as_it_was_asked_for_if_the_answer_cannot_be_read() -> None:
    """The answer may be of any form."""
    assert done(CreateStudio(name="Late"), {"name": 7}) == ['Created the studio "Late".']
