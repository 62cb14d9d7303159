"""Runs what takes long, part after part: `python -m proof.nightly [PART ...]`.

It ends with a line for each part, and with 1 if any has failed.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Final

from tests import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

_PYTHON: Final = sys.executable
_PYTEST: Final = (_PYTHON, "-m", "pytest")
_NOT_STARTED: Final = 127


def main() -> None:
    """Run the parts, print how each has ended, and exit."""
    parts: dict[str, Sequence[tuple[str, ...]]] = {
        "breaks": [(_PYTHON, "-m", "proof.breaks")],
        "clients": [("make", "clients")],
        "frameworks": [("make", "frameworks")],
        "machines": [(_PYTHON, "-m", "proof.machines")],
        "mutants": [(_PYTHON, "-m", "proof.mutants")],
        "fuzz": [
            (*_PYTEST, "-n", "auto", "--timeout=1800", "--hypothesis-profile=long", "-m", "fuzz")
        ],
        "model": [
            (
                *("env", "MODEL_HISTORIES=5000", f"MODEL_SEED={time.time_ns()}"),
                *(*_PYTEST, "-n", "auto", "--timeout=1800", "tests/model"),
            ),
        ],
        "people": [
            ("env", "PROOF_PEOPLE=200", *_PYTEST, "--timeout=600", "-k", "isolation", "tests")
        ],
        "replicas": [(*_PYTEST, "-n", "3", "proof/replicas")],
        "shows": [(*_PYTEST, "proof/nightly")],
        "python3.13": [("make", "test313", "TESTS=tests")],
    }
    parser = argparse.ArgumentParser(prog="python -m proof.nightly", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(parts))
    asked = parser.parse_args().parts or list(parts)
    if unknown := set(asked) - parts.keys():
        parser.error(f"there are {', '.join(parts)}, and not {', '.join(sorted(unknown))}")
    lines = []
    for part in asked:
        began = time.monotonic()
        code = next(filter(None, map(_run, parts[part])), 0)
        lines.append((part, code, f"{part:12}exit code {code}, {time.monotonic() - began:.0f} s"))
    print("\n".join(["", *(line for *_, line in lines)]))
    sys.exit(any(code for _, code, _ in lines))


def _run(command: tuple[str, ...]) -> int:
    print(f"\n$ {' '.join(command)}", flush=True)
    try:
        return subprocess.run(command, cwd=ROOT, check=False).returncode
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return _NOT_STARTED


if __name__ == "__main__":
    main()
