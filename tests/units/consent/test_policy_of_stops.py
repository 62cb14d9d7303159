"""Whether a stop may run: the whole table of verdicts, and the only ways to a yes.

No fact matters, and a stop can be confirmed where no person can be asked.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Final, get_args

import pytest

from tests.units.consent.asked_questions import ID, YES
from tests.units.consent.policy_rows import (
    ALONE,
    ANSWERS,
    BOTH,
    CHOSE,
    CONFIRM_ALONE,
    COPIED,
    DECIDERS,
    FREE,
    MODELS,
    PREVIEW,
    SHOW,
    Row,
    answer,
    answered,
    ask,
    carried,
    invalid,
    no,
)
from trax_mcp.actions.stream import STAY_ON_AIR
from trax_mcp.consent.calls import Evidence, Reply
from trax_mcp.consent.policy import (
    Proceed,
    Verdict,
    judge_stop,
)
from trax_mcp.consent.stop_token import StopToken, sign_stop

if TYPE_CHECKING:
    from trax_mcp.consent.ways import WaysToAsk

KEY: Final = "a key"
GIVEN: Final = 1000.0
"""When a token ends, in Unix seconds."""


STOPS: Final[dict[str, Row]] = {
    "nothing": carried(Evidence(), "nothing", SHOW, SHOW),
    "confirm alone": carried(ALONE, "nothing", SHOW, FREE),
    "a token without confirm": carried(COPIED, "token", SHOW, SHOW),
    "confirm and its token": carried(BOTH, "token", FREE, FREE),
    "one that has expired": carried(BOTH, "token, expired", ask("expired"), FREE),
    "one invented": carried(BOTH, "nothing", ask("expired"), FREE),
    "one of another call": carried(BOTH, "nothing, for another", ask("mismatch"), FREE),
    "a person's question as a token": carried(BOTH, "question", ask("mismatch"), FREE),
    "the choice": answered(CHOSE, "question", FREE),
    "the choice, too late": answered(CHOSE, "question, expired", invalid("expired")),
    "the other choice": answered(answer("chosen", STAY_ON_AIR), "question", no("declined")),
    "a choice not offered": answered(answer("chosen", "Stop!"), "question", no("malformed")),
    "a choice of nothing": answered(answer("chosen"), "question", no("malformed")),
    **{
        f"{reply}, with the choice": answered(answer(reply, YES), "question", no(reply))
        for reply in get_args(Reply) if reply != "chosen"
    },
    "timed out as it expired": answered(answer("timed_out"), "question, expired", no("timed_out")),
    "declined too late": answered(answer("declined"), "question, expired", invalid("expired")),
    "yes to nothing that we asked": answered(CHOSE, "nothing", invalid("expired")),
    "yes to another question": answered(CHOSE, "nothing, for another", invalid("mismatch")),
    "yes under a model's token": answered(CHOSE, "token", invalid("mismatch")),
}  # fmt: skip


def verdict_on(evidence: Evidence, words: str, ways: WaysToAsk, *, can_ask: bool) -> Verdict:
    """The verdict, with the token that the table's words name."""
    token = sign_stop(
        key=KEY,
        studio_id="s",
        until=GIVEN if "expired" in words else GIVEN + 1,
        choice=YES,
        is_for_model="question" not in words,
    )
    return judge_stop(
        evidence,
        StopToken.read(None if "nothing" in words else token, key=KEY, studio_id="s"),
        ask=ways,
        can_ask=can_ask,
        is_for_another="for another" in words,
        now=GIVEN,
    )


@pytest.mark.parametrize("row", STOPS)
def test_each_verdict_about_a_stop_is_as_the_table_says(row: str) -> None:
    it = STOPS[row]
    for (ways, can_ask), decider in DECIDERS.items():
        expected = getattr(it, decider.replace("nobody", "confirmation"))
        verdict = verdict_on(it.evidence, it.kept, ways, can_ask=can_ask)
        assert (verdict, ways, can_ask) == (expected, ways, can_ask)


def test_a_stop_runs_only_with_a_yes_in_every_combination() -> None:
    """A token that was offered to a person needs their choice, and one for a model needs none."""
    kinds = ("nothing", "token", "token, expired", "question", "question, expired")
    runs = 0
    for model, person, kind, (ways, can_ask), of in product(
        MODELS, ANSWERS, kinds, DECIDERS, ("", ", for another")
    ):
        evidence = model._replace(answer=person)
        if isinstance(verdict_on(evidence, kind + of, ways, can_ask=can_ask), Proceed):
            runs += 1
            assert is_agreed(evidence, kind, ways, can_ask=can_ask)
    assert runs > 0


def is_agreed(evidence: Evidence, kind: str, ways: WaysToAsk, *, can_ask: bool) -> bool:
    """Whether there is a yes to this stop, or `confirm` alone is enough."""
    if evidence.answer is not None:
        has_chosen = evidence.answer.reply == "chosen" and evidence.answer.choice == YES
        return has_chosen and kind == "question"
    if ways == CONFIRM_ALONE:
        return evidence.confirm
    may = ways == PREVIEW or not can_ask
    return may and evidence.confirm and evidence.confirmation == ID and kind == "token"
