"""What is known of an attempt of a guarded call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from trax_mcp.actions.destinations import UpdateDestination
from trax_mcp.actions.stream import GoLive
from trax_mcp.api.caller import Caller
from trax_mcp.api.errors import TraxError
from trax_mcp.api.responses import Response
from trax_mcp.consent.attempts import Attempt
from trax_mcp.consent.calls import GuardedCall
from trax_mcp.consent.questions import NOT_KNOWN, StudioRecord
from trax_mcp.consent.records import Key, Place
from trax_mcp.consent.store import Seen

if TYPE_CHECKING:
    from trax_mcp.actions.shown import Operations

GO_LIVE = GoLive(studio_id="studio_42")
SWITCH = UpdateDestination(studio_id="studio_42", dest_id="dest_1", enabled=False)
KEY = Key("studio", "studio_42")


@pytest.mark.parametrize(
    ("operations", "words"),
    [
        ((GO_LIVE,), NOT_KNOWN),
        ((SWITCH, GO_LIVE), "0 of 2 changes were made"),
    ],
)
def test_one_that_could_not_begin_has_changed_nothing(operations: Operations, words: str) -> None:
    """The engine did not answer, so its yes is given back as soon as it does."""
    seen = Seen(StudioRecord(), "", None, 0.0)
    attempt = Attempt(GuardedCall(operations, Caller("sk")), Place(KEY, KEY), "turn", seen, 0.0)
    assert attempt.outcome == "not_applied"
    assert attempt.go_live == "not_applied"
    assert attempt.in_words() == words


def test_a_change_whose_outcome_is_unknown_is_told_apart_from_one_that_was_not_made() -> None:
    seen = Seen(StudioRecord(), "", None, 0.0)
    operations = (SWITCH, GO_LIVE)
    made: Response[Any] = Response({"ok": True}, "req_1", 200, size=1)
    lost = TraxError("no_answer", "TRaX did not answer", "Look.", outcome="unknown")
    attempt = Attempt(GuardedCall(operations, Caller("sk")), Place(KEY, KEY), "turn", seen, 0.0)
    attempt.sent += [made, lost]
    words = "1 of 2 changes were made; whether change 2 was made is not known"
    assert attempt.in_words() == words
    assert attempt.in_words(is_on_air=True) == "all 2 changes were made"
