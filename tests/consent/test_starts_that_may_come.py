"""A start that may still come is not forgotten, whoever began it. In virtual time."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest

from tests.consent.several_changes import GO_LIVE, YOUTUBE_OFF
from tests.support.product.faults import Fault
from tests.support.product.virtual_time import in_virtual_time
from tests.world.answers import data_of, error_in, outcome, state_in, text_of
from tests.world.world import COLLEAGUE, MINE, open_world

if TYPE_CHECKING:
    from tests.world.world import World

in_virtual_world: Final = partial(open_world, MINE, virtual=True)

START: Final = "*/go-live"
STOP: Final = "*/go-offline"
PLACE: Final = "*/destinations/*"
CONFLICT: Final = Fault.error(409, "conflict")
MAY_COME: Final = "It's off air now (seen "
UNTIL: Final = (
    "If it goes on air before 18:01:05 UTC, it's taken off air again. Closing the client ends that."
)
REPEATED: Final = (
    '"Friday Night Show" went on air after going offline, so it was taken off air again at'
    " 18:00:26 UTC. Then it was seen off air."
)
STREAM: Final[dict[str, Any]] = {"live": False, "encoderStreamId": "encoder_9"}


async def lose_a_start(it: World) -> None:
    """A go-live whose answer is lost, and that takes 50 seconds. A stop of it is accepted."""
    it.trax.world.go_live_seconds = 50
    it.trax.faults.add(Fault.dropped(when="after"), path=START)
    await it[MINE].confirmed("go_live")
    it.trax.faults.add(Fault.status(200, {"ok": True}), path=STOP)
    assert state_in(await it[MINE].confirmed("go_offline")) == "stopping"


@pytest.mark.parametrize(
    ("path", "refusal"),
    [
        (START, CONFLICT),
        (START, Fault.error(429, "rate_limited")),
        (PLACE, CONFLICT),
    ],
    ids=["409", "429", "a change before it"],
)
@in_virtual_time
async def test_a_refused_go_live_does_not_hide_an_earlier_start(path: str, refusal: Fault) -> None:
    """Nor does one that is never sent, since a change before it was refused."""
    async with in_virtual_world() as it:
        await lose_a_start(it)
        it.trax.faults.add(refusal, path=path)
        if path == START:
            await it[MINE].confirmed("go_live")
        else:
            await it[MINE].confirmed("apply_changes", changes=[YOUTUBE_OFF, GO_LIVE])
        it.trax.faults.add(CONFLICT, path=STOP, times=None)
        stopped = await it[MINE].confirmed("go_offline")
        await anyio.sleep(50)
        assert it.is_live
    assert text_of(stopped).startswith(MAY_COME)
    assert (outcome(stopped), state_in(stopped)) == (("failed", "conflict"), "starting")


@pytest.mark.parametrize("status", [409, 423, 425])
@in_virtual_time
async def test_after_a_go_live_that_trax_was_too_busy_for_a_start_may_come(status: int) -> None:
    """Somebody began it on TRaX's own site. For a minute a stop isn't told as done, nor a start."""
    async with in_virtual_world() as it:
        it.trax.world.go_live_seconds = 30
        it.trax.go_live()
        it.trax.faults.add(Fault.error(status, "busy"), path=START)
        await it[MINE].confirmed("go_live")
        looked = await it[MINE].call("check_studio", studioId="studio_42")
        it.trax.faults.add(CONFLICT, path=STOP)
        stopped = await it[MINE].confirmed("go_offline")
        again = await it[MINE].confirmed("go_live")
        await anyio.sleep(30)
        assert it.is_live
    assert '"Friday Night Show" may be starting' in text_of(looked)
    assert text_of(stopped).startswith(MAY_COME)
    assert (error_in(stopped)["code"], state_in(stopped)) == ("conflict", "starting")
    assert not again.is_error  # it is not held back as one that is under way


@in_virtual_time
async def test_a_minute_after_a_refused_go_live_a_stop_is_told_as_done_again() -> None:
    async with in_virtual_world() as it:
        it.trax.faults.add(CONFLICT, path=START)
        await it[MINE].confirmed("go_live")
        await anyio.sleep(61)
        it.trax.faults.add(CONFLICT, path=STOP)
        stopped = await it[MINE].confirmed("go_offline")
    assert text_of(stopped).startswith('"Friday Night Show" is off air already.')


@pytest.mark.parametrize("is_refused", [True, False])
@in_virtual_time
async def test_a_stream_after_a_refused_stop_may_be_one_that_starts(*, is_refused: bool) -> None:
    """TRaX says that it isn't live. After a stop that TRaX accepted, it's what is left of it."""
    async with in_virtual_world() as it:
        it.trax.faults.add(Fault.status(200, STREAM), path="*/stream-status", times=None)
        answer = CONFLICT if is_refused else Fault.status(200, {"ok": True})
        it.trax.faults.add(answer, path=STOP)
        stopped = await it[MINE].confirmed("go_offline")
    told = "It may still be on air: " if is_refused else '"Friday Night Show" is off air.'
    assert text_of(stopped).startswith(told)
    state = "unknown" if is_refused else "off_air"
    assert (stopped.is_error, state_in(stopped)) == (is_refused, state)


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("check_studio", {}),
        ("check_studio", {"studioId": "studio_42"}),
        ("get_stream_status", {"studioId": "studio_42"}),
        ("update_studio", {"studioId": "studio_42", "name": "Late Show"}),
        ("go_live", {"studioId": "studio_42"}),
    ],
    ids=["all studios", "check_studio", "a read", "a change", "a question"],
)
@in_virtual_time
async def test_the_next_call_tells_of_a_stop_that_was_repeated(
    tool: str, arguments: dict[str, object]
) -> None:
    """In both halves of its answer, once, and to its caller alone."""
    async with open_world(MINE, COLLEAGUE, virtual=True) as it:
        await stop_before_it_comes(it)
        await anyio.sleep(20)
        assert not it.is_live
        others = await it[COLLEAGUE].call("check_studio")
        told, again = [await it[MINE].call(tool, **arguments) for _ in range(2)]
    assert text_of(told).startswith(f"Warning: {REPEATED}\n")
    assert data_of(told)["warnings"][0] == REPEATED
    assert REPEATED not in text_of(others) + text_of(again)


async def stop_before_it_comes(it: World) -> None:
    """A start of 20 seconds, and a stop of it after 15, which TRaX takes without doing it."""
    it.trax.world.go_live_seconds = 20
    await it[MINE].confirmed("go_live")
    it.trax.faults.add(Fault.status(200, {"ok": True}), path=STOP)
    stopped = await it[MINE].confirmed("go_offline")
    assert state_in(stopped) == "stopping"
    assert UNTIL in text_of(stopped)
    assert UNTIL in data_of(stopped)["summary"]
