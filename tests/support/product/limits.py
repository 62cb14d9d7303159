"""Limits of the product, lowered so that a test reaches them with a few items."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING
from unittest.mock import patch

from trax_mcp.studio import pages

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def lists_end_after(count: int) -> Iterator[None]:
    """Let every list of TRaX end after so many items, not after 10,000."""
    with patch.object(pages, "MAX_ITEMS", count):
        yield
