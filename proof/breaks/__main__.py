"""The command: `python -m proof.breaks [--only TEXT] [--workers N]`.

Runs the named tests on an intact copy first, then each break on its own. Exits with 0 if every
break made a test fail, with 1 if one did not or the tests did not end, and with 2 if it could not
be tried.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from typing import Final

from proof.breaks.checkout import Checkout
from proof.breaks.tables import Break, read_tables

ROOT: Final = Path(__file__).parents[2]
_SECONDS_PER_BREAK: Final = 120.0
_SECONDS_INTACT: Final = 1800.0
_TESTS_FAILED: Final = 1
_FAILED: Final = re.compile(r"\d+ (failed|error)")
_LAST_LINES: Final = 25


def main() -> None:
    """Try the breaks, print a line for each, and exit with the verdict."""
    parser = argparse.ArgumentParser(prog="python -m proof.breaks", description=__doc__)
    parser.add_argument(
        "--only", default="", help="try breaks with this text in their table, promise or row"
    )
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--keep", action="store_true", help="print the output of uncaught breaks")
    asked = parser.parse_args()
    breaks = read_tables(asked.only)
    if not breaks:
        print(f"No break contains {asked.only!r}.", file=sys.stderr)
        sys.exit(2)
    if problems := [f"{it.name}: {why}" for it in breaks if (why := it.problem(ROOT))]:
        print("\n".join(problems), file=sys.stderr)
        sys.exit(2)
    began = time.monotonic()
    with TemporaryDirectory(prefix="breaks-") as folder:
        uncaught = _try_all(breaks, Path(folder), workers=asked.workers, verbose=asked.keep)
    caught = len(breaks) - len(uncaught)
    print(f"\n{caught} of {len(breaks)} breaks caught in {time.monotonic() - began:.0f} s.")
    if uncaught:
        sys.exit("Not caught:\n" + "\n".join(f"- {it.name} ({it.file})" for it in uncaught))


def _try_all(breaks: Sequence[Break], folder: Path, *, workers: int, verbose: bool) -> list[Break]:
    free: SimpleQueue[Checkout] = SimpleQueue()
    for number in range(workers):
        free.put(Checkout(ROOT, folder / str(number)))
    _run_intact(breaks, free, workers=workers)

    def is_caught(it: Break) -> bool:
        checkout = free.get()
        try:
            with checkout.broken(it):
                code, output = checkout.run_tests([it.test], seconds=_SECONDS_PER_BREAK)
        except subprocess.TimeoutExpired:
            print(f"NO END WITHIN {_SECONDS_PER_BREAK:g} S {it.name}", flush=True)
            return False
        finally:
            free.put(checkout)
        # Python exits with the same code if it cannot start pytest.
        caught = code == _TESTS_FAILED and _FAILED.search(output) is not None
        print(f"{'caught' if caught else 'NOT CAUGHT'} {it.name}", flush=True)
        if verbose and not caught:
            print("\n".join(output.splitlines()[-_LAST_LINES:]), flush=True)
        return caught

    with ThreadPoolExecutor(workers) as pool:
        verdicts = list(pool.map(is_caught, breaks))
    return [it for it, caught in zip(breaks, verdicts, strict=True) if not caught]


def _run_intact(breaks: Sequence[Break], free: SimpleQueue[Checkout], *, workers: int) -> None:
    """Tests that fail without a break prove nothing."""
    tests = sorted({it.test for it in breaks})
    checkout = free.get()
    code, output = checkout.run_tests(tests, seconds=_SECONDS_INTACT, more=("-n", str(workers)))
    free.put(checkout)
    if code:
        print("\n".join(output.splitlines()[-_LAST_LINES:]), file=sys.stderr)
        print("The named tests fail without any break.", file=sys.stderr)
        sys.exit(2)
    print("The named tests pass without a break.", flush=True)


if __name__ == "__main__":
    main()
