"""Questions as the store keeps them, with no more said of them than a test needs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from trax_mcp.consent.questions import Question

from trax_mcp.actions.shown import Preview
from trax_mcp.actions.view import Target
from trax_mcp.studio.naming import say

if TYPE_CHECKING:
    from trax_mcp.actions.change import Change

ID: Final = "the-question"
YES: Final = "Take it live"
NO: Final = "Leave it off"


def preview_of(operation: Change[Any], *, digest: str = "now") -> Preview:
    """A preview of a call that shows nothing but the choice."""
    return Preview(
        operation=operation.tool_name,
        target=Target(operation.target_id()),
        headline=say("Take it live?"),
        yes=YES,
        no=NO,
        puts_on_air=operation.starts_broadcast,
        digest=digest,
    )


def asked(operation: Change[Any], *, digest: str = "now", **more: Any) -> Question:  # noqa: ANN401  any field
    """A question about a call, for a model unless a channel is given."""
    question = Question(
        id=ID,
        caller="caller",
        place=operation.studio(),
        operations=(operation,),
        channel="model",
        preview=preview_of(operation, digest=digest),
        last_stop="",
        asked_at=0.0,
    )
    return replace(question, **more)
