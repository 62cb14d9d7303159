"""The breaks of the promises: what TRaX is sent and answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from proof.breaks.changes import Changes, put, swap
from proof.breaks.stops import by_its_answer
from trax_mcp.actions import results
from trax_mcp.actions.stream import may_reach
from trax_mcp.api import (
    client,
    operation,
    outages,
    refusals,
    responses,
)
from trax_mcp.api.errors import TraxError, unreadable
from trax_mcp.chat import feed
from trax_mcp.consent import after_stop
from trax_mcp.consent.parts import Parts
from trax_mcp.server.results import error_result
from trax_mcp.studio import reading
from trax_mcp.studio.facts import Facts

if TYPE_CHECKING:
    from trax_mcp.actions.change import Change
    from trax_mcp.api.operation import Operation, Response_co
    from trax_mcp.consent.calls import Call, Sent


_note_failure = outages.Outages._note_failure


_read_json = responses._read_json


_read_model = responses.read_model


_send = Parts.send


_DEVIATIONS_TEST: Final = "tests/deviations/test_deviations.py"
_NOT_DONE_TEST: Final = "tests/consent/test_what_trax_did.py"


async def _send_again(
    self: Parts, operation: Change[Any], call: Call, digest: str | None = None
) -> Sent:
    sent = await _send(self, operation, call, digest)
    is_failed = operation.starts_broadcast and isinstance(sent, TraxError)
    return await _send(self, operation, call, digest) if is_failed else sent


def _read_strictly(
    operation: Operation[Response_co], response: responses.Response[Response_co]
) -> Response_co:
    model = _read_model(operation, response)
    if any(it.vertical is None for it in getattr(model, "items", ()) if hasattr(it, "vertical")):
        raise unreadable(operation, "has no `vertical`", status=200, request_id="")
    return model


def _as_first_failure(self: outages.Outages, error: TraxError) -> None:
    self._began = None
    _note_failure(self, error)


_IN_DOUBT_TEST: Final = "tests/consent/test_go_live_in_doubt.py"

CHANGES: Final[Changes] = {
    "If TRaX's answer shows something else": [
        (_NOT_DONE_TEST, swap(results.otherwise).by(lambda *_: ())),
    ],
    "**A change is never sent twice**": [
        ("tests/api/test_retries.py", swap(client._pause_before_retry).by(lambda *_, **__: 0.0)),
        # A go-live that fails is repeated.
        ("tests/consent/test_consent_outcome.py", swap(Parts.send).by(_send_again)),
    ],
    "**Only TRaX's answers count.**": [
        # A page counts as TRaX's answer.
        (
            "tests/api/test_not_json.py",
            swap(responses._read_json).by(
                lambda *it: {} if (read := _read_json(*it)) is responses._NO_JSON else read
            ),
        ),
    ],
    "**What is missing never looks harmless.**": [
        # `destinations: null` reads as harmless.
        (_IN_DOUBT_TEST, swap(may_reach).by(lambda *_: iter(()))),
        # A mistyped `enabled` counts as off.
        (_IN_DOUBT_TEST, swap(Facts.perhaps_enabled).by(lambda self: ())),
        # A wall for a missing `vertical`.
        ("tests/studio/test_tolerant_reading.py", swap(responses.read_model).by(_read_strictly)),
    ],
    "**Mistakes stay here.**": [
        ("tests/server/test_arguments.py", put(operation, "quote", lambda text, **_: text)),
    ],
    "**A part is never taken for the whole.**": [
        ("tests/studio/test_long_lists.py", swap(reading.only_first).by(lambda *_: "")),
    ],
    "where its code isn't documented": [
        (
            "tests/api/test_advice_by_status.py",
            put(refusals, "_BY_STATUS", dict.fromkeys(range(400, 500), "It will fail again.")),
        ),
        ("tests/api/test_compressed_answers.py", put(client, "LARGEST_ANSWER_BYTES", 1 << 28)),
    ],
    "A failed call is an error": [
        (
            "tests/api/test_failure_texts.py",
            swap(error_result).by(
                lambda *it: error_result(*it).model_copy(update={"is_error": False})
            ),
        ),
    ],
    "an outage of TRaX is logged": [
        (
            "tests/api/test_outages.py",
            swap(outages.Outages._note_failure).by(_as_first_failure),
        ),
    ],
    "The real TRaX may behave differently": [
        (_DEVIATIONS_TEST, swap(feed.Feed._may_omit).by(lambda *_: False)),
        (_DEVIATIONS_TEST, swap(after_stop.end_of_stop).by(by_its_answer)),
        (_DEVIATIONS_TEST, swap(Parts.send).by(_send_again)),
    ],
}
