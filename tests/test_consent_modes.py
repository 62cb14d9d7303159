"""How consent is given is the operator's choice: `TRAX_CONFIRM` as a table, each answer whole.

The sandbox's clock stands at 18:00, so that only a confirmation differs from one run to the next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.acts import GO_LIVE, GO_OFFLINE
from tests.consent import in_memory, said, told
from tests.jsonrpc import LEGACY
from tests.person import agreeing, cancelling, declining, failing, filling_in, refusing
from tests.walks import expired, of_another_operation, of_how_it_was, saying
from trax_mcp.consent.rules import Mode

if TYPE_CHECKING:
    import mcp_types as types

ASKED: Final = "a person is asked"
RAN: Final = "ran"
SHOWN: Final = "confirmation_required"
REFUSED: Final = "cannot_ask"

PLAIN: Final = (SHOWN, SHOWN, RAN)
"""Without a flag, with it alone, and with it and a confirmation."""

TABLE: Final[dict[tuple[Mode, str, str], tuple[str, ...]]] = {
    (Mode.AUTO, "forms", "go_live"): (ASKED, ASKED, ASKED),
    (Mode.AUTO, "forms", "go_offline"): (ASKED, ASKED, ASKED),
    (Mode.AUTO, "no forms", "go_live"): PLAIN,
    (Mode.AUTO, "no forms", "go_offline"): PLAIN,
    (Mode.HUMAN, "forms", "go_live"): (ASKED, ASKED, ASKED),
    (Mode.HUMAN, "forms", "go_offline"): (ASKED, ASKED, ASKED),
    (Mode.HUMAN, "no forms", "go_live"): (REFUSED, REFUSED, REFUSED),
    (Mode.HUMAN, "no forms", "go_offline"): PLAIN,
    (Mode.PREVIEW, "forms", "go_live"): PLAIN,
    (Mode.PREVIEW, "forms", "go_offline"): PLAIN,
    (Mode.PREVIEW, "no forms", "go_live"): PLAIN,
    (Mode.PREVIEW, "no forms", "go_offline"): PLAIN,
    (Mode.FLAG, "forms", "go_live"): (SHOWN, RAN, RAN),
    (Mode.FLAG, "forms", "go_offline"): (SHOWN, RAN, RAN),
    (Mode.FLAG, "no forms", "go_live"): (SHOWN, RAN, RAN),
    (Mode.FLAG, "no forms", "go_offline"): (SHOWN, RAN, RAN),
}


@pytest.mark.parametrize(("mode", "client", "name"), TABLE)
@pytest.mark.parametrize("evidence", range(3))
async def test_the_table_of_the_modes(
    *, era: str, mode: Mode, client: str, name: str, evidence: int
) -> None:
    """A person is asked where the table says so, and nowhere else; and what they say is done."""
    act = {"go_live": GO_LIVE, "go_offline": GO_OFFLINE}[name]
    async with in_memory(era, mode=mode) as desk:
        desk.person.will(agreeing)
        caller = desk.asking if client == "forms" else desk.plain
        shown = (await desk.call(act)).structured_content or {}
        confirmation = shown.get("confirmation", "none was given")
        given: dict[str, object] = {"confirm": True} if evidence else {}
        if evidence == 2:
            given["confirmation"] = confirmation
        result = told(await desk.call(act, caller, **given))[0]
        expected = TABLE[mode, client, name][evidence]
        assert len(desk.person.forms) == (expected == ASKED)
        assert result == (RAN if expected == ASKED else expected)
        assert desk.sent == ([act.sent] if result == RAN else [])


OUTLOOK: Final = {
    "operation": "go_live",
    "target": {"id": "studio_42", "name": "Friday Night Show"},
    "effects": [
        'Starts a broadcast of "Friday Night Show" that anyone can watch.',
        'Goes out on "Main channel" (YouTube).',
        'Goes out on "Late crowd" (Twitch).',
        'Can be on screen: "Host camera" (webcam).',
        'Can be on screen: "Intro clip" (media).',
    ],
    "warnings": [],
    "unknown": [],
}
LINES: Final = "\n".join(
    ['go_live on "Friday Night Show":', *(f"- {it}" for it in OUTLOOK["effects"])]
)
SHOW: Final = (
    "Show this to the person and stop. Call go_live again only after their next message says yes,"
    " with the same arguments and "
)
UNTIL: Final = "2026-06-05T18:05:00Z"


def whole(result: types.CallToolResult) -> tuple[dict[str, Any], list[str]]:
    """An answer that did not run, with its confirmation as `C`; its text in paragraphs."""
    assert result.is_error
    data, text = dict(result.structured_content or {}), said(result)
    if "confirmation" in data:
        text = text.replace(data["confirmation"], "C")
        data["confirmation"] = "C"
    return data, text.split("\n\n")


@pytest.mark.parametrize("with_flag", [{}, {"confirm": True}], ids=["bare", "flag"])
async def test_a_preview_says_everything(era: str, with_flag: dict[str, object]) -> None:
    """What would happen, as data and as text; the last line is what a yes lets the model send."""
    async with in_memory(era) as desk:
        data, text = whole(await desk.call(GO_LIVE, **with_flag))
    message = f"Nothing was sent: go_live needs a person's yes. {SHOW}the last line here."
    assert data == {
        "status": "confirmation_required",
        "message": message,
        "preview": OUTLOOK,
        "confirmation": "C",
        "expiresAt": UNTIL,
    }
    assert text == [message, LINES, f'confirm: true, confirmation: "C" (until {UNTIL})']


async def test_where_the_flag_is_enough_a_preview_has_no_confirmation(era: str) -> None:
    """`TRAX_CONFIRM=flag`: the text asks for the flag."""
    async with in_memory(era, mode=Mode.FLAG) as desk:
        data, text = whole(await desk.call(GO_LIVE))
    message = f"Nothing was sent: go_live needs a person's yes. {SHOW}`confirm: true`."
    assert data == {"status": "confirmation_required", "message": message, "preview": OUTLOOK}
    assert text == [message, LINES]


WORTHLESS: Final = {
    "expired": (expired, "this confirmation has expired, or was never yours."),
    "mismatch": (of_another_operation, "this confirmation is for another call."),
    "changed": (of_how_it_was, "things have changed since the yes."),
}


@pytest.mark.parametrize("reason", WORTHLESS)
async def test_a_worthless_confirmation_gets_a_fresh_preview(era: str, reason: str) -> None:
    """With a confirmation of its own; what changed stands first."""
    walk, why = WORTHLESS[reason]
    async with in_memory(era) as desk:
        result = await walk(desk, GO_LIVE)
        fresh = whole(await desk.call(GO_LIVE))
    data, text = whole(result)  # type: ignore[arg-type]  # a walk may have no result
    message = f"Nothing was sent: {why} {SHOW}the last line here."
    status = {"status": "confirmation_invalid", "message": message, "reason": reason}
    assert data == {**fresh[0], **status}
    assert text[0] == message
    assert text[-1] == fresh[1][-1]
    assert (text[1] == fresh[1][1]) == (reason != "changed")
    if reason == "changed":
        assert text[1].startswith(
            "Changed since you were asked:\n"
            '- No longer: Starts a broadcast of "Friday Night Show" that anyone can watch.\n'
        )
        assert text[1].endswith(f"\n{fresh[1][1]}")


NOT_AGREED: Final = {
    "declined": (declining, "the person said no."),
    "declined by choice": (refusing, "the person said no."),
    "cancelled": (cancelling, "the person closed the question without an answer."),
    "malformed": (filling_in({}), "the answer was none of the choices."),
    "client_error": (failing, "the client could not ask the person."),
}


@pytest.mark.parametrize("reason", NOT_AGREED)
async def test_what_a_person_did_not_agree_to_is_not_asked_again(reason: str) -> None:
    """No confirmation comes with it, and the model is told to leave it."""
    say, why = NOT_AGREED[reason]
    async with in_memory(LEGACY) as desk:
        data, text = whole(await saying(say)(desk, GO_LIVE))  # type: ignore[arg-type]  # as above
    message = f"Nothing was sent: {why} Do not call again unless the person asks for it."
    assert data == {
        "status": "declined",
        "message": message,
        "reason": reason.partition(" ")[0],
        "preview": OUTLOOK,
    }
    assert text == [message, LINES]


async def test_where_a_person_must_be_asked_and_cannot_be_it_says_whose_choice_that_is(
    era: str,
) -> None:
    """`TRAX_CONFIRM=human`."""
    async with in_memory(era, mode=Mode.HUMAN) as desk:
        data, text = whole(await desk.call(GO_LIVE, confirm=True))
    message = (
        "Nothing was sent: a person must be asked here, and this client cannot ask one. The"
        " operator set TRAX_CONFIRM=human: use a client that shows forms."
    )
    assert data == {"status": "cannot_ask", "message": message, "preview": OUTLOOK}
    assert text == [message, LINES]


async def test_a_used_confirmation_is_told_what_came_of_it(era: str) -> None:
    """Neither a preview nor another confirmation: there is nothing to agree to."""
    async with in_memory(era) as desk:
        confirmation = await desk.confirmation(GO_LIVE)
        await desk.call(GO_LIVE, confirm=True, confirmation=confirmation)
        again = await desk.call(GO_LIVE, confirm=True, confirmation=confirmation)
    message = (
        "Nothing was sent: this confirmation was used already: the call ran, and the studio was"
        " then on air. Look at what came of it before anything else."
    )
    assert whole(again) == (
        {"status": "confirmation_invalid", "message": message, "reason": "used"},
        [message],
    )


async def test_a_live_studio_has_nothing_to_do(era: str) -> None:
    """It says since when; a person is not asked either."""
    async with in_memory(era) as desk:
        desk.person.will(agreeing)
        await desk.confirmed(GO_LIVE)
        answers = [whole(await desk.call(GO_LIVE, it)) for it in (desk.plain, desk.asking)]
        assert desk.sent == [GO_LIVE.sent]
    message = (
        "Nothing was sent: it is live already, since 2026-06-05T18:00:03.000Z."
        " Look with get_stream_status."
    )
    assert answers == [({"status": "nothing_to_do", "message": message}, [message])] * 2
    assert desk.person.forms == []
