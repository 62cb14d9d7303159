"""The words of the tables of verdicts: who decides, the evidence, and what a call is told."""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import Final, NamedTuple, get_args

from tests.units.consent.asked_questions import ID, NO, YES
from trax_mcp.consent.calls import Evidence, PersonAnswer, Reply
from trax_mcp.consent.policy import (
    NeedsAnswer,
    NeedsConfirmation,
    Proceed,
    Refuse,
    Verdict,
)
from trax_mcp.consent.rules import Mode

DECIDERS: Final[dict[tuple[Mode, bool], str]] = {
    (Mode.AUTO, True): "person",
    (Mode.AUTO, False): "confirmation",
    (Mode.HUMAN, True): "person",
    (Mode.HUMAN, False): "nobody",
    (Mode.PREVIEW, True): "confirmation",
    (Mode.PREVIEW, False): "confirmation",
    (Mode.FLAG, True): "flag",
    (Mode.FLAG, False): "flag",
}
"""What decides in a mode, by whether the client can show a form."""


class Row(NamedTuple):
    """The evidence, what the store keeps under its id, and the verdict of each decider."""

    evidence: Evidence
    kept: str
    person: Verdict
    nobody: Verdict
    confirmation: Verdict
    flag: Verdict


CANNOT: Final = Refuse("cannot_ask")
SHOW: Final = NeedsConfirmation()
FREE: Final = Proceed()
RUN: Final = Proceed(ID)
USED: Final = Refuse("confirmation_invalid", "used")
AGAIN: Final = NeedsAnswer(again=True)
"""Where the person cannot be asked again, the answer is refused as `changed`."""


def carried(evidence: Evidence, kept: str, confirmation: Verdict, flag: Verdict) -> Row:
    """No person has answered yet. If one can be asked, they are asked."""
    return Row(evidence, kept, NeedsAnswer(), CANNOT, confirmation, flag)


def answered(evidence: Evidence, kept: str, verdict: Verdict) -> Row:
    """A person has answered. Their answer counts in every mode."""
    return Row(evidence, kept, verdict, verdict, verdict, verdict)


def answer(reply: Reply, choice: str | None = None, number: int = 1) -> Evidence:
    return Evidence(answer=PersonAnswer(ID, reply, choice, number))


ask: Final = NeedsConfirmation
invalid: Final = partial(Refuse, "confirmation_invalid")
no: Final = partial(Refuse, "declined")
ALONE: Final = Evidence(confirm=True)
COPIED: Final = Evidence(confirm=False, confirmation=ID)
BOTH: Final = Evidence(confirm=True, confirmation=ID)
CHOSE: Final = answer("chosen", YES)
CHOSE_AGAIN: Final = answer("chosen", YES, number=2)

MODELS: Final = [Evidence(yes, which) for yes in (True, False) for which in (None, ID)]
CHOICES: Final = (None, YES, NO, "Something else")
ANSWERS: Final = [
    None,
    *(PersonAnswer(ID, *it) for it in product(get_args(Reply), CHOICES, (1, 2))),
]
