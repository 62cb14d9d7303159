"""A row of the table: a deviation, the calls that are made, what is read, and what was sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.deviations.scenarios import Scenario
    from tests.support.product.sandbox import Sandbox

    Play = Callable[[Sandbox], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One deviation, with what was read and sent in it."""

    name: str
    """Of the deviation."""
    trax: str
    """What TRaX does, in a sentence."""
    play: Play
    """How it does that."""
    calls: Scenario
    """What is called meanwhile."""
    person: tuple[str, ...] = ()
    """What a person reads, as "tool: sentences". What reads as usual is left out."""
    model: tuple[str, ...] = ()
    """What a model reads besides, as "tool: error" or "tool: field=value", left out as above."""
    sent: tuple[str, ...] = ()
    """The changes that reached TRaX, in order: the method and the end of the path."""
    passes: bool = False
    """Whether the trouble is over by itself, so that calling again can help."""
    stops_again: bool = False
    """Whether a stop may be sent again for one approval: TRaX may not have got it, was too busy for
    it, or goes on air after it."""
    lies: bool = False
    """Whether nobody could tell from its status what is true, or soon will be."""

    def __str__(self) -> str:
        """The id of the test."""
        return self.name
