"""How soon an answer may come back, and how soon a person may be asked again. Pure.

Times are seconds on the clock of the records.
"""

from dataclasses import dataclass
from typing import Final, Self

PREVIEW_SECONDS: Final = 5.0
"""Nobody has read a preview, and answered the model, in less."""
HURRY_SECONDS: Final = 60.0
MOST_HURRIED: Final = 3
"""So many confirmations that come too soon within `HURRY_SECONDS` withdraw a preview."""
FREE_REFUSALS: Final = 1
"""After so many refusals of the same call, the person may be asked again at once."""
REST_SECONDS: Final = 60.0
"""How long a person who has said no once more is not asked about the same call again."""
REFUSALS_SECONDS: Final = 600.0
"""How long a refusal is remembered."""


def is_too_soon(asked_at: float, hurried: tuple[float, ...], came_at: float) -> bool:
    """Whether nobody can have read a preview. Each confirmation that is too soon starts anew."""
    return came_at < max((asked_at, *hurried)) + PREVIEW_SECONDS


def hurried_again(hurried: tuple[float, ...], now: float) -> tuple[float, ...] | None:
    """The moments of confirmations that came too soon, with one more. None after too many."""
    recent = (*(it for it in hurried if now < it + HURRY_SECONDS), now)
    return recent if len(recent) < MOST_HURRIED else None


@dataclass(frozen=True, slots=True)
class Refusals:
    """How often a person has said no to the same call, and when they did last."""

    count: int
    last_at: float

    @classmethod
    def after_another(cls, earlier: Self | None, now: float) -> Self:
        """The same after one more. They are counted from one again after a while."""
        is_forgotten = earlier is None or now >= earlier.last_at + REFUSALS_SECONDS
        return cls(1 if is_forgotten or earlier is None else earlier.count + 1, now)

    def rest_seconds(self, now: float) -> float | None:
        """For how long the person is not asked again. None if they can be asked now."""
        left = self.last_at + REST_SECONDS - now
        return left if self.count > FREE_REFUSALS and left > 0 else None
