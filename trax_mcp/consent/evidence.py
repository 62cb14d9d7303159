"""Evidence of consent, and the confirmations that it refers to. Values only."""

import hashlib
import hmac
import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from pydantic import SecretStr

from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.studio import times
from trax_mcp.studio.naming import Sentence

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
    """The answer of a person, and the confirmation id of the question that they were asked."""

    confirmation_id: str
    reply: Reply
    choice: str | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """The proof in a call that a person agreed. `answered_in` is set if it was not in a form."""

    confirm: bool = False
    confirmation: str | None = None
    answer: PersonAnswer | None = None
    answered_in: ApprovedIn | None = None

    @property
    def confirmation_id(self) -> str | None:
        """The id of the confirmation that the evidence refers to."""
        return self.answer.confirmation_id if self.answer else self.confirmation


NO_EVIDENCE: Final = Evidence()


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """A question that was asked: the operation, and exactly what was shown.

    It is valid until `expires`, in seconds on the server's clock, or `expires_at`, whichever comes
    first. Limits count it for `owner`. `call` is the digest of the call, without its arguments.
    `choice` is the choice that a person was offered; None if the model brings the confirmation with
    its next call. `hidden_version` and `stop_count` are those of `Seen` when it was asked.
    `broadcast` and `choice_digest` are set if nobody remembers it: it is valid only for this
    broadcast, and a person was offered this choice, both as digests.
    """

    id: str
    caller: str
    owner: str
    studio: str
    call: str
    digest: str
    expires: float
    expires_at: datetime
    stops_broadcast: bool = False
    shown: tuple[Sentence, ...] = ()
    puts_on_air: bool = False
    choice: str | None = None
    asked_again: bool = False
    hidden_version: int = 0
    stop_count: int = 0
    broadcast: str | None = None
    choice_digest: str | None = None

    def with_choice(self, said: str | None) -> "Confirmation":
        """The same with the choice that was offered, as far as what a person said shows it."""
        if self.choice_digest is None:
            return self
        is_offered = short_digest(said) == self.choice_digest
        return replace(self, choice=said if is_offered else "", choice_digest=None)

    def is_for(self, operation: Operation[Model]) -> bool:
        """Whether it was given for exactly this call."""
        return hmac.compare_digest(self.call, call_digest(operation, self.id))

    def is_for_broadcast(self, start: str | None) -> bool:
        """Whether it may count for the broadcast that began then. None if that is not known."""
        return None in {self.broadcast, start} or self.broadcast == broadcast_digest(start)

    def is_ended_by_stop(self, studio: str, stop_count: int) -> bool:
        """Whether a stop has ended it, since there were so many in a studio."""
        return self.puts_on_air and self.studio == studio and self.stop_count != stop_count


@dataclass(frozen=True, slots=True)
class UsedConfirmation:
    """A confirmation that a call has used, and the outcome of the call, in words."""

    confirmation: Confirmation
    outcome: str = "the call is still in progress"

    @property
    def is_in_progress(self) -> bool:
        """Whether the call has not ended yet."""
        return self == UsedConfirmation(self.confirmation)


Stored = Confirmation | UsedConfirmation


def original(stored: Stored) -> Confirmation:
    """The confirmation, used or not."""
    return stored.confirmation if isinstance(stored, UsedConfirmation) else stored


def call_digest(operation: Operation[Model], key: str) -> str:
    """A digest of a call with all its arguments. It reveals none of them, and differs by `key`."""
    content = json.dumps([operation.tool_name, operation.arguments()], default=_reveal)
    return hmac.new(key.encode(), content.encode(), hashlib.sha256).hexdigest()


def short_digest(text: str | None) -> str | None:
    """A digest that an id has room for. None if there is no text."""
    return hashlib.sha256(text.encode()).hexdigest()[:8] if text else None


def broadcast_digest(start: str | None) -> str | None:
    """A digest of the moment when a broadcast began, however TRaX writes it."""
    moment = times.parse(start)
    return short_digest(moment.isoformat() if moment else start)


def _reveal(value: object) -> object:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
