"""Every case of missing consent, in both eras: nothing is sent.

Every guarded call without any consent is in `test_what_needs_a_yes`.
"""

from __future__ import annotations

import pytest

from tests.support.consent_clients import in_memory
from tests.support.guarded_calls import GUARDED_OPERATIONS
from tests.support.missing_consent import missing_consent, run_attempt

EACH_KIND = (
    "go_live",
    "go_offline",
    "create_destination, on air",
)
"""A go-live, a stop, and what needs consent only while on air."""


@pytest.mark.parametrize("name", EACH_KIND)
async def test_nothing_is_sent_without_consent(era: str, name: str) -> None:
    """Each case has its result."""
    operation = GUARDED_OPERATIONS[name]
    async with in_memory(era) as clients:
        for case, it in missing_consent(era, operation).items():
            assert (case, await run_attempt(clients, operation, it)) == (case, it.result)
            assert (case, clients.sent) == (case, [])
