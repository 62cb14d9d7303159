"""Whether a stop may run: the whole table of verdicts, and the only ways to an approval.

No fact matters, and a stop can be confirmed where no person can be asked.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Final, get_args

import pytest

from tests.units.consent.policy_rows import (
    ALONE,
    ANSWERS,
    ASK,
    CHOSE,
    FREE,
    MODEL,
    Row,
    answer,
    ask,
    invalid,
    no,
)
from tests.units.consent.questions import YES
from trax_mcp.actions.stream import STAY_ON_AIR
from trax_mcp.consent.calls import Reply
from trax_mcp.consent.policy import Proceed, Verdict, judge_stop
from trax_mcp.consent.stop_token import StopToken, sign_stop

if TYPE_CHECKING:
    from trax_mcp.consent.calls import Answer

KEY: Final = "a key"
GIVEN: Final = 1000.0
"""When a token ends, in Unix seconds."""


STOPS: Final[dict[str, Row]] = {
    "nothing": Row(None, "nothing", ASK),
    "confirm alone": Row(ALONE, "nothing", FREE),
    "a token": Row(MODEL, "token", FREE),
    "one that has expired": Row(MODEL, "token, expired", ask("expired")),
    "one invented": Row(MODEL, "nothing", ask("expired")),
    "one of another call": Row(MODEL, "nothing, for another", ask("mismatch")),
    "a person's question as a token": Row(MODEL, "question", ask("mismatch")),
    "the choice": Row(CHOSE, "question", FREE),
    "the choice, too late": Row(CHOSE, "question, expired", invalid("expired")),
    "the other choice": Row(answer("chosen", STAY_ON_AIR), "question", no("declined")),
    "a choice not offered": Row(answer("chosen", "Stop!"), "question", no("malformed")),
    "a choice of nothing": Row(answer("chosen"), "question", no("malformed")),
    **{
        f"{reply}, with the choice": Row(answer(reply, YES), "question", no(reply))
        for reply in get_args(Reply) if reply != "chosen"
    },
    "timed out as it expired": Row(answer("timed_out"), "question, expired", no("timed_out")),
    "declined too late": Row(answer("declined"), "question, expired", invalid("expired")),
    "approval of nothing that we asked": Row(CHOSE, "nothing", invalid("expired")),
    "approval of another question": Row(CHOSE, "nothing, for another", invalid("mismatch")),
    "a form's approval of a model's token": Row(CHOSE, "token", invalid("mismatch")),
    # The same approval is for a click and for the model.
    "a click": Row(answer("chosen", YES, "panel"), "token", FREE),
    "a click in a form's question": Row(
        answer("chosen", YES, "page"), "question", invalid("mismatch")
    ),
}  # fmt: skip


def verdict_on(given: Answer | None, words: str) -> Verdict:
    """The verdict, with the token that the table's words name."""
    token = sign_stop(
        key=KEY,
        studio_id="s",
        until=GIVEN if "expired" in words else GIVEN + 1,
        choice=YES,
        is_for_model="question" not in words,
    )
    return judge_stop(
        given,
        StopToken.read(None if "nothing" in words else token, key=KEY, studio_id="s"),
        GIVEN,
        is_for_another="for another" in words,
    )


@pytest.mark.parametrize("row", STOPS)
def test_each_verdict_about_a_stop_is_as_the_table_says(row: str) -> None:
    it = STOPS[row]
    assert verdict_on(it.answer, it.kept) == it.verdict


def test_a_stop_runs_only_with_an_approval_in_every_combination() -> None:
    """A token that was offered to a person needs their choice, and one for a model needs none."""
    kinds = ("nothing", "token", "token, expired", "question", "question, expired")
    runs = 0
    for given, kind, of in product(ANSWERS, kinds, ("", ", for another")):
        if isinstance(verdict_on(given, kind + of), Proceed):
            runs += 1
            assert is_agreed(given, kind + of)
    assert runs > 0


def is_agreed(given: Answer | None, kind: str) -> bool:
    """Whether somebody has approved this stop, or `confirm` alone is enough."""
    if given is None:
        return False
    if given.by == "confirm_alone":
        return True
    if given.by == "confirmation":
        return kind == "token"
    has_chosen = given.reply == "chosen" and given.choice == YES
    return has_chosen and kind == ("question" if given.by == "form" else "token")
