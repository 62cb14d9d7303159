"""The exceptions for failed calls to TRaX.

    TraxError              a call failed
    ├── NotSent            refused here: bad arguments, no key, a tool that is switched off
    ├── NoConnection       no connection was made, so nothing was sent
    ├── LostAnswer         the call was sent, but no answer came back
    ├── Refused            TRaX answered with an error
    └── BadAnswer          TRaX answered with something that cannot be read
        └── TooLarge       the answer exceeds the size limit

Each message says what happened, what was not done and what to do next. Messages hold no secrets;
TRaX's own text is quoted and shortened.
"""

from dataclasses import dataclass
from typing import Literal, Self

Outcome = Literal["not_applied", "unknown", "applied"]
"""What the call changed. `unknown`: a mutation whose answer was lost. `applied`: accepted by TRaX,
but the answer could not be read. A failed read is `not_applied`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The details of a failed call.

    `happened` is the first clause of `message`, for code that composes another message.
    `retry_after_seconds` comes from TRaX.
    """

    code: str
    message: str
    happened: str = ""
    retryable: bool
    outcome: Outcome = "not_applied"
    http_status: int | None = None
    request_id: str | None = None
    required_scope: str | None = None
    retry_after_seconds: float | None = None


class TraxError(Exception):
    """A call failed. Everything in `failure` may be shown to clients."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure

    def copy(self) -> Self:
        """An equal new exception. Raising one object twice keeps all its tracebacks alive."""
        return type(self)(self.failure)


class NotSent(TraxError):
    """Refused here, before anything was sent."""


class NoConnection(TraxError):
    """No connection to TRaX was made, so nothing was sent."""


class LostAnswer(TraxError):
    """The request was sent, but no complete answer came back."""


class Refused(TraxError):
    """TRaX answered with an error."""


class BadAnswer(TraxError):
    """TRaX accepted the call, but its answer cannot be read."""


class TooLarge(BadAnswer):
    """TRaX accepted the call, but its answer exceeds the size limit."""
