"""Questions as a record keeps them, with no more said of them than a test needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from trax_mcp.actions.destinations import DeleteDestination
from trax_mcp.actions.shown import Preview
from trax_mcp.actions.stream import GoLive, GoOffline
from trax_mcp.actions.studios import UpdateStudio
from trax_mcp.actions.view import Target
from trax_mcp.consent.question import Question
from trax_mcp.studio.naming import say

if TYPE_CHECKING:
    from trax_mcp.actions.shown import Operations

CALLER: Final = "caller"
OTHER: Final = "other"
START: Final = GoLive(studio_id="studio_42")
STOP: Final = GoOffline(studio_id="studio_42")
DELETE: Final = DeleteDestination(studio_id="studio_42", dest_id="dest_1")
RENAME: Final = UpdateStudio(studio_id="studio_42", name="Late Show")
YES: Final = "Take it live"
NO: Final = "Leave it off"


def question_about(
    operations: Operations,
    *,
    digest: str = "digest",
    **more: Any,  # noqa: ANN401  any field
) -> Question:
    """A question about a call: in a form, unless another way is given."""
    preview = Preview(
        operation=operations[0].tool_name,
        target=Target("studio_42"),
        headline=say("Take it live?"),
        yes=YES,
        no=NO,
        puts_on_air=operations[-1].starts_broadcast,
        digest=digest,
    )
    known = {"id": "q", "caller": CALLER, "way": "form", "preview": preview, **more}
    return Question(operations=operations, **known)
