"""A studio that may go on air by itself: what a stop voids, and of what it warns."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest

from tests.support.concurrency import begin
from tests.support.product.faults import Fault
from tests.support.product.virtual_time import in_virtual_time
from tests.world.answers import data_of, has_run, outcome, text_of
from tests.world.world import COLLEAGUE, MINE, open_world

if TYPE_CHECKING:
    from tests.world.caller import Caller

WHILE_LIVE: Final[dict[str, dict[str, Any]]] = {
    "create_destination": {"name": "New", "platform": "kick", "connectionId": "conn_1"},
    "update_destination": {"destId": "dest_3", "enabled": True},
    "create_source": {"name": "New", "type": "webcam"},
    "update_source": {"sourceId": "source_2", "active": True},
    "update_studio": {"autoGoOfflineOnDrop": True},
}
"""A call of each tool that is guarded while live."""
EXPIRED: Final = ("confirmation_invalid", "expired")
UNCONFIRMED: Final = ("confirmation_required", None)
WARNING: Final = "can go live again on its own"


@in_virtual_time
async def test_a_stop_invalidates_an_earlier_confirmation_of_auto_go_live() -> None:
    """Of any caller: else the studio could go on air again by itself."""
    async with open_world(MINE, COLLEAGUE, virtual=True) as it:
        yes = await it[COLLEAGUE].confirmation("update_studio", autoGoLive=True)
        await it[MINE].confirmed("go_offline")
        late = await it[COLLEAGUE].use("update_studio", yes, autoGoLive=True)
        assert outcome(late) == EXPIRED
        assert [sent for _, sent in it.arrived if sent.startswith("PATCH")] == []


@in_virtual_time
async def test_a_stop_invalidates_the_flag_of_a_call_that_turns_auto_go_live_on() -> None:
    """With `confirm` alone: the stop comes while the call reads its facts."""
    async with open_world(MINE, COLLEAGUE, virtual=True, TRAX_ASK="confirm_alone") as it:
        for key in (MINE, COLLEAGUE):
            await it[key].call("get_studio")
        it.trax.faults.slow(1, path="/destinations", key=COLLEAGUE)
        evidence = {"autoGoLive": True, "confirm": True}
        async with anyio.create_task_group() as tasks:
            results = begin(tasks, partial(it[COLLEAGUE].call, "update_studio", **evidence))
            await anyio.sleep(0.5)
            await it[MINE].call("go_offline", confirm=True)
        assert [outcome(result) for result in results] == [UNCONFIRMED]


@in_virtual_time
async def test_off_air_no_change_needs_consent_because_of_auto_go_live() -> None:
    """TRaX shows it nowhere, so only a stop warns of it."""
    async with open_world(MINE, COLLEAGUE, virtual=True) as it:
        await it[MINE].confirmed("update_studio", autoGoLive=True)
        for tool, arguments in WHILE_LIVE.items():
            assert has_run(await it[COLLEAGUE].call(tool, **arguments)), tool


async def warns(caller: Caller) -> bool:
    """Whether a stop would say that the studio can go on air again by itself."""
    shown = await caller.preview("go_offline")
    found = [WARNING in text for text in shown["preview"]["warnings"]]
    assert found in ([], [True])
    return bool(found)


@in_virtual_time
async def test_a_stop_warns_that_the_studio_can_go_on_air_again_by_itself() -> None:
    """In its preview and in its answer, for an hour."""
    async with open_world(MINE, COLLEAGUE, virtual=True) as it:
        before = await it[MINE].preview("go_offline")
        await it[MINE].confirmed("update_studio", autoGoLive=True)
        after = await it[COLLEAGUE].preview("go_offline")
        warned = await it[COLLEAGUE].confirmed("go_offline")
        await anyio.sleep(3600)
        silent = await it[COLLEAGUE].confirmed("go_offline")
    named = f'"Friday Night Show" {WARNING}: that was turned on here.'
    assert after["preview"] == {**before["preview"], "warnings": [named]}
    assert [WARNING in text_of(result) for result in (warned, silent)] == [True, False]


@pytest.mark.parametrize("how", ["alone", "with another change"])
@in_virtual_time
async def test_a_stop_warns_no_more_once_auto_go_live_was_turned_off(how: str) -> None:
    async with open_world(MINE, COLLEAGUE, virtual=True) as it:
        await it[MINE].confirmed("update_studio", autoGoLive=True)
        await it[COLLEAGUE].call("get_studio")
        other = {"autoGoOfflineOnDrop": True} if how == "with another change" else {}
        assert has_run(await it[COLLEAGUE].call("update_studio", autoGoLive=False, **other))
        assert not await warns(it[MINE])


@pytest.mark.parametrize("answer", ["lost", "refused"])
@in_virtual_time
async def test_a_stop_warns_if_auto_go_live_may_have_been_turned_on(answer: str) -> None:
    """A lost answer is no reason to say less; a refusal turned nothing on."""
    async with open_world(MINE, COLLEAGUE, virtual=True) as it:
        yes = await it[MINE].confirmation("update_studio", autoGoLive=True)
        if answer == "lost":
            it.trax.faults.slow(11, path="PATCH /v1/studios/studio_42")
        else:
            it.trax.write_enabled = False
        await it[MINE].use("update_studio", yes, autoGoLive=True)
        it.trax.write_enabled = True
        assert await warns(it[COLLEAGUE]) is (answer == "lost")


@pytest.mark.parametrize("answer", [None, "off", 0, True])
@in_virtual_time
async def test_a_stop_warns_if_the_answer_does_not_show_auto_go_live_off(answer: object) -> None:
    async with open_world(MINE, virtual=True) as it:
        await it[MINE].confirmed("update_studio", autoGoLive=True)
        it.trax.faults.add(Fault.status(200, {"autoGoLive": answer}), method="PATCH")
        await it[MINE].call("update_studio", autoGoLive=False)
        assert await warns(it[MINE])


@in_virtual_time
async def test_auto_go_live_changes_nothing_else() -> None:
    """`live` is what TRaX says, and a go-live is no `nothing_to_do`."""
    async with open_world(MINE, virtual=True) as it:
        await it[MINE].confirmed("update_studio", autoGoLive=True)
        assert data_of(await it[MINE].call("get_stream_status"))["live"] is False
        assert has_run(await it[MINE].confirmed("go_live"))
        assert has_run(await it[MINE].call("update_source", sourceId="source_1", name="N"))


@in_virtual_time
async def test_turning_auto_go_offline_on_needs_consent_while_on_air() -> None:
    """It can end the show. Off air it needs none, and neither does turning it off."""
    async with open_world(MINE, virtual=True) as it:
        drop: dict[str, Any] = {"autoGoOfflineOnDrop": True}
        assert has_run(await it[MINE].call("update_studio", **drop))
        await it[MINE].confirmed("go_live")
        await anyio.sleep(5)
        shown = await it[MINE].preview("update_studio", **drop)
        assert shown["preview"]["effects"] == [
            "From now on a show ends on its own if its input drops.",
            "You're on air, so this counts for the current show too.",
        ]
        assert has_run(await it[MINE].confirmed("update_studio", **drop))
        assert has_run(await it[MINE].call("update_studio", autoGoOfflineOnDrop=False))


@in_virtual_time
async def test_a_late_answer_to_turning_auto_go_live_off_does_not_undo_turning_it_on() -> None:
    """Both take turns, so the last one counts."""
    async with open_world(MINE, COLLEAGUE, virtual=True) as it:
        for key in (MINE, COLLEAGUE):
            await it[key].call("get_studio")
        yes = await it[MINE].confirmation("update_studio", autoGoLive=True)
        it.trax.faults.slow(4, path="PATCH /v1/studios/studio_42", key=COLLEAGUE)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(partial(it[COLLEAGUE].call, "update_studio", autoGoLive=False))
            await anyio.sleep(1)
            tasks.start_soon(partial(it[MINE].use, "update_studio", yes, autoGoLive=True))
        assert await warns(it[COLLEAGUE])
