"""What each change says after its call: by any response of TRaX, and the facts around it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

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
from tests.units.studio_facts import EVERYTHING, LIVE, NOW, READS, UNCLEAR, but, destination, known
from trax_mcp.actions.chat_and_media import SendChatMessage
from trax_mcp.actions.destinations import CreateDestination, UpdateDestination
from trax_mcp.actions.studios import CreateStudio, UpdateStudio
from trax_mcp.actions.view import View
from trax_mcp.api.reads import ListDestinations
from trax_mcp.studio.facts import Facts, Observed

if TYPE_CHECKING:
    from trax_mcp.actions.change import Change

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
ACCEPTED: Final = "Sent to the"
UNSEEN: Final = ". TRaX can't confirm that it appeared."


OF_MAIN: Final = {**S, "dest_id": "dest_1"}


def done(
    operation: Change[Any],
    answer: dict[str, Any],
    facts: Facts = EVERYTHING,
    observed: Observed | None = None,
) -> list[str]:
    report = operation.report(View(facts, now=NOW, observed=observed), answer)
    told = [it.text for it in (*report.said, *report.warnings)]
    return [*told, report.next_step] if report.next_step else told


ON_AIR_NOW: Final = '"Friday Show" went live at 18:00:03 UTC'
NO_PICTURE: Final = "TRaX can't confirm that a picture arrives."
STUDIO: Final = {"id": "studio_42", "name": "Friday Show", "ownerSub": "u", "role": "owner"}
LOOK: Final = "Check get_stream_status and the platforms. Sending go_offline again is safe."
NOT_STARTED: Final = "is on, but TRaX didn't list it as started: check there."
CHANGED_MAIN: Final = 'Changed the destination "Main" (YouTube) of "Friday Show":'
NOT_SHOWN: Final = "TRaX won't show this setting again."
NOTE_IT: Final = "TRaX won't show this setting again, so note it down."
LATER: Final = ON_AIR._replace(since="2026-06-05T18:12:31Z")

REPORTS: Final[dict[str, tuple[Change[Any], dict[str, Any], Observed | None, str]]] = {
    "a go-live names the destinations that TRaX named, not those that were expected": (
        GO_LIVE, {"destinationIds": ["dest_2", "dest_9"]}, ON_AIR,
        (
            f'{ON_AIR_NOW}, on Twitch ("Late crowd") and the destination "dest_9". {NO_PICTURE}'
            f' "Main" (YouTube) {NOT_STARTED}'
        ),
    ),
    "a go-live to nowhere": (
        GO_LIVE, {"destinationIds": []}, ON_AIR,
        (
            f"{ON_AIR_NOW}, on no destination. {NO_PICTURE}"
            f' "Main" (YouTube) {NOT_STARTED} "Late crowd" (Twitch) {NOT_STARTED}'
        ),
    ),
    "a lost answer to a go-live names none": (GO_LIVE, {}, ON_AIR, f"{ON_AIR_NOW}. {NO_PICTURE}"),
    "a lost answer to a stop": (GO_OFFLINE, {}, OFF_AIR, '"Friday Show" is off air.'),
    "a time in the future has no duration": (
        GO_LIVE, {}, LATER, f'"Friday Show" went live at 18:12:31 UTC. {NO_PICTURE}'
    ),
    "a change repeats the values that TRaX answered": (
        UpdateDestination(**OF_MAIN, enabled=False, name="Main"), MAIN, None,
        f'{CHANGED_MAIN} its new name is "Main" and on is true, though false was asked for.',
    ),
    "a setting that TRaX does not show is said to be set": (
        UpdateStudio(**S, auto_go_live=True), STUDIO, None,
        f'Changed the studio "Friday Show": it can now go live on its own. {NOTE_IT}',
    ),
    "a secret is not repeated even if TRaX answers it": (
        UpdateDestination(**OF_MAIN, stream_key=STREAM_KEY),
        {**MAIN, "streamKey": STREAM_KEY}, None,
        f"{CHANGED_MAIN} the stream key is set. {NOT_SHOWN}",
    ),
    "a created studio whose name cannot be read": (
        CreateStudio(name="Late"), {"name": 7}, None, 'Created the studio "Late".'
    ),
    "ok": (UNLINK, {"ok": True}, None, 'Unlinked the YouTube account "Robin" from TRaX.'),
    "a stop before a start that may come": (
        GO_OFFLINE, {"ok": True}, Observed("stopping", ON_AIR.checked_at),
        (
            '"Friday Show" is off air now, but a start may still come. If it goes on air after all,'
            " end it on TRaX's own site or on the platforms. Check with check_studio in a minute."
            " If it's on air, call go_offline again."
        ),
    ),
    "a stop after which nothing can be read": (
        GO_OFFLINE, {"ok": True}, Observed("unknown", ON_AIR.checked_at),
        (
            '"Friday Show" may still be on air: TRaX accepted the request to go offline, but the'
            " status couldn't be read. If it's on air, end it on TRaX's own site or on the"
            f" platforms. {LOOK}"
        ),
    ),
}  # fmt: skip
"""The call, TRaX's answer, the state that was seen, and what is said."""


@pytest.mark.parametrize("kind", REPORTS)
def test_what_was_done_is_said_as_far_as_trax_has_shown_it(kind: str) -> None:
    operation, answer, observed, said = REPORTS[kind]
    assert " ".join(done(operation, answer, observed=observed)) == said


def test_a_studio_that_is_not_known_is_off_air() -> None:
    assert done(GO_OFFLINE, {}, Facts(), OFF_AIR) == ["The show is off air."]


def test_a_go_live_to_many_destinations_names_the_first_twenty() -> None:
    text, *_ = done(GO_LIVE, {"destinationIds": [f"d{it}" for it in range(500)]}, observed=ON_AIR)
    assert text.endswith(f'the destination "d19" and 480 more. {NO_PICTURE}')


@pytest.mark.parametrize(
    ("undone", "then"),
    [
        (None, ""),
        (True, ", so it was taken off air again"),
    ],
)
def test_a_go_live_that_a_stop_has_followed_is_never_said_to_be_going_live(
    *, undone: bool | None, then: str
) -> None:
    seen = Observed("stopping", ON_AIR.checked_at)
    report = GO_LIVE.report(View(EVERYTHING, now=NOW, observed=seen, undone=undone), {})
    (told,) = report.said
    assert told.text.startswith(
        f'The start of "Friday Show" was accepted, but then a request to go offline came{then}.'
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (CreateDestination(**S, name="N", platform="kick"), f"Kick {JOINS}"),
        (CreateDestination(**S, name="N", platform="kick", enabled=True), f"Kick {JOINS}"),
        (CreateDestination(**S, name="N", platform="kick", enabled=False), None),
        (UpdateDestination(**OF_MAIN, enabled=True), f"YouTube {JOINS}"),
        (UpdateDestination(**OF_MAIN, enabled=False), f"YouTube {LEAVES}"),
        (UpdateDestination(**OF_MAIN, vertical=True), None),
        (UpdateDestination(**OF_MAIN, name="N"), None),
        (DELETE_DESTINATION, f"YouTube {LEAVES}"),
    ],
)
def test_a_change_on_air_says_that_nobody_documents_when_a_destination_joins_or_leaves(
    change: Change[Any], said: str | None
) -> None:
    for facts, start in ((LIVE, "You're on air."), (UNCLEAR, "You may be on air.")):
        assert done(change, {}, facts)[1:] == ([f"{start} {said}"] if said else [])
    assert len(done(change, {}, EVERYTHING)) == 1


CUT: Final = replace(EVERYTHING[ListDestinations], missing="only the first 3 were read")
LISTS: Final = ("destinations", "sources", "connections")


TO_ALL: Final = f'{ACCEPTED} chat of "Friday Show" on every platform that\'s on'
TO_BOTH: Final = f'{ACCEPTED} Twitch and Kick chat of "Friday Show"{UNSEEN}'
LACKS: Final = "No"


@pytest.mark.parametrize(
    ("message", "facts", "said"),
    [
        (HI_ALL, LIVE, [f'{ACCEPTED} YouTube and Twitch chat of "Friday Show"{UNSEEN}']),
        (SendChatMessage(**S, text="Hi", platforms=("{}",)), but(status=None, destinations=None), [
            f'{ACCEPTED} "{{}}" chat of "Friday Show"{UNSEEN}',
        ]),
        (HI_ALL, but(status=None, destinations=None), [f"{TO_ALL}{UNSEEN}"]),
        (HI_ALL, known(LIVE, destinations=CUT), [f"{TO_ALL}{UNSEEN}"]),
        (HI_ALL, known(LIVE, destinations=()), [
            f"{TO_ALL}{UNSEEN}", 'All destinations of "Friday Show" are off.'
        ]),
        (HI, LIVE, [TO_BOTH, f"{LACKS} Kick destination is on."]),
        (HI, but(destinations=CUT), [
            TO_BOTH, '"Friday Show" is off air, so viewers may not see it.'
        ]),
    ],
)  # fmt: skip
def test_a_chat_message_says_where_it_went_and_who_may_not_see_it(
    message: SendChatMessage, facts: Facts, said: list[str]
) -> None:
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
    operation: Change[Any],
    answer: dict[str, Any],
    facts: Facts,
    observed: Observed | None,
) -> None:
    """The call is done: nothing in TRaX's answer may turn it into a failure."""
    # Without it, a target that is in no list is refused, but that is before the call is sent.
    lists = {it: replace(facts[READS[it]], missing="cut") for it in LISTS}
    texts = done(operation, answer, known(facts, **lists), observed)
    assert texts
    assert not any("\n" in it or STREAM_KEY in it for it in texts)
