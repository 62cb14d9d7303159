"""Runs a module under the profiler: `python -m bench.harness.profiled FILE MODULE ...`.

SIGUSR1 begins the profile. The next one ends it, and writes it to FILE.
"""

import cProfile
import runpy
import signal
import sys
from pathlib import Path
from types import FrameType


def main() -> None:
    """Run the module with the rest of the arguments."""
    file, sys.argv = Path(sys.argv[1]), sys.argv[2:]
    profiler = cProfile.Profile()
    is_on = False

    def switch(_number: int, _frame: FrameType | None) -> None:
        nonlocal is_on
        is_on = not is_on
        if is_on:
            profiler.enable()
        else:
            profiler.disable()
            part = file.with_suffix(".part")
            profiler.dump_stats(part)
            part.replace(file)  # whole, or not there

    signal.signal(signal.SIGUSR1, switch)
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
