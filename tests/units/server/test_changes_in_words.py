"""How a result says what came of several changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from trax_mcp.consent.calls import Done, Step
from trax_mcp.server.done_text import several_done_words
from trax_mcp.studio.facts import Observed

if TYPE_CHECKING:
    from trax_mcp.studio.facts import State


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("on_air", "All changes were made."),
        ("starting", "TRaX accepted all changes."),
        ("stopping", "TRaX accepted all changes."),
    ],
)
def test_only_a_go_live_that_was_seen_is_called_made(state: State, said: str) -> None:
    steps = (Step("update_destination", "applied"), Step("go_live", "applied"))
    done = Done(steps, Observed(state, "2026-01-02T18:00:00Z"))
    assert several_done_words(done).summary.partition("\n")[0] == said
