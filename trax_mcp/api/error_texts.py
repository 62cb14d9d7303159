"""What other packages still import from here."""

from trax_mcp.api.errors import (
    KEYS_SCREEN,
    WRITES_OFF,
    NotSent,
    interrupted,
    pagination_loop,
)
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.api.text_safety import quote

__all__ = ["KEYS_SCREEN", "WRITES_OFF", "another_studio", "interrupted", "pagination_loop"]


def another_studio(operation: Operation[Model], *, answered: str) -> NotSent:
    """TRaX answers for a studio under another id than the one that was given."""
    given, known = (quote(it, longest=80) for it in (operation.studio(), answered))
    return NotSent(
        "not_found",
        f"TRaX knows the studio {given} as {known}",
        "Call again with that `studioId`: all that is known of a studio is kept by its id.",
        not_done="",
    )
