"""Python imports this when it starts, wherever this folder is on its path: it breaks the product.

Without a number nothing is broken, but as much is imported.
"""

import os

if (number := os.environ.get("PYTEST_BREAK")) is not None:
    from proof.breaks.table import BREAKS

    if number:
        BREAKS[int(number)].change.apply()
