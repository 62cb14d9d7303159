"""How a person is asked: the value of `TRAX_ASK`. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, Self

Way = Literal["form", "panel", "page", "preview"]
"""How a person is asked. By a preview the model asks them."""
CONFIRM_ALONE: Final = "confirm_alone"


@dataclass(frozen=True, slots=True)
class WaysToAsk:
    """How a person may be asked: the value of `TRAX_ASK`.

    `order` has the ways, the best one first. With `confirm_alone` there is none: nobody is asked,
    and `confirm: true` is enough.
    """

    order: tuple[Way, ...] = ("form", "panel", "page", "preview")
    confirm_alone: bool = False

    @classmethod
    def of(cls, words: Sequence[Way | Literal["confirm_alone"]]) -> Self:
        """The ways that the words of the setting name."""
        order = tuple(it for it in words if it != CONFIRM_ALONE)
        return cls(order, confirm_alone=CONFIRM_ALONE in words)

    @property
    def asks_people(self) -> bool:
        """Whether there is a way in which the model has no part."""
        return bool({*self.order} - {"preview"})

    @property
    def shows_previews(self) -> bool:
        """Whether the model may ask, where nobody else can."""
        return "preview" in self.order

    def without_preview(self) -> Self:
        """The same without the model's way."""
        return replace(self, order=tuple(it for it in self.order if it != "preview"))

    def __str__(self) -> str:
        """As in the setting."""
        return CONFIRM_ALONE if self.confirm_alone else ",".join(self.order)
