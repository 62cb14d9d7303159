"""The modes of `TRAX_CONFIRM`, and the words and data of a call that did not run.

The sandbox's clock stands at 18:00. `tests/answers` has the texts of all previews.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.guarded_calls import GO_LIVE, GO_OFFLINE
from tests.support.product.frozen_sandbox import put_on_air
from tests.support.simulated_person import (
    Person,
    agreeing,
    cancelling,
    declining,
    failing,
    filling_in,
    refusing,
)
from tests.world.answers import outcome, text_of
from tests.world.wire import LEGACY
from tests.world.world import MINE, open_world

if TYPE_CHECKING:
    import mcp_types as types

    from tests.support.simulated_person import Responder

ASKED: Final = "a person is asked"
RAN: Final = "ran"
SHOWN: Final = "confirmation_required"
REFUSED: Final = "cannot_ask"
PLAIN: Final = (SHOWN, SHOWN, RAN)
"""Without the flag, with the flag alone, and with the flag and a confirmation."""

TABLE: Final[dict[tuple[str, str, str], tuple[str, ...]]] = {
    ("auto", "forms", "go_live"): (ASKED, ASKED, ASKED),
    ("auto", "forms", "go_offline"): (ASKED, ASKED, ASKED),
    ("auto", "no forms", "go_live"): PLAIN,
    ("human", "forms", "go_live"): (ASKED, ASKED, ASKED),
    ("human", "no forms", "go_live"): (REFUSED, REFUSED, REFUSED),
    ("human", "no forms", "go_offline"): PLAIN,
    ("preview", "forms", "go_live"): PLAIN,
    ("flag", "forms", "go_live"): (SHOWN, RAN, RAN),
    ("flag", "no forms", "go_offline"): (SHOWN, RAN, RAN),
}


@pytest.mark.parametrize(("mode", "client", "name"), TABLE)
async def test_each_mode_runs_asks_previews_or_refuses_as_in_the_table(
    mode: str, client: str, name: str
) -> None:
    """A person is asked only where the table says so, and the call runs if they agree."""
    operation = {"go_live": GO_LIVE, "go_offline": GO_OFFLINE}[name]
    for evidence, expected in enumerate(TABLE[mode, client, name]):
        person = Person(agreeing)
        async with open_world(MINE, TRAX_CONFIRM=mode) as it:
            confirmation = (await it[MINE].preview(operation)).get("confirmation", "not given")
            given: dict[str, object] = {"confirm": True} if evidence else {}
            if evidence == 2:
                given["confirmation"] = confirmation
            caller = await it.caller(person=person) if client == "forms" else it[MINE]
            answer = await caller.call(operation, **given)
            result, asked = outcome(answer)[0], len(person.forms)
            assert (evidence, asked) == (evidence, 1 if expected == ASKED else 0)
            assert (evidence, result) == (evidence, RAN if expected == ASKED else expected)
            assert it.sent == ([operation.sent] if result == RAN else [])
            how = "form" if asked else "flag" if mode == "flag" else "confirmation"
            approved_in = (answer.meta or {}).get("live.traxstreaming/approvedIn")
            assert approved_in == (how if result == RAN else None)


PREVIEW: Final = {
    "operation": "go_live",
    "target": {"id": "studio_42", "name": "Friday Night Show"},
    "effects": [
        'Starts a broadcast of "Friday Night Show" that anyone can watch.',
        'Goes out on "Main channel" (YouTube).',
        'Goes out on "Late crowd" (Twitch).',
        'Switched off: "Kick (trying out)" (Kick).',
        'Can be on screen: "Host camera" (webcam).',
        'Can be on screen: "Intro clip" (media).',
    ],
    "warnings": [],
    "unknown": [],
}
LINES: Final = "\n".join(
    ['go_live on "Friday Night Show":', *(f"- {it}" for it in PREVIEW["effects"])]
)
INSTRUCTION: Final = (
    "Show the person what stands between the marks, and stop. Only if their next message says yes"
    " to that, call go_live again with the same arguments and {evidence}. A yes with conditions is"
    " a no to this call, and a no needs no call. Several previews may be shown together, if none"
    " changes what another one shows."
)
WITH_LAST_LINE: Final = INSTRUCTION.format(evidence="the last line here")
BEGIN, END = "--- For the person ---", "--- End ---"
NEXT_CALL: Final = (
    'For your next call, not for the person:\nconfirm: true, confirmation: "C"'
    " (good for 5 minutes, until 18:05:00 UTC)"
)


def whole(result: types.CallToolResult) -> tuple[dict[str, Any], list[str]]:
    """The data and paragraphs of an answer that did not run. Its confirmation becomes `C`."""
    data, text = dict(result.structured_content or {}), text_of(result)
    assert data.pop("executed") is False
    goes_on = data["status"] == "confirmation_required" or "confirmation" in data
    assert result.is_error != goes_on
    assert text.startswith("Not done yet: " if goes_on else "Nothing was sent: ")
    if "confirmation" in data:
        text = text.replace(data["confirmation"], "C")
        data["confirmation"] = "C"
    return data, text.split("\n\n")


async def test_a_preview_is_complete_as_data_and_as_text(era: str) -> None:
    """A person's part stands between marks; the last line has the arguments for a next call."""
    async with open_world(MINE, era=era) as it:
        data, text = whole(await it[MINE].call(GO_LIVE, confirm=True))
    message = f"Not done yet: go_live needs a person's yes. {WITH_LAST_LINE}"
    assert data == {
        "status": "confirmation_required",
        "message": message,
        "preview": PREVIEW,
        "confirmation": "C",
        "expiresAt": "2026-06-05T18:05:00Z",
    }
    assert text == [message, BEGIN, LINES, "Good for 5 minutes.", END, NEXT_CALL]


async def test_a_preview_in_flag_mode_has_no_confirmation() -> None:
    """The text asks for the flag."""
    async with open_world(MINE, TRAX_CONFIRM="flag") as it:
        data, text = whole(await it[MINE].call(GO_LIVE))
    instruction = INSTRUCTION.format(evidence="`confirm: true`")
    message = f"Not done yet: go_live needs a person's yes. {instruction}"
    assert data == {"status": "confirmation_required", "message": message, "preview": PREVIEW}
    assert text == [message, BEGIN, LINES, END]


# In words


async def in_words(
    *, era: str = LEGACY, person: Person | None = None, mode: str = "auto", **evidence: object
) -> str:
    """The message of a go-live that does not run. The data and the text have the same."""
    async with open_world(MINE, era=era, person=person, TRAX_CONFIRM=mode) as it:
        data, text = whole(await it[MINE].call(GO_LIVE, **evidence))
        assert it.sent == []
    assert data["message"] == text[0]
    is_asked_again = data["status"] == "confirmation_invalid"
    has_preview = is_asked_again or data.get("reason") not in {"declined", "cancelled"}
    assert ("confirmation" in data, "preview" in data) == (is_asked_again, has_preview)
    return text[0]


UNSEEN: Final = (
    "Nothing was sent: the client declined at once, so nobody saw the question."
    " If it never shows questions, the operator can set TRAX_CONFIRM=preview."
)
NO_MORE: Final = "Do not call again unless the person asks for it."
NOT_GIVEN: Final[dict[str, tuple[Responder, str]]] = {
    "declined": (declining, UNSEEN),
    "the other choice": (refusing, f"Nothing was sent: the person said no. {NO_MORE}"),
    "cancelled": (cancelling, UNSEEN),
    "malformed": (
        filling_in({}),
        f"Nothing was sent: the answer was none of the choices. {NO_MORE}",
    ),
    "client_error": (
        failing,
        f"Nothing was sent: the client could not ask the person. {NO_MORE}",
    ),
}


@pytest.mark.parametrize("answer", NOT_GIVEN)
async def test_an_answer_that_is_not_a_yes_gets_no_confirmation(answer: str) -> None:
    """The text tells the model not to call again. A no depends on nothing that could be read."""
    respond, message = NOT_GIVEN[answer]
    assert await in_words(person=Person(respond)) == message


async def test_a_client_without_forms_is_refused_in_human_mode() -> None:
    """The text names the setting."""
    assert await in_words(mode="human", confirm=True) == (
        "Nothing was sent: a person must be asked here, and this client cannot ask one. The"
        " operator set TRAX_CONFIRM=human: use a client that shows forms."
    )


async def test_an_invalid_confirmation_gets_a_new_preview() -> None:
    """It is no error, and says why."""
    assert await in_words(confirm=True, confirmation="invented") == (
        f"Not done yet: this confirmation has expired, or was never yours. {WITH_LAST_LINE}"
    )
    async with open_world(MINE) as it:
        other = await it[MINE].use(GO_LIVE, await it[MINE].confirmation(GO_OFFLINE))
        confirmation = await it[MINE].confirmation(GO_LIVE)
        it.trax.change("studio_42", name="Another Night Show")
        _, changed = whole(await it[MINE].use(GO_LIVE, confirmation))
    assert text_of(other).startswith("Not done yet: this confirmation is for another call.")
    assert changed[0].startswith("Not done yet: things have changed since the yes.")
    assert changed[2].startswith(
        "Changed since you were asked:\n"
        '- No longer: Starts a broadcast of "Friday Night Show" that anyone can watch.\n'
    )


async def test_a_used_confirmation_gets_the_outcome_of_its_call() -> None:
    """Without a preview or a new confirmation."""
    async with open_world(MINE) as it:
        confirmation = await it[MINE].confirmation(GO_LIVE)
        await it[MINE].use(GO_LIVE, confirmation)
        again = await it[MINE].use(GO_LIVE, confirmation)
    message = (
        "Nothing was sent: this confirmation was used already: the call ran, and the studio was"
        " then on air. Look at what came of it before anything else."
    )
    invalid = {"status": "confirmation_invalid", "message": message, "reason": "used"}
    assert whole(again) == (invalid, [message])


async def test_a_go_live_of_a_live_studio_has_nothing_to_do() -> None:
    """The answer has the time since which it is live. No person is asked."""
    person = Person(agreeing)
    async with open_world(MINE, person=person) as it:
        put_on_air(it.trax)
        it.hand_clock.advance(11 * 60)
        answer = whole(await it[MINE].call(GO_LIVE))
        assert (person.forms, it.sent) == ([], [])
    message = (
        "Nothing was sent: it has been on air for 11 minutes (since 18:00 UTC) already."
        " Look with check_studio."
    )
    assert answer == ({"status": "nothing_to_do", "message": message}, [message])
