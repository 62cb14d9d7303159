"""Things of one kind by their ids: found, added, changed and removed in one way for all of them.

A table is told to whom a thing belongs and knows nothing else about it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from trax_mcp.sandbox.messages import not_found
from trax_mcp.sandbox.records import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from trax_mcp.sandbox.messages import Json

T = TypeVar("T", bound=Record)


class Table(dict[str, T]):
    """A dict by id. `belongs` says whether an owner (an account, a studio) has a thing."""

    def __init__(self, kind: str, belongs: Callable[[T, str], bool]) -> None:
        super().__init__()
        self._kind = kind
        self._belongs = belongs

    def of(self, owner: str) -> list[T]:
        """Everything that `owner` has."""
        return [one for one in self.values() if self._belongs(one, owner)]

    def find(self, which: str, *, of: str) -> T:
        """The thing with this id that the owner `of` has; any other is 404, there or not."""
        one = self.get(which)
        if one is None or not self._belongs(one, of):
            raise not_found(self._kind)
        return one

    def add(self, one: T) -> T:
        """Put a new thing in."""
        self[one.id] = one
        return one

    def extend(self, several: Iterable[T]) -> None:
        """Put them all in."""
        for one in several:
            self.add(one)

    def change(self, one: T, changes: Json) -> T:
        """Replace the named fields."""
        return self.add(replace(one, **changes))

    def remove(self, one: T) -> None:
        """Take it out."""
        del self[one.id]
