"""Says in the log when TRaX fails, and when it is back: two lines, however many calls fail."""

import logging
from collections.abc import Mapping
from contextvars import Context
from http import HTTPStatus
from typing import Final

from trax_mcp.api.answers import Answer
from trax_mcp.api.caller import Caller
from trax_mcp.api.errors import BadAnswer, LostAnswer, NoConnection, Refused, TooLarge, TraxError
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.api.refusals import MEANINGS
from trax_mcp.clock import Clock

SETTLED_SECONDS: Final = 10.0
"""How long no call may have failed before TRaX counts as back. If it fails every other call, that
is one outage, and not two lines for each call."""

_LOG: Final = logging.getLogger(__name__)


class Outages:
    """Whether TRaX fails, as all calls together have seen it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began: float | None = None
        self._last_failure = 0.0
        self._answered: float | None = None
        """When TRaX first answered after the last failure."""

    def record(
        self,
        _operation: Operation[Model],
        _caller: Caller,
        result: Answer[Model] | TraxError | None,
    ) -> None:
        """Take note of a call. `result` is None while it is being sent."""
        if isinstance(result, TraxError) and is_failure(result):
            self._note_failure(result)
        elif self._began is not None and isinstance(result, Answer | Refused | TooLarge):
            self._note_answer(self._began)

    def _note_failure(self, error: TraxError) -> None:
        now = self._clock.seconds()
        self._last_failure, self._answered = now, None
        if self._began is None:
            self._began = now
            status = f", HTTP {error.http_status}" if error.http_status else ""
            facts = {
                "code": error.code,
                "status": error.http_status,
                "trax_request_id": error.request_id,
            }
            _warn("TRaX fails (%s%s).", error.code, status, facts=facts)

    def _note_answer(self, began: float) -> None:
        now = self._clock.seconds()
        if self._answered is None:
            self._answered = now
        if now - self._last_failure >= SETTLED_SECONDS:
            self._began = None
            seconds = round(self._answered - began, 1)
            _warn("TRaX is back, after %.0f s.", seconds, facts={"seconds": seconds})


def is_failure(error: TraxError) -> bool:
    """Whether a call failed because of TRaX or the way to it, and not because of its caller."""
    match error:
        case Refused(http_status=int(status)):
            return status >= HTTPStatus.INTERNAL_SERVER_ERROR and error.code not in MEANINGS
        case TooLarge():
            return False
    return isinstance(error, NoConnection | LostAnswer | BadAnswer)


def _warn(text: str, *values: object, facts: Mapping[str, object]) -> None:
    """Write a line that is of no request: it is a chance which one has met the outage."""
    Context().run(_LOG.warning, text, *values, extra={"facts": facts})
