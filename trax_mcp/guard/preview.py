"""What exactly a guarded call would do, for a person to read before they say yes.

Pure. What is said here must be known, not hoped: what was not looked up is not claimed.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from trax_mcp.api.models import Model
from trax_mcp.api.operation import Effect, Operation
from trax_mcp.api.operations import (
    OPERATIONS,
    DeleteDestination,
    DeleteSource,
    GoLive,
    GoOffline,
    UnlinkConnection,
)

_EFFECTS: Mapping[type[Operation[Model]], tuple[str, ...]] = {
    GoLive: (
        "Starts a broadcast to every enabled destination of the studio.",
        "Strangers can watch from then on.",
    ),
    GoOffline: ("Ends the studio's broadcast for all viewers.",),
    DeleteDestination: (
        "Removes the destination from the studio.",
        "Its stream key is lost: it can only be entered anew.",
    ),
    DeleteSource: (
        "Removes the source from the studio.",
        "If the studio is live, it may vanish from the picture.",
    ),
    UnlinkConnection: (
        "Unlinks the platform account from TRaX.",
        "Only the person can link it again, on TRaX.",
    ),
}

if set(_EFFECTS) != {kind for kind in OPERATIONS if kind.effect is Effect.GUARDED}:
    raise TypeError("Every guarded operation, and no other, needs its effects in words")


@dataclass(frozen=True, slots=True)
class Outlook:
    """What would happen, to what. `target` is the id of the thing that would change."""

    operation: str
    target: str
    effects: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def preview(operation: Operation[Model]) -> Outlook:
    """Say what a guarded operation would do.

    Raises:
        KeyError: the operation is not guarded.
    """
    return Outlook(
        operation=operation.known_as,
        target=operation.target(),
        effects=_EFFECTS[type(operation)],
    )
