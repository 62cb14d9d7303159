"""Says in the log when TRaX fails, and when it is back: two lines, however many calls fail between.

A TRaX that fails every other call is two lines for each of those.
"""

import logging
from collections.abc import Mapping
from contextvars import Context
from http import HTTPStatus
from typing import Final

from trax_mcp.api.caller import Caller
from trax_mcp.api.errors import BadAnswer, LostAnswer, NoConnection, Refused, TooLarge, TraxError
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.api.refusals import MEANINGS
from trax_mcp.api.responses import Response
from trax_mcp.clock import Clock

_LOG: Final = logging.getLogger(__name__)


class Outages:
    """Whether TRaX fails, as all calls together have seen it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began: float | None = None

    def record(
        self,
        _operation: Operation[Model],
        _caller: Caller,
        result: Response[Model] | TraxError | None,
    ) -> None:
        """Take note of a call. `result` is None while it is being sent."""
        if isinstance(result, TraxError) and is_failure(result):
            self._note_failure(result)
        elif self._began is not None and isinstance(result, Response | Refused | TooLarge):
            seconds = round(self._clock.seconds() - self._began, 1)
            self._began = None
            _warn("TRaX is back, after %.0f s.", seconds, facts={"seconds": seconds})

    def _note_failure(self, error: TraxError) -> None:
        if self._began is not None:
            return
        self._began = self._clock.seconds()
        status = f", HTTP {error.http_status}" if error.http_status else ""
        facts = {
            "code": error.code,
            "status": error.http_status,
            "trax_request_id": error.request_id,
        }
        _warn("TRaX fails (%s%s).", error.code, status, facts=facts)


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
