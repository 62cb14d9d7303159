"""Runs the tests of replicas on a real Valkey: `python -m proof.replicas [--whole]`.

`--whole` runs those too that are left out of the gate, and all of them with their whole numbers.
More arguments go to pytest.
"""

import os
import subprocess
import sys
from pathlib import Path

from tests import ROOT

_HERE = Path(__file__).parent
_LEFT_OUT = ("test_faulty_engine.py", "test_killed_anywhere.py")
_PARALLEL = ("-n", "4", "--dist", "loadfile")  # most of the time they wait for processes


def main() -> int:
    """Run them, and return pytest's exit code."""
    options = [it for it in sys.argv[1:] if it != "--whole"]
    is_whole = len(options) < len(sys.argv) - 1
    left_out = () if is_whole else (f"--ignore={_HERE / it}" for it in _LEFT_OUT)
    return subprocess.run(
        [sys.executable, "-m", "pytest", *_PARALLEL, *left_out, *options, str(_HERE)],
        cwd=ROOT,
        env=os.environ | ({"REPLICAS_WHOLE": "1"} if is_whole else {}),
        check=False,
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
