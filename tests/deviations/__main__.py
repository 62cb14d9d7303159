"""Prints what is read and sent in these rows now, or in all: `python -m tests.deviations NAME`."""

from __future__ import annotations

import json
import sys

from tests.deviations.played import play, read_in
from tests.deviations.promises import broken_promises
from tests.deviations.table import ROWS

if __name__ == "__main__":
    names = sys.argv[1:]
    for row in ROWS:
        if names and row.name not in names:
            continue
        evening = play(row.calls, row.play)
        read = {"name": row.name, **read_in(row, evening)._asdict()}
        broken = {"broken": broken_promises(row, evening)}
        sys.stdout.write(json.dumps(read | broken, ensure_ascii=False, indent=1) + "\n")
