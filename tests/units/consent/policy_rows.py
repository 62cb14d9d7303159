"""The words of the tables of verdicts: the answer to a question, and what a call is told."""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Final, NamedTuple, get_args

from tests.units.consent.questions import NO, YES
from trax_mcp.consent.calls import Answer, NotRun, Reply
from trax_mcp.consent.policy import AskFirst, Proceed, Verdict

if TYPE_CHECKING:
    from trax_mcp.consent.calls import By
    from trax_mcp.consent.ways import Way

ID: Final = "q"
PEOPLE: Final[tuple[By, ...]] = ("form", "panel", "page", "passkey")
"""The ways in which a person answers here."""
MODEL: Final = Answer(ID, "confirmation")
"""A model brings back the confirmation of a preview, and says that its user agreed."""
ALONE: Final = Answer("", "confirm_alone")
"""`confirm: true`, where the operator has made that enough."""


class Row(NamedTuple):
    """The answer, what is kept under its id, and the verdict."""

    answer: Answer | None
    kept: str
    verdict: Verdict


ASK: Final = AskFirst()
FREE: Final = Proceed()
RUN: Final = Proceed(ID)
USED: Final = NotRun("confirmation_invalid", "used")

ask: Final = AskFirst
invalid: Final = partial(NotRun, "confirmation_invalid")
no: Final = partial(NotRun, "declined")


def answer(reply: Reply, choice: str | None = None, by: By = "form") -> Answer:
    """What a person answers: to a form, unless another way is given."""
    return Answer(ID, by, choice, reply)


CHOSE: Final = answer("chosen", YES)
_CLICKS: Final[tuple[By, ...]] = ("panel", "page", "passkey")
_SHOWN: Final[tuple[Way, ...]] = ("panel", "page")
FITTING: Final[frozenset[tuple[By, Way]]] = frozenset(
    {
        ("form", "form"),
        ("confirmation", "preview"),
        # The page follows a panel.
        *((by, way) for by in _CLICKS for way in _SHOWN),
    }
)
"""Which answers are to a question that was asked in which way: the whole table."""

CHOICES: Final = (None, YES, NO, "Something else")
ANSWERS: Final = (
    None,
    ALONE,
    MODEL,
    *(Answer(ID, by, choice, it) for by, choice, it in product(PEOPLE, CHOICES, get_args(Reply))),
)
"""Everything that can come back."""
