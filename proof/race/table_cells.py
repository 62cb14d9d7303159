"""The cells of the table: their types, their numbers and their text. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Share:
    """A count of a total."""

    count: int
    of: int

    def __str__(self) -> str:
        return f"{self.count} of {self.of}"


Cell = Share | float | bool | str | None
"""None if the server does not have it, or could not be measured."""


def cell_number(cell: Cell) -> float | None:
    """The cell as a number to compare, if there is one."""
    match cell:
        case Share(count, of):
            return count / of if of else None
        case bool() | int() | float():
            return float(cell)
        case _:
            return None


def format_cell(cell: Cell) -> str:
    """The cell as text; measured figures have three digits."""
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
