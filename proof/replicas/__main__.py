"""Runs the tests of replicas on a throwaway engine: `python -m proof.replicas`.

The contract of a store, on the store that replicas share; and all tests of this folder. More
arguments go to pytest.
"""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from proof.replicas.throwaway_engine import throwaway_engine
from tests import ROOT

_HERE = Path(__file__).parent
_PARALLEL = ("-n", "4", "--dist", "loadfile")  # most of the time they wait for processes


async def main() -> int:
    """Run them, and return pytest's exit code."""
    contract = sorted(map(str, (ROOT / "tests/consent").glob("test_store_*.py")))
    async with throwaway_engine() as engine:
        command = [sys.executable, "-m", "pytest", *_PARALLEL, *sys.argv[1:]]
        done = subprocess.run(  # noqa: ASYNC221  nothing else runs
            [*command, *contract, str(_HERE)],
            cwd=ROOT,
            env=os.environ | {"TEST_STORE_URL": engine.url},
            check=False,
        )
    return done.returncode


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
