"""What a stop means for others than its caller, by what came back: the whole table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.units.consent.questions import STOP
from trax_mcp.api.caller import Caller
from trax_mcp.api.errors import (
    BadAnswer,
    LostAnswer,
    NoConnection,
    NotSent,
    interrupted,
    unread,
)
from trax_mcp.api.refusals import did_not_work, refused
from trax_mcp.api.responses import Response
from trax_mcp.consent.after_stop import fate_of

if TYPE_CHECKING:
    from trax_mcp.consent.calls import Sent
    from trax_mcp.consent.running import Fate

_CALLER = Caller("sk_live_any")
_COUNTS = (409, 423, 425)
_UNKNOWN = (408, 500, 502, 503, 504, 599)


def _refused(status: int, code: str = "") -> Any:  # noqa: ANN401  any failure
    body = f'{{"error":{{"code":"{code}"}}}}'.encode() if code else b""
    return refused(STOP, _CALLER, status=status, headers={}, body=body, request_id="req_1")


@pytest.mark.parametrize(
    "status", [301, 302, 307, 400, 401, 403, 404, 405, 410, 418, 429, *_COUNTS, *_UNKNOWN]
)
def test_a_status_says_whether_somebody_may_stop(status: int) -> None:
    expected: Fate = "refused"
    expected = "counts" if status in _COUNTS else "unknown" if status in _UNKNOWN else expected
    assert fate_of(_refused(status)) == expected


@pytest.mark.parametrize(
    ("sent", "fate"),
    [
        (Response({"ok": True}, "req_1", 200, 11), "counts"),
        (Response({}, "req_1", 204, 0), "counts"),
        (did_not_work(STOP, _CALLER, Response({"ok": False}, "req_1", 200, 12)), "counts"),
        (_refused(503, "write_disabled"), "refused"),
        (_refused(429, "rate_limited"), "refused"),
        (NotSent("no_key", "There is no key", "Make one."), "refused"),
        (NoConnection("unreachable", "TRaX couldn't be reached", "Look."), "refused"),
        (interrupted(STOP), "unknown"),
        (LostAnswer.after_sending(STOP, "timeout", "TRaX did not answer"), "unknown"),
        (unread(STOP, "isn't a JSON object", status=200, request_id="req_1"), "unknown"),
        (BadAnswer("bad_answer", "It broke off", "Look.", http_status=200), "unknown"),
    ],
)
def test_all_else_says_it_too(sent: Sent, fate: Fate) -> None:
    assert fate_of(sent) == fate
