"""The command: `python -m proof.breaks [--only TEXT] [--workers N]`.

Runs the named tests without a break first, then for each break the test that must fail. Exits with
0 if each has failed, with 1 if one has not, and with 2 if they fail without a break too.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from typing import Final

from proof.breaks.changes import Edit
from proof.breaks.table import BREAKS
from tests import ROOT
from tests.support.repository import repository_files

_SECONDS_PER_BREAK: Final = 180.0
_SECONDS_INTACT: Final = 1800.0
_TESTS_FAILED: Final = 1
_FAILED: Final = re.compile(r"\d+ (failed|error)")
# What is imported with the breaks may be a plugin of pytest's.
_PYTEST: Final = (
    *(sys.executable, "-m", "pytest", "-q", "--no-header", "-p", "no:cacheprovider"),
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
)


def main() -> None:
    """Try the breaks, print a line for each, and exit with the verdict."""
    parser = argparse.ArgumentParser(prog="python -m proof.breaks", description=__doc__)
    parser.add_argument("--only", default="", help="breaks with this text in promise, name or test")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    wanted = [index for index, it in enumerate(BREAKS) if asked.only in f"{it} {it.test}"]
    if not wanted:
        parser.error(f"no break has {asked.only!r}")
    began, free = time.monotonic(), SimpleQueue[Path]()
    with TemporaryDirectory(prefix="breaks-") as folder:
        copies = [_copied(Path(folder) / str(number)) for number in range(asked.workers)]
        tests = sorted({BREAKS[index].test for index in wanted})
        workers = ("-n", str(asked.workers))
        code, output = _run(copies[0], [*workers, *tests], seconds=_SECONDS_INTACT)
        if code:
            print(output, "The tests fail without any break.", sep="\n")
            sys.exit(2)
        print("The tests pass without a break.", flush=True)
        for copy in copies:
            free.put(copy)

        def is_caught(index: int) -> bool:
            copy = free.get()
            verdict = _try(copy, index)
            free.put(copy)
            print(f"{verdict:11}{BREAKS[index]}", flush=True)
            return verdict == "caught"

        with ThreadPoolExecutor(asked.workers) as pool:
            caught = sum(pool.map(is_caught, wanted))
    print(f"\n{caught} of {len(wanted)} breaks caught in {time.monotonic() - began:.0f} s.")
    sys.exit(caught != len(wanted))


def _try(copy: Path, index: int) -> str:
    """Whether a break is caught."""
    _, test, change = BREAKS[index]
    if isinstance(change, Edit):
        intact = (copy / change.file).read_text(encoding="utf-8")
        (copy / change.file).write_text(change.broken(copy), encoding="utf-8")
    try:
        code, output = _run(copy, ["-x", test], index=str(index), seconds=_SECONDS_PER_BREAK)
    except subprocess.TimeoutExpired:
        return "NO END"
    finally:
        if isinstance(change, Edit):
            (copy / change.file).write_text(intact, encoding="utf-8")
    # Python exits with the same code if it cannot start pytest.
    is_caught = code == _TESTS_FAILED and _FAILED.search(output) is not None
    return "caught" if is_caught else "NOT CAUGHT"


def _run(
    copy: Path, arguments: Sequence[str], *, seconds: float, index: str = ""
) -> tuple[int, str]:
    """Run tests of a copy with a break or none. Returns pytest's exit code and output."""
    path = os.pathsep.join((str(copy), str(copy / "proof" / "breaks")))
    done = subprocess.run(
        [*_PYTEST, *arguments],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": path, "PYTEST_BREAK": index, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def _copied(root: Path) -> Path:
    """A copy of the files of the repository, as they are now, without any `.pyc`."""
    for file in repository_files():
        copy = root / file.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, copy)
    return root


if __name__ == "__main__":
    main()
