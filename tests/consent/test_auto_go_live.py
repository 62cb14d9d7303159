"""A studio that may go on air by itself: what a stop voids, and what needs a yes from then on."""

from __future__ import annotations

from functools import partial
from typing import Final

import anyio
import pytest

from tests.conftest import text_of
from tests.support.concurrency import begin
from tests.support.product.virtual_time import in_virtual_time
from tests.support.virtual_setup import COLLEAGUE, MINE, open_virtual_setup, reasons, status

WHILE_LIVE: Final[dict[str, dict[str, object]]] = {
    "create_destination": {"name": "New", "platform": "kick", "connectionId": "conn_1"},
    "update_destination": {"destId": "dest_3", "enabled": True},
    "create_source": {"name": "New", "type": "webcam"},
    "update_source": {"sourceId": "source_2", "active": True},
    "update_studio": {"autoGoOfflineOnDrop": True},
}
"""A call of each tool that is guarded while live."""


@in_virtual_time
async def test_a_stop_invalidates_an_earlier_confirmation_of_auto_go_live() -> None:
    """Of any caller: else the studio could go on air again by itself."""
    async with open_virtual_setup(MINE, COLLEAGUE) as it:
        yes = await it.confirmation(COLLEAGUE, "update_studio", autoGoLive=True)
        await it.confirmed(MINE, "go_offline")
        late = await it.use(COLLEAGUE, "update_studio", yes, autoGoLive=True)
        assert reasons([late]) == ["expired"]
        assert [sent for _, sent in it.arrived if sent.startswith("PATCH")] == []


@in_virtual_time
async def test_a_stop_invalidates_the_flag_of_a_call_that_turns_auto_go_live_on() -> None:
    """In flag mode: the stop comes while the call reads its facts."""
    async with open_virtual_setup(MINE, COLLEAGUE, TRAX_CONFIRM="flag") as it:
        for key in (MINE, COLLEAGUE):
            await it.call(key, "get_studio")
        it.slow(1, path="/destinations", key=COLLEAGUE)
        evidence = {"autoGoLive": True, "confirm": True}
        async with anyio.create_task_group() as tasks:
            results = begin(tasks, partial(it.call, COLLEAGUE, "update_studio", **evidence))
            await anyio.sleep(0.5)
            await it.call(MINE, "go_offline", confirm=True)
        assert [status(it) for it in results] == ["confirmation_required"]


@in_virtual_time
async def test_a_change_needs_consent_after_auto_go_live_was_turned_on() -> None:
    """The studio is off air, but may be on air at any moment."""
    async with open_virtual_setup(MINE, COLLEAGUE) as it:
        await it.confirmed(MINE, "update_studio", autoGoLive=True)
        for tool, arguments in WHILE_LIVE.items():
            asked = await it.call(COLLEAGUE, tool, **arguments)
            assert (tool, status(asked)) == (tool, "confirmation_required")
            preview = (asked.structured_content or {})["preview"]
            assert any("The studio may be on air." in text for text in preview["effects"])
            assert status(await it.confirmed(COLLEAGUE, tool, **arguments)) == "ran"


@pytest.mark.parametrize("how", ["alone", "with another change"])
@in_virtual_time
async def test_a_change_needs_no_consent_after_auto_go_live_was_turned_off(how: str) -> None:
    """It is off air, and stays so."""
    more = {"alone": {}, "with another change": {"autoGoOfflineOnDrop": True}}[how]
    async with open_virtual_setup(MINE, COLLEAGUE) as it:
        await it.confirmed(MINE, "update_studio", autoGoLive=True)
        if more:
            await it.confirmed(COLLEAGUE, "update_studio", autoGoLive=False, **more)
        else:
            assert status(await it.call(COLLEAGUE, "update_studio", autoGoLive=False)) == "ran"
        for tool, arguments in WHILE_LIVE.items():
            assert (tool, status(await it.call(MINE, tool, **arguments))) == (tool, "ran")


@pytest.mark.parametrize("outcome", ["lost", "refused"])
@in_virtual_time
async def test_auto_go_live_counts_as_on_if_it_may_have_been_turned_on(outcome: str) -> None:
    """A lost answer is no reason to ask less; a refusal turned nothing on."""
    async with open_virtual_setup(MINE, COLLEAGUE) as it:
        yes = await it.confirmation(MINE, "update_studio", autoGoLive=True)
        if outcome == "lost":
            it.slow(11, path="PATCH /v1/studios/studio_42")
        else:
            it.trax.write_enabled = False
        await it.use(MINE, "update_studio", yes, autoGoLive=True)
        it.trax.write_enabled = True
        result = await it.call(COLLEAGUE, "create_source", **WHILE_LIVE["create_source"])
        expected = "confirmation_required" if outcome == "lost" else "ran"
        assert status(result) == expected


@in_virtual_time
async def test_a_stop_warns_that_the_studio_can_go_on_air_again_by_itself() -> None:
    """In its preview and in its answer, until `autoGoLive` is off again."""
    async with open_virtual_setup(MINE, COLLEAGUE) as it:
        before = await it.call(MINE, "go_offline")
        await it.confirmed(MINE, "update_studio", autoGoLive=True)
        after = await it.call(COLLEAGUE, "go_offline")
        warned = await it.confirmed(COLLEAGUE, "go_offline")
        await it.call(MINE, "update_studio", autoGoLive=False)
        silent = await it.confirmed(COLLEAGUE, "go_offline")
        shown = [(it.structured_content or {})["preview"] for it in (before, after)]
    warning = "can go on air again by itself"
    named = f'"Friday Night Show" {warning}: its `autoGoLive` was turned on here.'
    assert shown[1] == {**shown[0], "warnings": [named]}
    assert [warning in text_of(it) for it in (warned, silent)] == [True, False]


@in_virtual_time
async def test_auto_go_live_changes_nothing_else() -> None:
    """`live` is what TRaX says, and a go-live is no `nothing_to_do`."""
    async with open_virtual_setup(MINE, COLLEAGUE) as it:
        await it.confirmed(MINE, "update_studio", autoGoLive=True)
        live = await it.call(MINE, "get_stream_status")
        assert (live.structured_content or {})["live"] is False
        assert status(await it.confirmed(MINE, "go_live")) == "ran"
        assert status(await it.call(MINE, "update_source", sourceId="source_1", name="N")) == "ran"


@in_virtual_time
async def test_auto_go_live_does_not_affect_another_studio() -> None:
    """Only the one whose `autoGoLive` was turned on."""
    async with open_virtual_setup(MINE, COLLEAGUE) as it:
        await it.confirmed(MINE, "update_studio", autoGoLive=True)
        other = await it.call(MINE, "create_source", studioId="studio_43", name="N", type="webcam")
        assert status(other) == "ran"


@in_virtual_time
async def test_turning_auto_go_offline_on_needs_consent_while_on_air() -> None:
    """It can end the show. Off air it needs none, and neither does turning it off."""
    async with open_virtual_setup(MINE, COLLEAGUE) as it:
        drop = {"autoGoOfflineOnDrop": True}
        assert status(await it.call(MINE, "update_studio", **drop)) == "ran"
        await it.confirmed(MINE, "go_live")
        await it.clock.sleep(5)
        asked = await it.call(MINE, "update_studio", **drop)
        assert status(asked) == "confirmation_required"
        effects = (asked.structured_content or {})["preview"]["effects"]
        assert effects[1:] == [
            "The studio is on air. From then on it goes off air by itself if the stream drops."
        ]
        assert status(await it.confirmed(MINE, "update_studio", **drop)) == "ran"
        assert status(await it.call(MINE, "update_studio", autoGoOfflineOnDrop=False)) == "ran"


@in_virtual_time
async def test_a_late_answer_to_turning_auto_go_live_off_does_not_undo_turning_it_on() -> None:
    """Both take turns, so the last one counts."""
    async with open_virtual_setup(MINE, COLLEAGUE) as it:
        await it.call(COLLEAGUE, "get_studio")
        await it.call(MINE, "get_studio")
        yes = await it.confirmation(MINE, "update_studio", autoGoLive=True)
        it.slow(4, path="PATCH /v1/studios/studio_42", key=COLLEAGUE)

        async def turn_on() -> None:
            await it.use(MINE, "update_studio", yes, autoGoLive=True)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(partial(it.call, COLLEAGUE, "update_studio", autoGoLive=False))
            await anyio.sleep(1)
            tasks.start_soon(turn_on)
        asked = await it.call(COLLEAGUE, "create_source", **WHILE_LIVE["create_source"])
        assert status(asked) == "confirmation_required"
