"""Without consent nothing is sent: every guarded call, by every way of not having it, in both eras.

What counts is what reached the sandbox, whatever the caller was told.
"""

from __future__ import annotations

import pytest

from tests.acts import ACTS
from tests.consent import in_memory
from tests.ways import take, ways


@pytest.mark.parametrize("name", ACTS)
async def test_without_consent_nothing_is_sent(era: str, name: str) -> None:
    """By no way at all; and each caller is told why, unless they are gone."""
    act = ACTS[name]
    async with in_memory(era) as desk:
        for way, it in ways(era, act).items():
            assert (way, await take(desk, act, it)) == (way, it.told)
            assert (way, desk.sent) == (way, [])
