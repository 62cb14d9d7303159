"""Reads the tables of breaks. A break whose text is not found exactly once is an error."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TABLES: Final = Path(__file__).parent / "tables"


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """An edit of one file (`old` becomes `new`), and the test files of which one must fail."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def problem(self, root: Path) -> str | None:
        """Why this break cannot be tried in a checkout, or None if it can."""
        path = root / self.file
        if not path.is_file():
            return f"{self.file} does not exist"
        if missing := [it for it in self.tests if not (root / it).is_file()]:
            return f"{missing[0]} does not exist"
        if self.old == self.new:
            return "it changes nothing"
        found = path.read_text(encoding="utf-8").count(self.old)
        return None if found == 1 else f"its text occurs {found} times in {self.file}"


def read_tables(only: str = "") -> list[Break]:
    """Return all breaks of which the table, name, file or a test contains `only`, in order.

    Raises:
        TypeError: a break lacks a field or has one too many.
    """
    return [
        it
        for table in sorted(TABLES.glob("*.toml"))
        for it in _read(table)
        if any(only in text for text in (table.stem, it.name, it.file, *it.tests))
    ]


def _read(table: Path) -> Iterator[Break]:
    for row in tomllib.loads(table.read_text(encoding="utf-8"))["break"]:
        yield Break(**{**row, "tests": tuple(row["tests"])})
