"""Prints what is read and sent in these rows now: `python -m tests.deviations NAME ...`.

Without a name, all rows. `--write` puts it into the table: read the diff, each line of it.
"""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.deviations.played import Read, play, read_in
from tests.deviations.promises import broken_promises
from tests.deviations.table import ROWS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def rewritten(source: str, reads: Mapping[str, Read]) -> str:
    """The source of rows with what was read. `ruff format` puts it into lines."""
    changed = source
    for row in _rows(source):
        name = ast.literal_eval(row.keywords[0].value)
        if name in reads:
            told = {field: value for field, value in reads[name]._asdict().items() if value}
            kept = [it for it in row.keywords if it.arg not in Read._fields]
            parts = [str(ast.get_source_segment(source, it)) for it in kept]
            parts[4:4] = [f"{field}={value!r}" for field, value in told.items()]
            before = str(ast.get_source_segment(source, row))
            changed = changed.replace(before, f"Row({','.join(parts)},)")
    return changed


def _rows(source: str) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Row":
            yield node


def main(arguments: list[str]) -> None:
    """Play the rows, and print or write what is read."""
    names = [it for it in arguments if it != "--write"]
    reads = dict[str, Read]()
    for row in ROWS:
        if not names or row.name in names:
            evening = play(row.calls, row.play)
            reads[row.name] = read_in(row, evening)
            told = {"name": row.name, **reads[row.name]._asdict()}
            broken = {"broken": broken_promises(row, evening)}
            sys.stdout.write(json.dumps(told | broken, ensure_ascii=False, indent=1) + "\n")
    for path in Path(__file__).parent.glob("rows_*.py") if "--write" in arguments else ():
        path.write_text(rewritten(path.read_text(encoding="utf-8"), reads), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
