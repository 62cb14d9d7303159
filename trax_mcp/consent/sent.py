"""What is known of an operation that was sent, by what came back. Pure."""

from http import HTTPStatus
from typing import Final

from trax_mcp.actions.results import NOT_CHANGED
from trax_mcp.api.errors import NoConnection, NotSent, Outcome, Refused, TraxError
from trax_mcp.api.models import Model, read_switch
from trax_mcp.api.operation import Operation
from trax_mcp.api.responses import Response
from trax_mcp.consent.running import Fate

Sent = Response[Model] | TraxError
_SERVER: Final = HTTPStatus.INTERNAL_SERVER_ERROR


def outcome_of(sent: Sent) -> Outcome:
    """What is known of an operation that was sent, whatever is seen later."""
    return sent.outcome if isinstance(sent, TraxError) else "applied"


def is_busy(sent: Sent | None) -> bool:
    """Whether TRaX refused it as things stand now."""
    return isinstance(sent, Refused) and sent.is_busy


def stream_of(sent: Sent | None) -> str:
    """The id of the stream that a go-live has begun, empty if TRaX told none."""
    found = sent.data.get("encoderStreamId") if isinstance(sent, Response) else None
    return found if isinstance(found, str) else ""


def is_certain(operation: Operation[Model], sent: Sent) -> bool:
    """Whether TRaX did it, and its response shows nothing else than what was asked for.

    Texts may be shown in another form. A switch that is still on is not off.
    """
    data = {} if isinstance(sent, TraxError) else sent.data
    switches = [it for it in operation.arguments().items() if isinstance(it[1], bool)]
    is_as_asked = all(read_switch(data.get(name, asked)) is asked for name, asked in switches)
    return outcome_of(sent) == "applied" and is_as_asked


def lost(sent: TraxError) -> str:
    """How a response was lost: it did not come, or shows otherwise than was asked for."""
    return sent.told.replace(NOT_CHANGED, "TRaX answered that ", 1)


def fate_of(sent: Sent) -> Fate:
    """What a stop means for others than its caller.

    It counts if TRaX took it, even without a word, and if the refusal is one that only those are
    told who may stop. After all other refusals it does not, and if anything else came back, or
    nothing, nobody knows.
    """
    if not isinstance(sent, TraxError):
        return "counts"
    if isinstance(sent, NotSent | NoConnection):
        return "refused"
    if not isinstance(sent, Refused) or sent.http_status is None:
        return "unknown"
    if sent.http_status in range(200, 300) or sent.is_busy:  # `ok: false`, or busy
        return "counts"
    if sent.code == "write_disabled":
        return "refused"
    is_lost = sent.http_status == HTTPStatus.REQUEST_TIMEOUT or sent.http_status >= _SERVER
    return "unknown" if is_lost else "refused"
