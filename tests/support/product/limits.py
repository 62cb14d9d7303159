"""Limits of the product, lowered so that a test reaches them with a few items."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING
from unittest.mock import patch

from trax_mcp.server.http import http_protocol, request_limits
from trax_mcp.studio import pages

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def lists_end_after(count: int) -> Iterator[None]:
    """Let every list of TRaX end after so many items, not after 10,000."""
    with patch.object(pages, "MAX_ITEMS", count):
        yield


@contextmanager
def smaller_limits(
    *,
    request_seconds: float | None = None,
    requests_of_a_key: int | None = None,
    requests_of_others: int | None = None,
) -> Iterator[None]:
    """Give a request over HTTP less time to arrive, and let fewer be open.

    "Others" are all callers together whose key TRaX has not accepted.
    """
    replaced = (
        (http_protocol, "REQUEST_SECONDS", request_seconds),
        (request_limits, "REQUEST_SECONDS", request_seconds),
        (request_limits, "MAX_REQUESTS", requests_of_a_key),
        (request_limits, "MAX_OTHER_REQUESTS", requests_of_others),
    )
    with ExitStack() as stack:
        for module, name, value in replaced:
            if value is not None:
                stack.enter_context(patch.object(module, name, value))
        yield
