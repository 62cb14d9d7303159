"""What can go wrong on the way to TRaX, as exceptions that carry a finished account of it.

    TraxError              a call that has failed
    ├── NotSent            it never left: bad arguments, no key, not offered here
    ├── NoConnection       nothing was sent, since no connection was made
    ├── LostAnswer         it was sent and no answer came back
    ├── Refused            TRaX answered with an error
    └── BadAnswer          TRaX answered with something that cannot be read
        └── TooLarge       for it is larger than is read here: less can be asked for

Each says what happened, what was not done and what to do next. The texts hold no secret and no
upstream words but quoted, short ones. This room knows nothing of HTTP clients or of MCP.
"""

from dataclasses import dataclass
from typing import Literal, Self

Outcome = Literal["not_applied", "unknown", "applied"]
"""What became of the call upstream. `unknown`: a mutation whose answer was lost. `applied`:
accepted upstream, but the answer could not be read. A read that failed is `not_applied`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The account of a failed call.

    `happened` is the first clause of `message`, for whoever finds out more; `retry_after_seconds`
    is TRaX's own wish, in seconds.
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
    """A call that has failed; `failure` says everything that may be told."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure

    def again(self) -> Self:
        """The same as a new exception: one raised twice grows, and holds on to its frames."""
        return type(self)(self.failure)


class NotSent(TraxError):
    """Refused on this side, before anything was sent."""


class NoConnection(TraxError):
    """No connection to TRaX was made, so nothing was sent."""


class LostAnswer(TraxError):
    """The request left and no whole answer came back."""


class Refused(TraxError):
    """TRaX answered, and the answer is an error."""


class BadAnswer(TraxError):
    """TRaX accepted the call, and its answer cannot be read."""


class TooLarge(BadAnswer):
    """TRaX accepted the call, and its answer is larger than is read here."""
