"""A studio that may go on air by itself: what a stop voids, and what needs a yes from then on."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import anyio
import pytest

from tests.support.concurrency import begin
from tests.support.product.faults import Fault
from tests.support.product.virtual_time import in_virtual_time
from tests.world.answers import data_of, has_run, outcome, text_of
from tests.world.world import COLLEAGUE, MINE, open_world

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
async def test_a_change_needs_consent_after_auto_go_live_was_turned_on() -> None:
    """The studio is off air, but may be on air at any moment. Another studio is not affected."""
    async with open_world(MINE, COLLEAGUE, virtual=True) as it:
        await it[MINE].confirmed("update_studio", autoGoLive=True)
        for tool, arguments in WHILE_LIVE.items():
            shown = await it[COLLEAGUE].preview(tool, **arguments)
            effects = shown["preview"]["effects"]
            assert any("You may be on air" in text for text in effects), tool
            assert has_run(await it[COLLEAGUE].confirmed(tool, **arguments))
        created = WHILE_LIVE["create_source"]
        assert has_run(await it[MINE].call("create_source", studioId="studio_43", **created))


@pytest.mark.parametrize("how", ["alone", "with another change"])
@in_virtual_time
async def test_a_change_needs_no_consent_after_auto_go_live_was_turned_off(how: str) -> None:
    """It is off air, and stays so."""
    async with open_world(MINE, COLLEAGUE, virtual=True) as it:
        await it[MINE].confirmed("update_studio", autoGoLive=True)
        off: dict[str, Any] = {"autoGoLive": False}
        if how == "alone":
            assert has_run(await it[COLLEAGUE].call("update_studio", **off))
        else:
            await it[COLLEAGUE].confirmed("update_studio", **off, autoGoOfflineOnDrop=True)
        for tool, arguments in WHILE_LIVE.items():
            assert has_run(await it[MINE].call(tool, **arguments)), tool


@pytest.mark.parametrize("answer", ["lost", "refused"])
@in_virtual_time
async def test_auto_go_live_counts_as_on_if_it_may_have_been_turned_on(answer: str) -> None:
    """A lost answer is no reason to ask less; a refusal turned nothing on."""
    async with open_world(MINE, COLLEAGUE, virtual=True) as it:
        yes = await it[MINE].confirmation("update_studio", autoGoLive=True)
        if answer == "lost":
            it.trax.faults.slow(11, path="PATCH /v1/studios/studio_42")
        else:
            it.trax.write_enabled = False
        await it[MINE].use("update_studio", yes, autoGoLive=True)
        it.trax.write_enabled = True
        result = await it[COLLEAGUE].call("create_source", **WHILE_LIVE["create_source"])
        assert has_run(result) is (answer == "refused")


@pytest.mark.parametrize("answer", [None, "off", 0, True])
@in_virtual_time
async def test_auto_go_live_counts_as_on_if_the_answer_does_not_show_it_off(answer: object) -> None:
    async with open_world(MINE, virtual=True) as it:
        await it[MINE].confirmed("update_studio", autoGoLive=True)
        it.trax.faults.add(Fault.status(200, {"autoGoLive": answer}), method="PATCH")
        await it[MINE].call("update_studio", autoGoLive=False)
        result = await it[MINE].call("create_source", **WHILE_LIVE["create_source"])
        assert outcome(result) == UNCONFIRMED


@in_virtual_time
async def test_a_stop_warns_that_the_studio_can_go_on_air_again_by_itself() -> None:
    """In its preview and in its answer, until `autoGoLive` is off again."""
    async with open_world(MINE, COLLEAGUE, virtual=True) as it:
        before = await it[MINE].preview("go_offline")
        await it[MINE].confirmed("update_studio", autoGoLive=True)
        after = await it[COLLEAGUE].preview("go_offline")
        warned = await it[COLLEAGUE].confirmed("go_offline")
        await it[MINE].call("update_studio", autoGoLive=False)
        silent = await it[COLLEAGUE].confirmed("go_offline")
    warning = "can go live again on its own"
    named = f'"Friday Night Show" {warning}: that was turned on here.'
    assert after["preview"] == {**before["preview"], "warnings": [named]}
    assert [warning in text_of(result) for result in (warned, silent)] == [True, False]


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
            "You're on air, so this counts for the running show, too.",
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
        asked = await it[COLLEAGUE].call("create_source", **WHILE_LIVE["create_source"])
        assert outcome(asked) == UNCONFIRMED
