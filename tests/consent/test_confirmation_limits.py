"""How long a confirmation lives, and which callers can evict it. In virtual time."""

from __future__ import annotations

from typing import Final

import pytest

from tests.support.product.virtual_time import VirtualClock, in_virtual_time
from tests.world.answers import data_of, has_run
from tests.world.world import MINE, NO_ACCESS, open_world

MANY: Final = 40
"""More than are kept of one caller."""


@in_virtual_time
async def test_previews_of_keys_without_access_do_not_evict_other_confirmations() -> None:
    """Keys without access share one limit, so their many previews evict only their own."""
    async with open_world(MINE, NO_ACCESS, virtual=True) as it:
        mine = await it[MINE].confirmation("go_live")
        theirs = [await it[NO_ACCESS].confirmation("go_offline") for _ in range(MANY)]
        assert len(set(theirs)) == MANY
        result = await it[MINE].use("go_live", mine)
        assert has_run(result)


@in_virtual_time
async def test_previews_of_other_calls_do_not_evict_the_confirmation_of_a_stop() -> None:
    """The same caller has asked for many more since."""
    async with open_world(MINE, virtual=True) as it:
        stop = await it[MINE].confirmation("go_offline")
        for _ in range(MANY):
            await it[MINE].call("delete_source", sourceId="source_1")
        assert has_run(await it[MINE].use("go_offline", stop))


@pytest.mark.parametrize("tool", ["go_live", "go_offline"])
@in_virtual_time
async def test_a_confirmation_expires_at_its_printed_time_after_the_computer_slept(
    tool: str,
) -> None:
    """The laptop was suspended for an hour: only the wall clock went on."""
    async with open_world(MINE, virtual=True) as it:
        preview = await it[MINE].preview(tool)
        assert isinstance(it.clock, VirtualClock)
        it.clock.suspend(3600)
        assert preview["expiresAt"] < it.clock.now().isoformat()
        late = await it[MINE].use(tool, preview["confirmation"])
        assert data_of(late)["reason"] == "expired"
        assert it.arrived == []


@in_virtual_time
async def test_a_confirmation_refused_as_changed_stays_invalid_if_all_changes_back() -> None:
    """The person was told that it is void, and shown a new preview."""
    async with open_world(MINE, virtual=True) as it:
        confirmation = await it[MINE].confirmation("go_live")
        answers = []
        for name in ("Another name", "Friday Night Show"):
            await it[MINE].call("update_studio", name=name)
            answers.append(await it[MINE].use("go_live", confirmation))
        assert [data_of(each)["reason"] for each in answers] == ["changed", "expired"]
