"""How long a confirmation lives, and which callers can evict it. In virtual time."""

from __future__ import annotations

from typing import Final

import pytest

from tests.support.product.virtual_time import in_virtual_time
from tests.support.virtual_setup import MINE, NO_ACCESS, open_virtual_setup, reasons, status

MANY: Final = 40
"""More than are kept of one caller."""


@in_virtual_time
async def test_previews_of_keys_without_access_do_not_evict_other_confirmations() -> None:
    """Keys without access share one limit, so their many previews evict only their own."""
    async with open_virtual_setup(MINE, NO_ACCESS) as it:
        mine = await it.confirmation(MINE, "go_live")
        theirs = [await it.confirmation(NO_ACCESS, "go_offline") for _ in range(MANY)]
        assert len(set(theirs)) == MANY
        result = await it.use(MINE, "go_live", mine)
        assert status(result) == "ran"


@in_virtual_time
async def test_previews_of_other_calls_do_not_evict_the_confirmation_of_a_stop() -> None:
    """The same caller has asked for many more since."""
    async with open_virtual_setup(MINE) as it:
        stop = await it.confirmation(MINE, "go_offline")
        for _ in range(MANY):
            await it.call(MINE, "delete_source", sourceId="source_1")
        assert status(await it.use(MINE, "go_offline", stop)) == "ran"


@pytest.mark.parametrize("tool", ["go_live", "go_offline"])
@in_virtual_time
async def test_a_confirmation_expires_at_its_printed_time_after_the_computer_slept(
    tool: str,
) -> None:
    """The laptop was suspended for an hour: only the wall clock went on."""
    async with open_virtual_setup(MINE) as it:
        preview = (await it.call(MINE, tool)).structured_content or {}
        it.clock.suspend(3600)
        assert preview["expiresAt"] < it.clock.now().isoformat()
        late = await it.use(MINE, tool, preview["confirmation"])
        assert reasons([late]) == ["expired"]
        assert it.arrived == []


@in_virtual_time
async def test_a_confirmation_refused_as_changed_stays_invalid_if_all_changes_back() -> None:
    """The person was told that it is void, and shown a new preview."""
    async with open_virtual_setup(MINE) as it:
        confirmation = await it.confirmation(MINE, "go_live")
        answers = []
        for name in ("Another name", "Friday Night Show"):
            await it.call(MINE, "update_studio", name=name)
            answers.append(await it.use(MINE, "go_live", confirmation))
        assert reasons(answers) == ["changed", "expired"]
