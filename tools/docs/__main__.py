"""`python -m tools.docs [--check]`."""

from __future__ import annotations

import sys

from tests import ROOT
from tools.docs.parts import WRITERS, difference


def main(*arguments: str) -> int:
    """Write each part that is out of date and name its files, or print the differences."""
    if "--check" in arguments:
        differences = "".join(map(difference, WRITERS))
        sys.stdout.write(differences)
        return 1 if differences else 0
    for write in WRITERS.values():
        for path, text in write().items():
            if (ROOT / path).read_text("utf-8") != text:
                (ROOT / path).write_text(text, encoding="utf-8")
                sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
