"""An approval that is given at one replica and used at several: the call runs exactly once."""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest

from proof.replicas.replicas import (
    EXPIRED,
    ON_AIR,
    USED,
    at_both,
    consent,
    in_new_studio,
    replicas_on,
    until,
)
from tests.support.concurrency import Paused
from tests.support.guarded_calls import AUTO_GO_LIVE, GO_LIVE, GO_OFFLINE, GUARDED_OPERATIONS
from tests.support.product.faults import Fault
from tests.support.simulated_person import Person, agreeing, choices, chosen, yes_to
from tests.world.answers import RAN, outcome, state_in
from tests.world.wire import LEGACY
from tests.world.world import COLLEAGUE, Over

if TYPE_CHECKING:
    from mcp_types import InputResponses

    from proof.replicas.throwaway_engine import ThrowawayEngine
    from tests.support.simulated_person import Form, FormAnswer

CHANGES: Final = 80
STUDIOS: Final = 8
GO_LIVES: Final = 20
AT_ONCE: Final = 10
OF_ITSELF: Final = '"Friday Night Show" can go live again on its own: that was turned on here.'

pytestmark = pytest.mark.usefixtures("on_air_at_once")


async def test_approvals_that_are_used_at_both_at_once_run_exactly_once_each(
    engine: ThrowawayEngine,
) -> None:
    """Changes in a few studios, so that they also wait for one another; go-lives in many."""
    async with replicas_on(engine, over=Over.PROCESS) as it:
        both = await at_both(it)
        change = GUARDED_OPERATIONS["update_destination, streamKey"]
        changed = [in_new_studio(it, change) for _ in range(STUDIOS)]
        calls = [changed[number % STUDIOS] for number in range(CHANGES)]
        calls += [in_new_studio(it, GO_LIVE) for _ in range(GO_LIVES)]
        waiting, outcomes = enumerate(calls), Counter[Any]()

        async def use_the_next() -> None:
            for number, operation in waiting:
                confirmation = await both[number % 2].confirmation(operation)
                used = (caller.use(operation, confirmation) for caller in both)
                outcomes[frozenset(map(outcome, await asyncio.gather(*used)))] += 1

        await asyncio.gather(*(use_the_next() for _ in range(AT_ONCE)))
        assert outcomes == {frozenset((USED, RAN)): len(calls)}
        assert Counter(it.sent) == Counter(operation.sent for operation in calls)


async def test_an_approval_that_a_rate_limit_gave_back_runs_once_at_either(
    engine: ThrowawayEngine,
) -> None:
    """TRaX refused it at one, and nothing was done. Then both use it at once."""
    async with replicas_on(engine) as it:
        both = await at_both(it)
        confirmation = await both[0].confirmation(GO_LIVE)
        it.trax.faults.add(Fault.error(429, "rate_limited", Retry_After="1"), path="*/go-live")
        assert outcome(await both[0].use(GO_LIVE, confirmation)) == ("failed", "rate_limited")
        used = (caller.use(GO_LIVE, confirmation) for caller in both)
        assert {outcome(result) for result in await asyncio.gather(*used)} == {RAN, USED}
        assert it.sent == [GO_LIVE.sent] * 2


async def test_a_form_that_one_replica_asked_is_answered_at_another(
    engine: ThrowawayEngine,
) -> None:
    """In the later era, on both at once: it runs once."""
    async with replicas_on(engine) as it:
        both = [await it.caller(person=Person(), at=at) for at in (0, 1)]
        asked = await both[0].question(GO_LIVE)
        answers: InputResponses = dict.fromkeys(asked.input_requests or {}, yes_to(asked))
        told = (caller.answer(GO_LIVE, asked.request_state, answers) for caller in both)
        assert {outcome(result) for result in await asyncio.gather(*told)} == {RAN, USED}
        assert it.sent == [GO_LIVE.sent]


async def test_a_stop_at_one_replica_voids_the_form_that_another_shows(
    engine: ThrowawayEngine,
) -> None:
    """In the earlier era the form belongs to the session, and so to its replica."""
    async with replicas_on(engine) as it:
        other = await it.caller(COLLEAGUE, at=1)

        async def stop_then_agree(form: Form) -> FormAnswer:
            assert await consent(other, GO_OFFLINE) == RAN
            return chosen(choices(form)[0])

        person = Person(stop_then_agree)
        asking = await it.caller(era=LEGACY, person=person)
        assert outcome(await asking.call(GO_LIVE)) == EXPIRED
        assert it.sent == [GO_OFFLINE.sent]
        person.answer_with(agreeing)
        assert outcome(await asking.call(GO_LIVE)) == RAN


async def test_a_go_live_is_pending_for_all_replicas(engine: ThrowawayEngine) -> None:
    """It was sent, and has not been seen on air: another one is not needed."""
    async with replicas_on(engine) as it:
        a, b = await at_both(it)
        confirmation, other = await a.confirmation(GO_LIVE), await b.confirmation(GO_LIVE)
        unseen, faults = Fault.error(404, "not_found"), it.trax.faults
        hide = partial(faults.add, unseen, path="*/stream-status", times=None)
        faults.add(Fault.followed_by(hide), path="*/go-live")
        assert outcome(await a.use(GO_LIVE, confirmation)) == RAN
        faults.clear()
        it.trax.go_offline("studio_42")
        assert outcome(await b.use(GO_LIVE, other)) == ON_AIR
        assert it.sent == [GO_LIVE.sent]


async def test_a_stop_at_one_replica_ends_the_observation_of_a_go_live_at_another(
    engine: ThrowawayEngine,
) -> None:
    """It was not seen on air yet, and would be observed for 15 s."""
    async with replicas_on(engine) as it:
        a, b = await it.caller(), await it.caller(COLLEAGUE, at=1)
        confirmation, stop = await a.confirmation(GO_LIVE), await b.confirmation(GO_OFFLINE)
        not_live = Fault.status(200, {"live": False})
        it.trax.faults.add(not_live, path="*/stream-status", times=None)
        started = a.start(GO_LIVE, confirm=True, confirmation=confirmation)
        await until(lambda: it.sent)
        assert outcome(await b.use(GO_OFFLINE, stop)) == RAN
        assert state_in(await started.result()) == "stopping"


async def test_auto_go_live_that_one_replica_turned_on_is_known_to_the_other(
    engine: ThrowawayEngine,
) -> None:
    """So a question about a stop there says that the studio may go live by itself."""
    async with replicas_on(engine) as it:
        a, b = await at_both(it)
        assert OF_ITSELF not in (await b.preview(GO_OFFLINE))["preview"]["warnings"]
        assert await consent(a, AUTO_GO_LIVE) == RAN
        assert OF_ITSELF in (await b.preview(GO_OFFLINE))["preview"]["warnings"]
        assert outcome(await b.call(AUTO_GO_LIVE, autoGoLive=False)) == RAN
        assert OF_ITSELF not in (await a.preview(GO_OFFLINE))["preview"]["warnings"]


async def test_a_studio_is_off_air_after_a_stop_that_a_slow_go_live_at_another_replica_follows(
    engine: ThrowawayEngine,
) -> None:
    """The stop does not wait for it for long. TRaX receives the go-live after the first stop."""
    held = Paused()
    async with replicas_on(engine) as it:
        host, other = await it.caller(), await it.caller(COLLEAGUE, at=1)
        start, stop = await host.confirmation(GO_LIVE), await other.confirmation(GO_OFFLINE)
        it.trax.faults.add(held.fault, path="*/go-live")
        calls = [host.start(GO_LIVE, confirm=True, confirmation=start)]
        await held.arrived()
        calls.append(other.start(GO_OFFLINE, confirm=True, confirmation=stop))
        await until(lambda: GO_OFFLINE.sent in it.sent)
        held.release()
        for call in calls:
            await call.result()
        assert it.sent.count(GO_OFFLINE.sent) == 2
        assert not it.is_live
