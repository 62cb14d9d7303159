"""The audit log and the metrics know who asks for a preview, and what falls back from a form."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from trax_mcp.actions.stream import GoLive
from trax_mcp.api.caller import Caller
from trax_mcp.clock import Clock
from trax_mcp.consent.audit import Audit
from trax_mcp.consent.calls import Call
from trax_mcp.consent.policy import AskFirst, in_audit_log
from trax_mcp.telemetry import Telemetry

if TYPE_CHECKING:
    from pathlib import Path


class Counts(Telemetry):
    """Keeps what is counted of decisions."""

    def __init__(self) -> None:
        self.kept: list[tuple[object, ...]] = []

    def count_decision(self, tool: str, verdict: str, channel: str | None, **why: Any) -> None:  # noqa: ANN401  as it is
        self.kept.append((tool, verdict, channel, why))


@pytest.mark.parametrize("by_wish", [True, False])
def test_a_preview_at_the_wish_of_the_caller_says_so(*, by_wish: bool, tmp_path: Path) -> None:
    counts, path = Counts(), tmp_path / "audit"
    call = Call((GoLive(studio_id="s"),), Caller("sk"), by_wish=by_wish)
    facts = in_audit_log(AskFirst("changed", by_preview=True), None)
    Audit(path, Clock(), counts).write_verdict(call, facts)
    assert json.loads(path.read_text()).get("askedBy") == ("caller" if by_wish else None)
    why = {"reason": "changed", "by_wish": by_wish}
    assert counts.kept == [("go_live", "Preview", None, why)]


def test_a_question_that_fits_in_no_form_is_counted(tmp_path: Path) -> None:
    counts, path = Counts(), tmp_path / "audit"
    call = Call((GoLive(studio_id="s"),), Caller("sk"))
    Audit(path, Clock(), counts).write_not_asked_in_form(call)
    line = json.loads(path.read_text())
    assert (line["event"], line["channel"], line["reason"]) == ("not_asked", "form", "too_long")
    why = {"reason": "too_long", "by_wish": False}
    assert counts.kept == [("go_live", "NotAsked", "form", why)]
