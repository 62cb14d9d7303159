"""How long a yes lives, and who can push it out. Through MCP clients, in virtual time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.support.virtual_stage import CUSTOMER, MINE, NO_ACCESS, Stage, reasons, stage, status
from tests.support.virtual_time import run_in_virtual_time
from trax_mcp.consent.confirmations import MAX_CONFIRMATIONS

if TYPE_CHECKING:
    from trax_mcp.api.caller import Caller

MANY: Final = 40
"""More than are kept of one caller."""


async def preview_many(it: Stage, caller: Caller, tool: str = "delete_source") -> None:
    """Ask for many confirmations of another tool."""
    more = {"delete_source": {"sourceId": "source_1"}, "go_live": {}, "go_offline": {}}[tool]
    for _ in range(MANY):
        await it.confirmation(caller, tool, **more)


@pytest.mark.parametrize("tool", ["delete_source", "go_live"])
def test_previews_of_other_tools_do_not_evict_the_confirmation_of_a_stop(tool: str) -> None:
    """Many previews of the same caller come between the stop's preview and the yes."""

    async def crowd() -> None:
        async with stage(MINE) as it:
            confirmation = await it.confirmation(MINE, "go_offline")
            await preview_many(it, MINE, tool)
            stopped = await it.call(MINE, "go_offline", confirm=True, confirmation=confirmation)
            assert status(stopped) == "ran"

    run_in_virtual_time(crowd)


def test_calls_of_one_caller_do_not_evict_the_confirmations_of_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not even when the memory for all is full. It has room for 50 here, for 4,096 otherwise."""
    assert MAX_CONFIRMATIONS == 4096
    monkeypatch.setattr("trax_mcp.consent.confirmations.MAX_CONFIRMATIONS", 50)

    async def crowd() -> None:
        async with stage(MINE, CUSTOMER) as it:
            made = await it.clients[CUSTOMER].call_tool("create_studio", {"name": "Mine"})
            studio = str((made.structured_content or {})["id"])
            mine = await it.confirmation(MINE, "delete_source", sourceId="source_1")
            for _ in range(60):
                await it.confirmed(CUSTOMER, "go_offline", studioId=studio)
            result = await it.call(
                MINE, "delete_source", sourceId="source_1", confirm=True, confirmation=mine
            )
            assert status(result) == "ran"

    run_in_virtual_time(crowd)


def test_previews_of_keys_without_access_do_not_evict_other_confirmations() -> None:
    """Keys without access share one limit, so their many previews evict only their own."""

    async def crowd() -> None:
        async with stage(MINE, NO_ACCESS) as it:
            mine = await it.confirmation(MINE, "go_live")
            theirs = [await it.confirmation(NO_ACCESS, "go_offline") for _ in range(MANY)]
            assert len(set(theirs)) == MANY
            result = await it.call(MINE, "go_live", confirm=True, confirmation=mine)
            assert status(result) == "ran"

    run_in_virtual_time(crowd)


@pytest.mark.parametrize("tool", ["go_live", "go_offline"])
def test_a_confirmation_expires_at_its_printed_time_after_the_computer_slept(tool: str) -> None:
    """The laptop was suspended for an hour: only the wall clock went on."""

    async def suspend() -> None:
        async with stage(MINE) as it:
            preview = (await it.call(MINE, tool)).structured_content or {}
            it.clock.suspend(3600)
            assert preview["expiresAt"] < it.clock.now().isoformat()
            late = await it.call(MINE, tool, confirm=True, confirmation=preview["confirmation"])
            assert reasons([late]) == ["expired"]
            assert it.arrived == []

    run_in_virtual_time(suspend)


def test_a_confirmation_expires_after_five_minutes_if_the_wall_clock_was_set_back() -> None:
    """Whichever clock comes first."""

    async def set_back() -> None:
        async with stage(MINE) as it:
            confirmation = await it.confirmation(MINE, "go_live")
            it.clock.suspend(-3600)
            await it.clock.sleep(300)
            late = await it.call(MINE, "go_live", confirm=True, confirmation=confirmation)
            assert reasons([late]) == ["expired"]

    run_in_virtual_time(set_back)


def test_a_confirmation_refused_as_changed_stays_invalid_if_all_changes_back() -> None:
    """The person was told that it is void, and shown a new preview."""

    async def change_back() -> None:
        async with stage(MINE) as it:
            confirmation = await it.confirmation(MINE, "go_live")
            answers = []
            for name in ("Another name", "Friday Night Show"):
                await it.call(MINE, "update_studio", name=name)
                answers.append(
                    await it.call(MINE, "go_live", confirm=True, confirmation=confirmation)
                )
            assert reasons(answers) == ["changed", "expired"]

    run_in_virtual_time(change_back)
