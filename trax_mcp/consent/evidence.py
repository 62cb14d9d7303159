"""What is agreed to, and what shows that it was. Values only.

The room knows neither how a person is asked nor who remembers it.
"""

from dataclasses import dataclass
from typing import Final, Literal

from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation

IN_PROGRESS: Final = "the call is still in progress"

Said = Literal["chosen", "declined", "cancelled", "timed_out", "malformed", "client_error"]


@dataclass(frozen=True, slots=True)
class PersonAnswer:
    """What came back when a person was asked, and the handle of the question it answers."""

    handle: str
    said: Said
    choice: str | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What came along with a call to show that a person agreed."""

    confirm: bool = False
    confirmation: str | None = None
    answer: PersonAnswer | None = None

    @property
    def handle(self) -> str | None:
        """The handle under which `pending` keeps what was agreed to, if there is one."""
        return self.answer.handle if self.answer else self.confirmation


NO_EVIDENCE = Evidence()


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a yes would be to: exactly this operation, with the world exactly as shown.

    `shown` is what they were shown; `choice` the one that a person was offered, None for a
    confirmation that a model carries.
    """

    handle: str
    caller: str
    operation: Operation[Model]
    digest: str
    expires: float
    shown: tuple[str, ...] = ()
    choice: str | None = None
    asked_again: bool = False


@dataclass(frozen=True, slots=True)
class UsedConfirmation:
    """A handle that was taken, and what came of it, in words."""

    entry: Confirmation
    outcome: str = IN_PROGRESS
