"""The audit log and the metrics know who asks for a preview, and what falls back from a form."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pytest

from trax_mcp.actions.stream import GoLive
from trax_mcp.api.caller import Caller
from trax_mcp.clock import Clock
from trax_mcp.consent.audit import Audit
from trax_mcp.consent.calls import Call
from trax_mcp.consent.policy import AskFirst, in_audit_log
from trax_mcp.instruments import DECISIONS

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """The labels of each decision that is counted."""
    kept: list[dict[str, str]] = []
    monkeypatch.setattr(DECISIONS, "add", lambda _number, labels: kept.append(labels))
    return kept


GO_LIVE: Final = {"gen_ai.tool.name": "go_live"}


@pytest.mark.parametrize("by_wish", [True, False])
def test_a_preview_at_the_wish_of_the_caller_says_so(
    *, by_wish: bool, tmp_path: Path, counted: list[dict[str, str]]
) -> None:
    path = tmp_path / "audit"
    call = Call((GoLive(studio_id="s"),), Caller("sk"), by_wish=by_wish)
    facts = in_audit_log(AskFirst("changed", by_preview=True), None)
    Audit(path, Clock()).write_verdict(call, facts)
    assert json.loads(path.read_text()).get("askedBy") == ("caller" if by_wish else None)
    why = {"reason": "changed", "asked_by": "caller" if by_wish else "server"}
    assert counted == [{**GO_LIVE, "verdict": "Preview", "channel": "none", **why}]


def test_a_question_that_fits_in_no_form_is_counted(
    tmp_path: Path, counted: list[dict[str, str]]
) -> None:
    path = tmp_path / "audit"
    call = Call((GoLive(studio_id="s"),), Caller("sk"))
    Audit(path, Clock()).write_not_asked_in_form(call)
    line = json.loads(path.read_text())
    assert (line["event"], line["channel"], line["reason"]) == ("not_asked", "form", "too_long")
    why = {"reason": "too_long", "asked_by": "server"}
    assert counted == [{**GO_LIVE, "verdict": "NotAsked", "channel": "form", **why}]
