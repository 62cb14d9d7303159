"""Several changes with one yes: what comes between, and in doubt no further one is sent."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest

from tests.consent.several_changes import (
    GO_LIVE,
    GUEST_ON,
    SENT,
    THREE,
    TWITCH_ONLY,
    YOUTUBE_OFF,
    applying,
    outcomes,
)
from tests.support.concurrency import begin
from tests.support.product.faults import Fault
from tests.support.product.frozen_sandbox import STUDIO as PLACE
from tests.support.product.sandbox import SCOPES
from tests.support.product.server import yes_to_stop
from tests.support.product.virtual_time import in_virtual_time
from tests.world.answers import has_run, outcome, text_of
from tests.world.world import COLLEAGUE, MINE, open_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import mcp_types as types

    from tests.support.guarded_calls import GuardedOperation
    from tests.world.caller import Caller
    from tests.world.world import World

CONFLICT: Final = Fault.error(409, "conflict")
in_virtual_world: Final = partial(open_world, MINE, virtual=True)


@asynccontextmanager
async def being_made(
    it: World, changes: GuardedOperation, *, seconds: float = 1
) -> AsyncIterator[list[types.CallToolResult]]:
    """They are made with their yes, and the block runs some time after the first was sent."""
    yes = await it[MINE].confirmation(changes)
    async with anyio.create_task_group() as tasks:
        results = begin(tasks, partial(it[MINE].use, changes, yes))
        await anyio.sleep(seconds)
        yield results


async def stop(caller: Caller) -> None:
    """Stop by a yes that needs no preview."""
    assert has_run(await caller.use("go_offline", yes_to_stop(MINE, studio_id="studio_42")))


@pytest.mark.parametrize("at", [0, 1], ids=["the same replica", "another one"])
@in_virtual_time
async def test_after_a_stop_no_further_change_is_sent(at: int) -> None:
    async with in_virtual_world(replicas=2) as it:
        stopper = await it.caller(at=at)
        it.trax.faults.slow(2, path="/sources/source_2")
        async with being_made(it, THREE) as results:
            await stop(stopper)
        assert outcomes(results[0]) == ["applied", "applied", "not_sent"]
        assert "Go live on Twitch: not sent, because a request to go offline came." in text_of(
            results[0]
        )
        assert it.times_of("/go-live") == []
        assert it.times_of("/go-offline") == [6.0]
        assert not it.is_live


@in_virtual_time
async def test_nothing_goes_out_where_nobody_was_shown_it() -> None:
    """Somebody switches a destination on, on TRaX itself, while the changes are made."""
    async with in_virtual_world() as it:
        it.trax.faults.slow(2, path="/destinations/dest_1")
        async with being_made(it, TWITCH_ONLY) as results:
            it.trax.change("dest_3", enabled=True)
        assert outcomes(results[0]) == ["applied", "not_sent"]
        assert "it wouldn't stream as it was shown" in text_of(results[0])
        assert it.times_of("/go-live") == []


@in_virtual_time
async def test_nothing_goes_out_where_nobody_can_see_who_would_see_it() -> None:
    """TRaX fails at the last look, which is no reason to tell that others have acted."""
    async with in_virtual_world() as it:
        it.trax.faults.slow(2, path="/destinations/dest_1")
        async with being_made(it, TWITCH_ONLY) as results:
            garbled = Fault.status(200, "<html>")
            it.trax.faults.add(garbled, path=f"{PLACE}/destinations", method="GET", times=None)
        assert outcomes(results[0]) == ["applied", "not_sent"]
        why = "not sent, because the studio couldn't be read again."
        assert why in text_of(results[0])
        assert it.times_of("/go-live") == []


NEW_PAGE: Final[dict[str, Any]] = {"name": "New page", "platform": "facebook"}
ADD_IT: Final = {
    "tool": "create_destination",
    "arguments": {**NEW_PAGE, "connectionId": "conn_1"},
}


@in_virtual_time
async def test_it_goes_out_on_a_destination_that_was_added_a_moment_ago() -> None:
    async with in_virtual_world() as it:
        result = await it[MINE].confirmed(applying(ADD_IT, GO_LIVE))
        assert outcomes(result) == ["applied", "applied"]
        assert it.is_live


@in_virtual_time
async def test_one_of_the_same_name_as_an_added_one_was_not_shown() -> None:
    """It was there, switched off, and somebody switches it on meanwhile."""
    async with in_virtual_world() as it:
        it.trax.change("dest_3", **NEW_PAGE, enabled=False)
        it.trax.faults.slow(2, path=f"POST {PLACE}/destinations")
        async with being_made(it, applying(ADD_IT, GO_LIVE)) as results:
            it.trax.change("dest_3", enabled=True)
        assert outcomes(results[0]) == ["applied", "not_sent"]
        assert it.times_of("/go-live") == []


# What TRaX answers


@in_virtual_time
async def test_after_a_step_that_is_refused_none_is_sent() -> None:
    async with in_virtual_world() as it:
        it.trax.faults.add(CONFLICT, path="*/sources/source_2")
        result = await it[MINE].confirmed(THREE)
        assert outcomes(result) == ["applied", "not_applied", "not_sent"]
        assert result.is_error
        assert text_of(result).startswith("Made 1 of 3 changes. ")
        assert "\n2. Turn on the source: TRaX refused the call" in text_of(result)
        assert not it.is_live
        assert has_run(await it[MINE].confirmed("go_live")), "no go-live is under way"


@in_virtual_time
async def test_if_nothing_was_done_the_yes_is_given_back() -> None:
    async with in_virtual_world() as it:
        yes = await it[MINE].confirmation(THREE)
        it.trax.faults.add(CONFLICT, path="*/destinations/dest_1")
        first = await it[MINE].use(THREE, yes)
        assert outcomes(first) == ["not_applied", "not_sent", "not_sent"]
        second = await it[MINE].use(THREE, yes)
        assert outcomes(second) == ["applied"] * 3


@in_virtual_time
async def test_after_a_lost_answer_none_is_sent() -> None:
    async with in_virtual_world() as it:
        yes = await it[MINE].confirmation(THREE)
        it.trax.faults.add(Fault.silence(), path="*/sources/source_2")
        result = await it[MINE].use(THREE, yes)
        assert outcomes(result) == ["applied", "unknown", "not_sent"]
        assert outcome(await it[MINE].use(THREE, yes)) == ("confirmation_invalid", "used")
        assert it.times_of("/go-live") == []


@pytest.mark.parametrize(
    ("answered", "outcome_of_first", "said"),
    [
        ({"ok": False}, "applied", "TRaX answered that it didn't work. This was read"),
        (
            {"enabled": True},
            "applied",
            "TRaX answered that it's on, not off as asked. This",
        ),
    ],
)
async def test_after_an_answer_that_is_not_what_was_asked_for_none_is_sent(
    answered: dict[str, bool], outcome_of_first: str, said: str
) -> None:
    """Else the show would go out where the person was told that it does not."""
    async with open_world(MINE) as it:
        it.trax.faults.add(Fault.patched(lambda body: body.update(answered)), method="PATCH")
        result = await it[MINE].confirmed(TWITCH_ONLY)
        assert outcomes(result) == [outcome_of_first, "not_sent"]
        assert result.is_error
        assert said in text_of(result)
        assert it.sent == SENT[:1]


async def test_a_go_live_that_trax_did_not_take_is_not_called_made() -> None:
    async with open_world(MINE) as it:
        it.trax.faults.add(Fault.status(200, {"ok": False}), path="*/go-live")
        result = await it[MINE].confirmed(TWITCH_ONLY)
        assert outcomes(result) == ["applied", "unknown"]
        assert text_of(result).startswith("Made 1 of 2 changes. ")


@in_virtual_time
async def test_after_the_call_is_cancelled_no_further_change_is_sent() -> None:
    async with in_virtual_world() as it:
        yes = await it[MINE].confirmation(THREE)
        it.trax.faults.slow(2, path="/sources/source_2")
        with anyio.move_on_after(1):
            await it[MINE].use(THREE, yes)
        await anyio.sleep(20)
        assert it.times_of("/sources/source_2") == [5.0]
        assert it.times_of("/go-live") == []
        again = await it[MINE].use(THREE, yes)
        assert "2 of 3 changes were made" in text_of(again)


@in_virtual_time
async def test_a_change_that_is_known_to_be_refused_changes_nothing_for_those_before_it() -> None:
    """The first acts in the studio, whatever becomes of the others."""
    async with in_virtual_world(COLLEAGUE) as it:
        it.trax.add_key(COLLEAGUE, scopes=SCOPES - {"sources:write"})
        refused = await it[COLLEAGUE].call("update_source", sourceId="source_2", name="New")
        assert outcome(refused) == ("failed", "insufficient_scope")
        await it[MINE].confirmed("go_live")
        sent = len(it.sent)
        asked = await it[COLLEAGUE].call(applying(YOUTUBE_OFF, GUEST_ON))
        assert outcome(asked) == ("confirmation_required", None)
        assert len(it.sent) == sent


# Replicas


@in_virtual_time
async def test_a_yes_counts_once_over_two_replicas() -> None:
    async with in_virtual_world(replicas=2) as it:
        yes = await it[MINE].confirmation(THREE)
        callers = [await it.caller(at=1), it[MINE]]
        async with anyio.create_task_group() as tasks:
            results = [begin(tasks, partial(each.use, THREE, yes)) for each in callers]
        ran = [result for (result,) in results if not result.is_error]
        assert [outcomes(result) for result in ran] == [["applied"] * 3]
        assert len(it.times_of("/go-live")) == 1


@in_virtual_time
async def test_a_stop_that_the_engine_missed_counts_while_the_last_look_is_taken() -> None:
    """The engine is back before it could be told of the stop."""
    async with in_virtual_world(replicas=2) as it:
        engine = it.replicas[0].engine
        it.trax.faults.slow(2, path="/destinations/dest_1")
        async with being_made(it, TWITCH_ONLY) as results:
            it.trax.faults.slow(0.9, path=f"GET {PLACE}/destinations")
            await anyio.sleep(1.2)
            engine.is_away = True
            await stop(it[MINE])
            await anyio.sleep(0.6)
            engine.is_away = False
        assert "Go live on Twitch: not sent, because a request to go offline came." in text_of(
            results[0]
        )
        assert it.times_of("/go-live") == []


@in_virtual_time
async def test_an_engine_that_is_slow_in_the_middle_is_not_called_a_stop() -> None:
    """Another replica may have had the turn meanwhile."""
    async with in_virtual_world(replicas=2) as it:
        engine = it.replicas[0].engine
        it.trax.faults.slow(3, path="/destinations/dest_1")
        async with being_made(it, THREE, seconds=0.5) as results:
            engine.late_seconds = 0.8
            await anyio.sleep(9)
            engine.late_seconds = 0.0
        assert outcomes(results[0]) == ["applied", "not_sent", "not_sent"]
        away = "not sent, because Valkey didn't answer in time."
        assert away in text_of(results[0])
        assert it.times_of("/go-live") == []
