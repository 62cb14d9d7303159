"""The exceptions for failed calls to TRaX.

    TraxError              a call failed
    ├── NotSent            refused here: bad arguments, no key, a tool that is switched off
    ├── NoConnection       no connection was made, so nothing was sent
    ├── LostAnswer         the call was sent, but no answer came back
    ├── Refused            TRaX answered with an error
    └── BadAnswer          the answer is one of success, but cannot be read
        └── TooLarge       the answer exceeds the size limit

Each says what happened, what was not done and what to do next. The sentence stands where the error
is raised; those that several modules raise stand below. None holds a secret, and TRaX's own text is
quoted and shortened.
"""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from trax_mcp.api.operation import ToolInput
from trax_mcp.settings import KEYS_SCREEN

if TYPE_CHECKING:
    from ssl import SSLCertVerificationError

Outcome = Literal["not_applied", "unknown", "applied"]
"""What the call changed. `unknown`: a change whose answer was lost, or is not TRaX's. `applied`:
accepted by TRaX, whose answer lacks something. A failed read is `not_applied`."""

WRITES_OFF: Final = "Changes are turned off on this TRaX deployment"
WRITES_OFF_NEXT: Final = (
    "Retrying won't help. `writeEnabled` in get_health shows when that changes."
)
NEW_KEY: Final = f"Create a new key on {KEYS_SCREEN}, then run trax-mcp install CLIENT."
_UNKNOWN_ISSUER: Final = range(18, 22)
"""OpenSSL's codes of a certificate whose issuer is not known, or is itself."""
NOTHING_CHANGED: Final = ". Nothing changed"
NOT_SENT: Final = ". The change wasn't sent"
_BUSY: Final = frozenset({HTTPStatus.CONFLICT, HTTPStatus.LOCKED, HTTPStatus.TOO_EARLY})
_CHANGED: Final[Mapping[Outcome, str]] = {
    "not_applied": NOTHING_CHANGED,
    "unknown": ". It's unclear whether it took effect",
    "applied": ". It took effect",
}


def changed(operation: ToolInput, outcome: Outcome) -> str:
    """How a sentence about a failed change ends. Empty for a read: nobody expects a change."""
    return _CHANGED[outcome] if operation.endpoint.mutates else ""


@dataclass(eq=False)
class TraxError(Exception):
    """A call failed. Everything in it may be shown to clients.

    `message` is `happened`, how that sentence ends (`not_done`), and `next_step`. `remedy`, if
    there is one, is for the person who runs this server. `happened` may name the `tool`, for a
    model.
    `retry_after_seconds` comes from TRaX, or from a limit of this server.
    """

    code: str
    happened: str
    next_step: str
    _: KW_ONLY
    not_done: str = ""
    remedy: str = ""
    tool: str = ""
    outcome: Outcome = "not_applied"
    retryable: bool = False
    http_status: int | None = None
    request_id: str | None = None
    required_scope: str | None = None
    retry_after_seconds: float | None = None

    @classmethod
    def after_sending(
        cls,
        operation: ToolInput,
        code: str,
        happened: str,
        *,
        outcome: Outcome = "unknown",
        **details: Any,  # noqa: ANN401  the other fields
    ) -> Self:
        """The failure of a call that was sent, with this outcome if it is a change."""
        mutates = operation.endpoint.mutates
        return cls(
            code,
            happened,
            operation.look,
            not_done=changed(operation, outcome),
            outcome=outcome if mutates else "not_applied",
            retryable=not mutates,
            **details,
        )

    @property
    def told(self) -> str:
        """What happened, without the name of a tool."""
        if not self.tool:
            return self.happened
        return self.happened.replace(f" to {self.tool}", "", 1).replace(self.tool, "the call", 1)

    @property
    def summary(self) -> str:
        """What happened, for a person."""
        if self.code == "invalid_arguments":  # which name tools, and which no person has written
            return "The request wasn't valid, so nothing was sent."
        return f"{self.told}{self.not_done}."

    @property
    def message(self) -> str:
        """All of it in words, for a model."""
        return f"{self.happened}{self.not_done}. {self.next_step}"

    def __str__(self) -> str:
        return self.message

    def before_sending(self) -> Self:
        """The failure of a read that was made before a change, which was therefore not sent."""
        return replace(self, not_done=self.not_done or NOT_SENT)

    def copy(self) -> Self:
        """An equal new exception. Raising one object twice keeps all its tracebacks alive."""
        return replace(self)


@dataclass(eq=False, kw_only=True)
class NotSent(TraxError):
    """Refused here, before anything was sent."""

    not_done: str = ", so nothing was sent"


@dataclass(eq=False, kw_only=True)
class NoConnection(TraxError):
    """No connection to TRaX was made, so nothing was sent."""

    not_done: str = ", so nothing was sent"


class LostAnswer(TraxError):
    """The request was sent, but no complete answer came back."""


class Refused(TraxError):
    """TRaX answered with an error."""

    @property
    def is_rate_limit(self) -> bool:
        """Whether TRaX refused it before anything was done, because of too many requests."""
        is_too_many = self.http_status == HTTPStatus.TOO_MANY_REQUESTS
        return self.outcome == "not_applied" and (is_too_many or self.code == "rate_limited")

    @property
    def is_busy(self) -> bool:
        """Whether TRaX refused it as things stand now. It may be starting the show."""
        return self.http_status in _BUSY


class BadAnswer(TraxError):
    """The answer is one of success, but cannot be read."""


class TooLarge(BadAnswer):
    """The answer exceeds the size limit."""


def no_key() -> NotSent:
    """The caller has no key and the call needs one."""
    next_step = (
        f"Create one on {KEYS_SCREEN}, then run `trax-mcp install`, which asks for it (over HTTP:"
        " send it as X-API-Key)."
    )
    return NotSent("no_key", "There is no TRaX key", next_step)


def not_trusted(error: "SSLCertVerificationError", *, request_id: str) -> NoConnection:
    """The certificate of the server is not trusted, so it may be of anyone."""
    remedy = "Check TRAX_BASE_URL and this computer's clock."
    if error.verify_code in _UNKNOWN_ISSUER:
        remedy = "If it's from your own network, set SSL_CERT_FILE to your CA's file."
    why = error.verify_message.rstrip(".")
    return NoConnection(
        "unreachable",
        f"TRaX couldn't be reached: its certificate isn't trusted ({why})",
        f"{remedy} Then start trax-mcp again.",
        remedy=remedy,
        request_id=request_id,
    )


def interrupted(operation: ToolInput) -> LostAnswer:
    """The time limit passed, or the server shut down, while the call was being sent."""
    happened = "The call was cut short before TRaX answered"
    return LostAnswer.after_sending(operation, "timeout", happened)


def unreadable(
    operation: ToolInput,
    why: str,
    *,
    status: int,
    request_id: str,
) -> BadAnswer:
    """An answer of TRaX's cannot be read, though it accepted the call. `why` follows its name."""
    whose = "TRaX accepted the call, but its" if operation.endpoint.mutates else "TRaX's"
    return BadAnswer.after_sending(
        operation,
        "bad_answer",
        f"{whose} answer to {operation.tool_name} {why}",
        tool=operation.tool_name,
        outcome="applied",
        http_status=status,
        request_id=request_id,
    )


def unread(
    operation: ToolInput,
    why: str,
    *,
    status: int,
    request_id: str,
    code: str = "bad_answer",
    kind: type[BadAnswer] = BadAnswer,
) -> BadAnswer:
    """No JSON could be read from an answer, so it proves nothing. `why` follows its name."""
    happened = f"The answer to {operation.tool_name} {why}"
    return kind.after_sending(
        operation,
        code,
        happened,
        tool=operation.tool_name,
        http_status=status,
        request_id=request_id,
    )


def compressed(error: BadAnswer) -> BadAnswer:
    """An answer that cannot be read is compressed: so will the next one be."""
    next_step = "Run `trax-mcp doctor`." if error.retryable else error.next_step
    remedy = "Check the proxy or gateway in front of TRaX: it compresses answers."
    return replace(error, next_step=next_step, retryable=False, remedy=remedy)


def not_from_trax(operation: ToolInput, what: str, *, status: int, request_id: str) -> BadAnswer:
    """Something answered in TRaX's place. `what` it sent."""
    happened = f"{what}, not TRaX's API, answered {operation.tool_name} with HTTP {status}"
    return BadAnswer.after_sending(
        operation,
        "bad_answer",
        happened,
        tool=operation.tool_name,
        http_status=status,
        request_id=request_id,
    )


def pagination_loop(operation: ToolInput) -> BadAnswer:
    """The pages of a list do not end."""
    happened = f"The pages of {operation.tool_name} don't end"
    return no_passing(BadAnswer.after_sending(operation, "bad_answer", happened))


def no_passing(error: BadAnswer, look: str = "") -> BadAnswer:
    """The same failure, which will not be over by itself. `look` is what to do before."""
    next_step = f"{look} Run `trax-mcp doctor`.".strip()
    return replace(error, next_step=next_step, retryable=False)
