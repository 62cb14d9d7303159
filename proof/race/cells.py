"""What stands in the table: figures of several kinds, and which of two is the better one. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    count: int
    of: int

    def __str__(self) -> str:
        return f"{self.count} of {self.of}"


Cell = Share | float | bool | str | None
"""None where an entrant has no such thing, or could not be measured."""


def worth(cell: Cell) -> float | None:
    """A cell as a number to compare, or None if there is nothing to compare."""
    match cell:
        case Share(count, of):
            return count / of if of else None
        case bool() | int() | float():
            return float(cell)
        case _:
            return None


def shown(cell: Cell) -> str:
    """A cell as text: three digits of a measured figure, counts as they are."""
    match cell:
        case None:
            return "-"
        case bool():
            return "yes" if cell else "no"
        case float():
            digits = sum(cell < size for size in (10, 100))
            return f"{cell:,.{digits}f}"
        case int():
            return f"{cell:,}"
        case _:
            return str(cell)
