"""Reads the tables of breaks: for each promise in proof/README.md, edits that take it away."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TABLES: Final = Path(__file__).parent / "tables"


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """An edit of one file (`old` becomes `new`), and the tests of which one must fail.

    `test` is what pytest takes: a file, or a test in it.
    """

    promise: str
    name: str
    file: str
    old: str
    new: str
    test: str

    def problem(self, root: Path) -> str | None:
        """Why this break cannot be tried in a checkout, or None if it can."""
        path = root / self.file
        if not path.is_file():
            return f"{self.file} does not exist"
        if not (root / self.test.partition("::")[0]).is_file():
            return f"{self.test} does not exist"
        if self.old == self.new:
            return "it changes nothing"
        found = path.read_text(encoding="utf-8").count(self.old)
        return None if found == 1 else f"its text occurs {found} times in {self.file}"


def read_tables(only: str = "") -> list[Break]:
    """Return all breaks of which the table, promise, name, file or test contains `only`, in order.

    Raises:
        TypeError: a break lacks a field or has one too many.
    """
    return [
        it
        for table in sorted(TABLES.glob("*.toml"))
        for promise in tomllib.loads(table.read_text(encoding="utf-8"))["promise"]
        for it in [Break(promise=promise["says"], **row) for row in promise["break"]]
        if any(only in text for text in (table.stem, it.promise, it.name, it.file, it.test))
    ]
