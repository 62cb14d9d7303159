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
from trax_mcp.consent.ways import WaysToAsk

EVERY: Final = WaysToAsk()
PEOPLE: Final = WaysToAsk.of(["form", "panel", "page"])
PREVIEW: Final = WaysToAsk.of(["preview"])
CONFIRM_ALONE: Final = WaysToAsk.of(["confirm_alone"])
DECIDERS: Final[dict[tuple[WaysToAsk, bool], str]] = {
    (EVERY, True): "person",
    (EVERY, False): "confirmation",
    (PEOPLE, True): "person",
    (PEOPLE, False): "nobody",
    (PREVIEW, True): "confirmation",
    (PREVIEW, False): "confirmation",
    (CONFIRM_ALONE, True): "alone",
    (CONFIRM_ALONE, False): "alone",
}
"""What decides by the ways to ask, and by whether the client can show a form."""


class Row(NamedTuple):
    """The evidence, what the store keeps under its id, and the verdict of each decider."""

    evidence: Evidence
    kept: str
    person: Verdict
    nobody: Verdict
    confirmation: Verdict
    alone: Verdict


CANNOT: Final = Refuse("cannot_ask")
SHOW: Final = NeedsConfirmation()
FREE: Final = Proceed()
RUN: Final = Proceed(ID)
USED: Final = Refuse("confirmation_invalid", "used")
AGAIN: Final = NeedsAnswer(again=True)
"""Where the person cannot be asked again, the answer is refused as `changed`."""


def carried(evidence: Evidence, kept: str, confirmation: Verdict, alone: Verdict) -> Row:
    """No person has answered yet. If one can be asked, they are asked."""
    return Row(evidence, kept, NeedsAnswer(), CANNOT, confirmation, alone)


def answered(evidence: Evidence, kept: str, verdict: Verdict) -> Row:
    """A person has answered. Their answer counts in all ways."""
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
