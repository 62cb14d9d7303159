"""A replica is killed, or sleeps, in the middle of a call: the other one goes on."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import anyio
import httpx
import pytest
from redis import Redis

from proof.replicas.engine_proxy import engine_proxy
from proof.replicas.faulty_engine import nothing_said
from proof.replicas.presses import (
    EXPIRED,
    RAN,
    USED,
    Outcome,
    answer,
    consent,
    outcome,
    press,
    preview,
    until,
)
from tests.support import store_steps
from tests.support.consent_clients import SECOND_KEY
from tests.support.product.faults import Fault
from tests.support.guarded_calls import GO_LIVE, GO_OFFLINE
from tests.support.server_process import PATIENCE_SECONDS
from trax_mcp.clock import Clock
from trax_mcp.consent.evidence import Confirmation
from trax_mcp.consent.store import Started
from trax_mcp.replicas.consent_store import SharedStore
from trax_mcp.replicas.engine import Engine
from trax_mcp.replicas.heartbeat import Heartbeat

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from proof.replicas.engine_proxy import Moment
    from proof.replicas.replica_setup import Replicas
    from proof.replicas.throwaway_engine import ThrowawayEngine
    from tests.support.jsonrpc import HttpCaller

NOT_KNOWN_SECONDS: Final = 3.0
STOP_SECONDS: Final = 2.5
ASLEEP_SECONDS: Final = 3.0
NOT_KNOWN: Final = "whether the call ran is not known"
FACTS, CALL, STATUS = "*/destinations", "*/go-live", "*/stream-status"


async def press_in_vain(caller: HttpCaller, confirmation: str) -> None:
    """Press a yes on a replica that will be killed."""
    with suppress(httpx.HTTPError):
        await answer(caller, GO_LIVE, confirmation)


async def seen_as_not_known(caller: HttpCaller, confirmation: str) -> bool:
    """Press a yes of which it is not known whether it ran. Whether the answer says so."""
    result = await answer(caller, GO_LIVE, confirmation)
    assert outcome(result) == USED
    return NOT_KNOWN in result["content"][0]["text"]


@pytest.mark.parametrize(
    "held",
    [Fault.silence(), Fault.silence(when="after")],
    ids=["while it sends", "after TRaX accepted"],
)
async def test_a_call_of_a_killed_replica_is_not_known_and_never_runs_again(
    replicas: Replicas, held: Fault
) -> None:
    """The other replica says so within 3 s, and a stop there is sent within 2.5 s."""
    a = await replicas.caller(replicas.a)
    b = await replicas.caller(replicas.b, key=SECOND_KEY)
    same = await replicas.caller(replicas.b)
    confirmation, stop = await preview(a, GO_LIVE), await preview(b, GO_OFFLINE)
    replicas.trax.faults.add(held, path=CALL)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(press_in_vain, a, confirmation)
        await until(lambda: replicas.changes[GO_LIVE.sent])
        replicas.a.kill()
        began = time.monotonic()
        tasks.start_soon(press, b, GO_OFFLINE, stop)
        await until(lambda: replicas.changes[GO_OFFLINE.sent])
        assert time.monotonic() - began < STOP_SECONDS
        while not await seen_as_not_known(same, confirmation):
            assert time.monotonic() - began < NOT_KNOWN_SECONDS
    assert await press(same, GO_LIVE, confirmation) == USED
    assert replicas.changes[GO_LIVE.sent] == 1
    assert await consent(same, GO_OFFLINE) == RAN
    assert not any(it.running for it in replicas.trax.world.streams.values())


async def test_a_replica_that_is_killed_before_a_call_begins_leaves_the_yes_to_others(
    replicas: Replicas,
) -> None:
    a, b = [await replicas.caller(it) for it in replicas.both]
    confirmation = await preview(a, GO_LIVE)
    facts = replicas.received
    replicas.trax.faults.add(Fault.silence(), path=FACTS)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(press_in_vain, a, confirmation)
        await until(lambda: (replicas.received - facts)["GET /v1/studios/studio_42/destinations"])
        replicas.a.kill()
    assert await press(b, GO_LIVE, confirmation) == RAN
    assert replicas.changes[GO_LIVE.sent] == 1


async def test_a_replica_that_is_killed_before_it_records_leaves_the_yes_used(
    replicas: Replicas,
) -> None:
    """It was observing its go-live, whose answer had come."""
    a, b = [await replicas.caller(it) for it in replicas.both]
    confirmation = await preview(a, GO_LIVE)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(press_in_vain, a, confirmation)
        await until(lambda: replicas.changes[GO_LIVE.sent])
        await until(lambda: replicas.trax.requests[-1].path.endswith("/stream-status"))
        replicas.a.kill()
        began = time.monotonic()
    while not await seen_as_not_known(b, confirmation):
        assert time.monotonic() - began < NOT_KNOWN_SECONDS
    assert await press(b, GO_LIVE, confirmation) == USED
    assert replicas.changes[GO_LIVE.sent] == 1


async def test_a_go_live_of_a_lost_replica_by_a_key_unknown_in_the_studio_holds_no_stop_up(
    engine: ThrowawayEngine,
) -> None:
    """TRaX has accepted its key elsewhere only, so the go-live took its turn apart from others."""
    guest = replace(store_steps.ME, caller="fingerprint-of-a-guest", has_access=False)
    async with SharedStore(Engine(engine.url), Clock()).running() as staying:
        async with SharedStore(Engine(engine.url), Clock()).running() as dying:
            start = await store_steps.begin(dying, store_steps.GO_LIVE, place=guest)
        stop = await store_steps.begin(staying, store_steps.GO_OFFLINE)
        stop = await staying.note_overlap(stop)
        assert stop.overlapping_go_lives == (start.number,)
        with anyio.fail_after(PATIENCE_SECONDS):
            assert not await staying.go_live_may_follow(stop)


async def test_a_go_live_of_a_lost_replica_whose_caller_has_stopped_elsewhere_holds_no_stop_up(
    engine: ThrowawayEngine,
) -> None:
    """That stop came while the go-live was being sent."""
    guest = replace(store_steps.ME, caller="fingerprint-of-a-guest", has_access=False)
    async with SharedStore(Engine(engine.url), Clock()).running() as staying:
        async with SharedStore(Engine(engine.url), Clock()).running() as dying:
            start = await store_steps.begin(dying, store_steps.GO_LIVE, place=guest)
            await store_steps.begin(staying, store_steps.GO_OFFLINE, place=guest)
        stop = await store_steps.begin(staying, store_steps.GO_OFFLINE)
        stop = await staying.note_overlap(stop)
        assert stop.overlapping_go_lives == (start.number,)
        with anyio.fail_after(PATIENCE_SECONDS):
            assert not await staying.go_live_may_follow(stop)


def stand_still(engine: ThrowawayEngine) -> None:
    """Stop this whole process, as a machine does that sleeps, until the engine hears nobody."""
    end = time.monotonic() + PATIENCE_SECONDS
    with Redis.from_url(engine.url) as client:
        while client.keys("*alive*"):
            assert time.monotonic() < end


@pytest.mark.parametrize("is_asking", [False, True], ids=["before it asks", "while it asks"])
async def test_nobody_is_lost_because_all_stood_still(
    engine: ThrowawayEngine, monkeypatch: pytest.MonkeyPatch, *, is_asking: bool
) -> None:
    """A stop that comes before all are heard again still waits for a go-live under way."""
    engine_of_one, engine_of_other = Engine(engine.url), Engine(engine.url)

    async def stand_still_and_ask(names: Sequence[str]) -> list[bool]:
        stand_still(engine)
        return await Engine.are_alive(engine_of_one, names)

    async with (
        SharedStore(engine_of_one, Clock()).running() as one,
        SharedStore(engine_of_other, Clock()).running() as other,
    ):
        async with SharedStore(Engine(engine.url), Clock()).running() as dying:
            await store_steps.begin(dying, store_steps.GO_LIVE)
        with anyio.fail_after(PATIENCE_SECONDS):
            await one.wait_for_go_live(store_steps.ME)  # from here on it notices who is lost
        go_live = await store_steps.begin(other, store_steps.GO_LIVE)
        monkeypatch.setattr(engine_of_other, "announce", nothing_said)
        if is_asking:
            monkeypatch.setattr(engine_of_one, "are_alive", stand_still_and_ask)
        else:
            stand_still(engine)
        stop = await one.note_overlap(await store_steps.begin(one, store_steps.GO_OFFLINE))
        assert stop.overlapping_go_lives == (go_live.number,)


async def test_a_stop_of_a_replica_that_was_taken_for_gone_begins_again_before_it_is_sent(
    engine: ThrowawayEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So no go-live begins meanwhile. If TRaX refuses the stop, its yes stays good."""
    async with (
        SharedStore(Engine(engine.url), Clock()).running() as one,
        SharedStore(Engine(engine.url), Clock()).running() as late,
    ):
        stop_it = store_steps.GO_OFFLINE
        yes = (await store_steps.add(late, stop_it)).id
        seen = await late.look(store_steps.ME, yes, stop_it)
        stop = await late.begin(stop_it, confirmation_id=yes, seen=seen)
        assert isinstance(stop, Started)

        async def all_others(self: Heartbeat, replicas: Collection[str]) -> frozenset[str]:
            return frozenset(replicas) - {self.replica, ""}

        with monkeypatch.context() as patched:
            patched.setattr(Heartbeat, "gone", all_others)
            await store_steps.look(one)
        again = await late.note_overlap(stop)
        assert again.number > stop.number
        assert await late.note_overlap(again) == again
        await store_steps.finish(late, again, "not_applied")
        seen = await one.look(store_steps.ME, yes, stop_it)
        assert isinstance(seen.confirmation, Confirmation)


BEGIN, FINISH, RECORD = 1, 2, 3
"""The writes of a go-live, in order."""


@pytest.mark.parametrize(
    ("write", "moment", "sent"),
    [
        (BEGIN, "after", 0),
        (FINISH, "before", 1),
        (FINISH, "after", 1),
        (RECORD, "before", 1),
    ],
    ids=["begun, not sent", "sent, not finished", "finished, not observed", "not recorded"],
)
async def test_a_replica_that_is_killed_between_two_steps_leaves_a_call_that_is_not_known(
    replicas: Replicas, monkeypatch: pytest.MonkeyPatch, write: int, moment: Moment, sent: int
) -> None:
    """The other replica says so within 3 s, never sends it, and answers a stop within 2.5 s."""
    monkeypatch.setattr("trax_mcp.sandbox.stream_run.GO_LIVE_SECONDS", 0.0)
    monkeypatch.setattr("trax_mcp.sandbox.stream_run.GO_OFFLINE_SECONDS", 0.0)
    async with engine_proxy(replicas.engine) as proxy:
        dying = await replicas.start(TRAX_STORE_URL=proxy.url)
        a, same = await replicas.caller(dying), await replicas.caller(replicas.b)
        b = await replicas.caller(replicas.b, key=SECOND_KEY)
        confirmation, stop = await preview(a, GO_LIVE), await preview(b, GO_OFFLINE)
        proxy.hold(write, moment)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(press_in_vain, a, confirmation)
            await proxy.is_held()
            dying.kill()
        assert replicas.changes[GO_LIVE.sent] == sent
        began = time.monotonic()
        answers: list[Outcome] = []

        async def press_stop() -> None:
            answers.append(await press(b, GO_OFFLINE, stop))
            assert time.monotonic() - began < STOP_SECONDS

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(press_stop)
            while not await seen_as_not_known(same, confirmation):
                assert time.monotonic() - began < NOT_KNOWN_SECONDS
        assert answers == [RAN]
        assert await press(same, GO_LIVE, confirmation) == USED
    assert replicas.changes[GO_LIVE.sent] == sent
    assert not any(it.running for it in replicas.trax.world.streams.values())


async def test_a_replica_that_is_killed_just_before_a_call_begins_leaves_the_yes_to_others(
    replicas: Replicas,
) -> None:
    async with engine_proxy(replicas.engine) as proxy:
        dying = await replicas.start(TRAX_STORE_URL=proxy.url)
        a, b = await replicas.caller(dying), await replicas.caller(replicas.b)
        confirmation = await preview(a, GO_LIVE)
        proxy.hold(BEGIN, "before")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(press_in_vain, a, confirmation)
            await proxy.is_held()
            dying.kill()
        assert replicas.changes[GO_LIVE.sent] == 0
        assert await press(b, GO_LIVE, confirmation) == RAN
    assert replicas.changes[GO_LIVE.sent] == 1


async def test_a_replica_that_sleeps_while_it_sends_loses_its_turn_and_ends_nothing_of_others(
    replicas: Replicas,
) -> None:
    """Its yes stays used. What it learns after its sleep starts nothing, and hinders no start."""
    a, b = [await replicas.caller(it) for it in replicas.both]
    confirmation, held = await preview(a, GO_LIVE), anyio.Event()
    replicas.trax.faults.add(Fault.delay(held, when="after"), path=CALL)
    results = []

    async def press_at_a() -> None:
        results.append(await answer(a, GO_LIVE, confirmation))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(press_at_a)
        await until(lambda: replicas.changes[GO_LIVE.sent])
        replicas.a.suspend()
        await anyio.sleep(ASLEEP_SECONDS)  # its heartbeat must be over
        began = time.monotonic()
        assert await consent(b, GO_OFFLINE) == RAN
        assert time.monotonic() - began < STOP_SECONDS + 2 * 1.0  # it is seen off the air
        assert await press(b, GO_LIVE, confirmation) == USED
        replicas.a.resume()
        held.set()
    assert results[0]["structuredContent"]["observed"]["state"] == "stopping"
    assert await press(b, GO_LIVE, confirmation) == USED
    await preview(b, GO_LIVE)
    assert replicas.changes[GO_LIVE.sent] == 1
    assert not any(it.running for it in replicas.trax.world.streams.values())


async def test_a_replica_that_sleeps_before_a_stop_does_not_start_after_it(
    replicas: Replicas,
) -> None:
    """It was reading facts for a go-live. A stop has come past the yes meanwhile."""
    a, b = [await replicas.caller(it) for it in replicas.both]
    confirmation = await preview(a, GO_LIVE)
    held, results = anyio.Event(), list[Outcome]()
    facts = replicas.received
    replicas.trax.faults.add(Fault.delay(held), path=FACTS)

    async def press_at_a() -> None:
        results.append(await press(a, GO_LIVE, confirmation))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(press_at_a)
        await until(lambda: (replicas.received - facts)["GET /v1/studios/studio_42/destinations"])
        replicas.a.suspend()
        assert await consent(b, GO_OFFLINE) == RAN
        held.set()
        await anyio.sleep(ASLEEP_SECONDS)
        replicas.a.resume()
    assert results == [EXPIRED]
    assert replicas.changes[GO_LIVE.sent] == 0
