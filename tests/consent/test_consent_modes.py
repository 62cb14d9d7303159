"""The ways of `TRAX_ASK`, and what a call says that did not run.

`tests/answers/withheld.txt` has what it says, and `previews.txt` the texts of all previews.
"""

from __future__ import annotations

import json
from itertools import starmap
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.guarded_calls import GO_LIVE, GO_OFFLINE
from tests.support.simulated_person import (
    Person,
    agreeing,
    cancelling,
    declining,
    failing,
    filling_in,
    refusing,
)
from tests.support.snapshots import Answers
from tests.world.answers import data_of, outcome, text_of
from tests.world.wire import LEGACY
from tests.world.world import MINE, open_world

if TYPE_CHECKING:
    import mcp_types as types
    from syrupy.assertion import SnapshotAssertion

    from tests.support.simulated_person import Responder

ASKED: Final = "a person is asked"
DEFAULT: Final = "form,panel,page,preview"
PEOPLE: Final = "form,panel,page"
CONFIRM_ALONE: Final = "confirm_alone"
RAN: Final = "ran"
SHOWN: Final = "confirmation_required"
REFUSED: Final = "cannot_ask"
PLAIN: Final = (SHOWN, SHOWN, RAN)
"""Without the flag, with the flag alone, and with the flag and a confirmation."""

TABLE: Final[dict[tuple[str, str, str], tuple[str, ...]]] = {
    (DEFAULT, "forms", "go_live"): (ASKED, ASKED, ASKED),
    (DEFAULT, "forms", "go_offline"): (ASKED, ASKED, ASKED),
    (DEFAULT, "no forms", "go_live"): PLAIN,
    (PEOPLE, "forms", "go_live"): (ASKED, ASKED, ASKED),
    (PEOPLE, "no forms", "go_live"): (REFUSED, REFUSED, REFUSED),
    (PEOPLE, "no forms", "go_offline"): PLAIN,
    ("preview", "forms", "go_live"): PLAIN,
    (CONFIRM_ALONE, "forms", "go_live"): (SHOWN, RAN, RAN),
    (CONFIRM_ALONE, "no forms", "go_offline"): (SHOWN, RAN, RAN),
}


@pytest.mark.parametrize(("ways", "client", "name"), TABLE)
async def test_each_way_runs_asks_previews_or_refuses_as_in_the_table(
    ways: str, client: str, name: str
) -> None:
    """A person is asked only where the table says so, and the call runs if they agree."""
    operation = {"go_live": GO_LIVE, "go_offline": GO_OFFLINE}[name]
    for evidence, expected in enumerate(TABLE[ways, client, name]):
        person = Person(agreeing)
        async with open_world(MINE, TRAX_ASK=ways) as it:
            confirmation = (await it[MINE].preview(operation)).get("confirmation", "not given")
            given: dict[str, object] = {"confirm": True} if evidence else {}
            if evidence == 2:
                given["confirmation"] = confirmation
            caller = await it.caller(person=person) if client == "forms" else it[MINE]
            await caller.read_preview()
            answer = await caller.call(operation, **given)
            result, asked = outcome(answer)[0], len(person.forms)
            assert (evidence, asked) == (evidence, 1 if expected == ASKED else 0)
            assert (evidence, result) == (evidence, RAN if expected == ASKED else expected)
            assert it.sent == ([operation.sent] if result == RAN else [])
            how = "form" if asked else CONFIRM_ALONE if ways == CONFIRM_ALONE else "confirmation"
            approved_in = (answer.meta or {}).get("live.traxstreaming/approvedIn")
            assert approved_in == (how if result == RAN else None)


# What a model reads of a call that did not run


def said(title: str, result: types.CallToolResult) -> str:
    """The data and the text of an answer, below a title. Its confirmation becomes `C`."""
    data, text = dict(data_of(result)), text_of(result)
    assert data.pop("executed") is False
    is_plain = data.get("reason") == "too_soon" or data["status"] == "cannot_ask"
    goes_on = data["status"] == "confirmation_required" or "confirmation" in data or is_plain
    assert result.is_error != goes_on
    assert text.startswith(data.pop("message"))
    if confirmation := data.get("confirmation"):
        text = text.replace(confirmation, "C")
        data["confirmation"] = "C"
    lines = [*json.dumps(data, indent=2, ensure_ascii=False).split("\n"), *text.split("\n")]
    return "\n".join([title, *(f"  {line}".rstrip() for line in lines), ""])


async def asked_about(respond: Responder) -> types.CallToolResult:
    """A person is asked about a go-live, and answers so."""
    async with open_world(MINE, era=LEGACY, person=Person(respond)) as it:
        return await it[MINE].call(GO_LIVE)


NOT_A_YES: Final[dict[str, Responder]] = {
    "declined at once": declining,
    "closed at once": cancelling,
    "the other choice": refusing,
    "none of the choices": filling_in({}),
    "a client that fails": failing,
}


@pytest.mark.parametrize("name", ["withheld"])
async def test_a_call_that_did_not_run_says_why(name: str, snapshot: SnapshotAssertion) -> None:
    """As data and as text. A no gets no confirmation, and tells the model not to call again."""
    parts: dict[str, types.CallToolResult] = {}
    async with open_world(MINE) as it:
        parts["a preview"] = await it[MINE].call(GO_LIVE, confirm=True)
        confirmation = await it[MINE].confirmation(GO_LIVE)
        of_another = await it[MINE].confirmation(GO_OFFLINE)
        hurried = (await it[MINE].preview(GO_LIVE))["confirmation"]
        parts["a confirmation at once"] = await it[MINE].use(GO_LIVE, hurried)
        await it[MINE].use(GO_LIVE, hurried)
        parts["the third at once"] = await it[MINE].use(GO_LIVE, hurried)
        parts["an invented confirmation"] = await it[MINE].use(GO_LIVE, "invented")
        parts["a confirmation of another call"] = await it[MINE].use(GO_LIVE, of_another)
        it.trax.change("studio_42", name="Another Night Show")
        parts["a confirmation from before a rename"] = await it[MINE].use(GO_LIVE, confirmation)
        used = await it[MINE].confirmation(GO_LIVE)
        await it[MINE].use(GO_LIVE, used)
        parts["a used confirmation"] = await it[MINE].use(GO_LIVE, used)
        it.hand_clock.advance(12 * 60)
        parts["a go-live of a live studio"] = await it[MINE].call(GO_LIVE)
    for ways in (CONFIRM_ALONE, PEOPLE):
        async with open_world(MINE, TRAX_ASK=ways) as it:
            parts[f"TRAX_ASK={ways}"] = await it[MINE].call(GO_LIVE)
    for title, respond in NOT_A_YES.items():
        parts[title] = await asked_about(respond)
    text = "\n".join(starmap(said, parts.items()))
    assert text == snapshot.with_defaults(extension_class=Answers), name
