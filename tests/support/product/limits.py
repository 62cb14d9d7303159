"""Limits of the product, lowered so that a test reaches them with a few items."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING
from unittest.mock import patch

from trax_mcp.http import limits, sessions
from trax_mcp.studio import reading

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def lists_end_after(count: int) -> Iterator[None]:
    """Let every list of TRaX end after so many items, not after 10,000."""
    with patch.object(reading, "MAX_ITEMS", count):
        yield


@contextmanager
def smaller_limits(
    *,
    body_seconds: float | None = None,
    requests: int | None = None,
    requests_of_all: int | None = None,
    sessions_of_a_name: int | None = None,
) -> Iterator[None]:
    """Give the body of a request over HTTP less time to arrive, and let fewer be open."""
    replaced = (
        (limits, "BODY_SECONDS", body_seconds),
        (limits, "REQUESTS", requests),
        (limits, "ALL_REQUESTS", requests_of_all),
        (sessions, "MOST_OF_A_NAME", sessions_of_a_name),
    )
    with ExitStack() as stack:
        for module, name, value in replaced:
            if value is not None:
                stack.enter_context(patch.object(module, name, value))
        yield
