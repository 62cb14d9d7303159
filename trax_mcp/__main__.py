"""`python -m trax_mcp` runs the command `trax-mcp`, and so does this file as a script."""

import sys
from pathlib import Path

# A host of bundles may start the file itself. Its folder, which is then first, has an `http` that
# hides Python's.
if sys.path[:1] == [str(Path(__file__).parent)]:
    del sys.path[0]

from trax_mcp.cli import main

if __name__ == "__main__":
    main()
