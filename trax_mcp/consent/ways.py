"""How a person is asked: the value of `TRAX_ASK`, and whether a passkey is needed. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, Self

Way = Literal["form", "panel", "page", "preview"]
"""How a person is asked. By a preview the model asks them."""
CONFIRM_ALONE: Final = "confirm_alone"


@dataclass(frozen=True, slots=True)
class WaysToAsk:
    """How a person may be asked.

    `order` has the ways, the best one first. With `confirm_alone` there is none: nobody is asked,
    and `confirm: true` is enough. With `needs_passkey` only the page gives an approval, except to a
    stop.
    """

    order: tuple[Way, ...] = ("form", "panel", "page", "preview")
    confirm_alone: bool = False
    needs_passkey: bool = False

    @classmethod
    def of(
        cls, words: Sequence[Way | Literal["confirm_alone"]], *, needs_passkey: bool = False
    ) -> Self:
        """The ways that the words of the setting name. With a passkey the model can't ask."""
        order = tuple(
            it for it in words if it != CONFIRM_ALONE and not (needs_passkey and it == "preview")
        )
        return cls(order, CONFIRM_ALONE in words, needs_passkey)

    @property
    def asks_people(self) -> bool:
        """Whether there is a way in which the model has no part."""
        return bool({*self.order} - {"preview"})

    @property
    def shows_previews(self) -> bool:
        """Whether the model may ask, where nobody else can."""
        return "preview" in self.order

    def __str__(self) -> str:
        """As in the setting."""
        return CONFIRM_ALONE if self.confirm_alone else ",".join(self.order)
