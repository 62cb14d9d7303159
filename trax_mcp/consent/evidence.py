"""What a call brings to show that a person agreed. Values only."""

from dataclasses import dataclass
from typing import Final, Literal

Channel = Literal["form", "panel", "page"]
"""A way in which a person is asked."""
ApprovedIn = Literal["form", "panel", "page", "passkey", "confirmation", "flag"]
"""How a call was approved. A passkey is used on the page."""
Status = Literal[
    "confirmation_required", "asking", "confirmation_invalid",
    "declined", "cannot_ask", "nothing_to_do",
]  # fmt: skip
Reason = Literal[
    "expired", "mismatch", "changed", "used",
    "declined", "cancelled", "timed_out", "recently_declined", "malformed", "client_error",
]  # fmt: skip
Reply = Literal["chosen", "declined", "cancelled", "timed_out", "malformed", "client_error"]


@dataclass(frozen=True, slots=True)
class PersonAnswer:
    """The answer of a person, and the question that they were asked: its id and number."""

    question_id: str
    reply: Reply
    choice: str | None = None
    number: int = 1


@dataclass(frozen=True, slots=True)
class Evidence:
    """The proof in a call that a person agreed. `answered_in` is set if it was not in a form."""

    confirm: bool = False
    confirmation: str | None = None
    answer: PersonAnswer | None = None
    answered_in: ApprovedIn | None = None

    @property
    def question_id(self) -> str | None:
        """The id of the question that the evidence answers. For a stop, its token."""
        return self.answer.question_id if self.answer else self.confirmation


NO_EVIDENCE: Final = Evidence()
