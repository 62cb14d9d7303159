"""A confirmed stop is always sent, and voids all earlier consent to go live."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from tests.support.concurrency import Paused, begin, settle
from tests.support.guarded_calls import GO_LIVE, GO_OFFLINE
from tests.support.product.faults import Fault
from tests.support.product.frozen_sandbox import put_on_air
from tests.support.product.sandbox import Sandbox
from tests.support.product.sandbox_accounts import ANOTHER_ACCOUNT
from tests.support.product.virtual_time import in_virtual_time
from tests.support.simulated_person import Person, agreeing
from tests.world.answers import RAN, outcome, state_in
from tests.world.wire import LEGACY, MODERN
from tests.world.world import COLLEAGUE, CUSTOMER, MINE, open_world

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.support.simulated_person import Form, FormAnswer

EXPIRED: Final = ("confirmation_invalid", "expired")
BROKEN: Final = "unreadable, broken"


def unreadable(fault: Fault) -> Callable[[Sandbox], None]:
    """No read succeeds until a change has been sent."""

    def put_on_air_unreadable(trax: Sandbox) -> None:
        put_on_air(trax)
        trax.faults.add(Fault.followed_by(trax.faults.clear), method="POST")
        trax.faults.add(fault, times=None, method="GET")

    return put_on_air_unreadable


STATES: Final[Mapping[str, Callable[[Sandbox], None]]] = {
    "on air": put_on_air,
    "starting": Sandbox.go_live,
    "not live": lambda _trax: None,
    "writes off": lambda trax: setattr(trax, "write_enabled", False),
    BROKEN: unreadable(Fault.status(500)),
    "unreadable, forbidden": unreadable(Fault.error(403, "insufficient_scope")),
    "unreadable, rate limited": unreadable(Fault.error(429, "rate_limited", Retry_After="60")),
    "unreadable, nonsense": unreadable(Fault.status(200, "<html>")),
    "unreadable, silent": unreadable(Fault.silence()),
}


@pytest.mark.parametrize("state", STATES)
@in_virtual_time
async def test_a_confirmed_stop_is_sent_in_every_state(state: str) -> None:
    """By a client without forms, even where previews are left out, and only once."""
    async with open_world(MINE, TRAX_ASK="form,panel,page") as it:
        STATES[state](it.trax)
        confirmation = await it[MINE].confirmation(GO_OFFLINE)
        assert it.sent == []
        STATES[state](it.trax)
        result = await it[MINE].use(GO_OFFLINE, confirmation)
        assert it.sent == [GO_OFFLINE.sent]
    assert outcome(result) == (("failed", "write_disabled") if state == "writes off" else RAN)


@pytest.mark.parametrize(
    ("era", "ways"),
    [(MODERN, "form,preview"), (LEGACY, "form,preview"), (MODERN, "form")],
    ids=str,
)
@in_virtual_time
async def test_a_stop_that_a_person_chose_is_sent_if_nothing_can_be_read(
    era: str, ways: str
) -> None:
    """The form opens even then."""
    person = Person(agreeing)
    async with open_world(MINE, era=era, person=person, TRAX_ASK=ways) as it:
        STATES[BROKEN](it.trax)
        await it[MINE].call(GO_OFFLINE)
        assert it.sent == [GO_OFFLINE.sent]
    assert len(person.forms) == 1


@in_virtual_time
async def test_a_stop_with_confirm_alone_is_sent_where_that_is_enough_if_nothing_can_be_read() -> (
    None
):
    async with open_world(MINE, TRAX_ASK="confirm_alone") as it:
        STATES[BROKEN](it.trax)
        assert outcome(await it[MINE].call(GO_OFFLINE, confirm=True)) == RAN
        assert it.sent == [GO_OFFLINE.sent]


async def test_no_change_invalidates_the_confirmation_of_a_stop() -> None:
    """The name and the state change, and nothing can be read."""
    async with open_world(MINE) as it:
        confirmation = await it[MINE].confirmation(GO_OFFLINE)
        it.trax.change("studio_42", name="Another Show")
        STATES[BROKEN](it.trax)
        assert outcome(await it[MINE].use(GO_OFFLINE, confirmation)) == RAN
        assert it.sent == [GO_OFFLINE.sent]


async def test_a_stop_is_never_answered_with_nothing_to_do() -> None:
    """Two confirmed stops of a studio that is off air are both sent."""
    async with open_world(MINE) as it:
        assert [outcome(await it[MINE].confirmed(GO_OFFLINE)) for _ in range(2)] == [RAN, RAN]
        assert it.sent == [GO_OFFLINE.sent] * 2


async def test_a_stop_does_not_wait_for_a_go_live_that_is_being_observed() -> None:
    """It ends the observation: the go-live returns that the studio is stopping.

    So does the stop: nobody has seen the start, which may still come.
    """
    held = Paused()
    async with open_world(MINE) as it:
        observing = partial(it.trax.faults.add, held.fault, path="*/stream-status")
        it.trax.faults.add(Fault.followed_by(observing), path="*/go-live")
        async with anyio.create_task_group() as tasks:
            went_live = begin(tasks, partial(it[MINE].confirmed, GO_LIVE))
            await held.arrived()
            stopped = await it[MINE].confirmed(GO_OFFLINE)
        assert it.sent == [GO_LIVE.sent, GO_OFFLINE.sent]
    assert (state_in(stopped), state_in(went_live[0])) == ("stopping", "stopping")
    assert went_live[0].meta["live.traxstreaming/outcome"] == "stopping"


# What a stop voids


async def test_a_stop_invalidates_all_earlier_confirmations_of_a_go_live() -> None:
    """Those of every caller. Those of other studios stay."""
    async with open_world(MINE, COLLEAGUE) as it:
        first, second = [await it[key].confirmation(GO_LIVE) for key in (MINE, COLLEAGUE)]
        elsewhere = await it[MINE].confirmation(GO_LIVE.other)
        await it[MINE].confirmed(GO_OFFLINE)
        assert outcome(await it[MINE].use(GO_LIVE, first)) == EXPIRED
        assert outcome(await it[COLLEAGUE].use(GO_LIVE, second)) == EXPIRED
        assert it.sent == [GO_OFFLINE.sent]
        assert outcome(await it[MINE].use(GO_LIVE.other, elsewhere)) == RAN


async def test_a_stop_invalidates_the_open_form_of_a_go_live(era: str) -> None:
    """The yes comes after the stop, and nothing is sent."""
    person = Person()
    async with open_world(MINE, era=era) as it:

        async def agreeing_late(form: Form) -> FormAnswer:
            await it[MINE].confirmed(GO_OFFLINE)
            return await agreeing(form)

        person.answer_with(agreeing_late)
        asking = await it.caller(person=person)
        assert outcome(await asking.call(GO_LIVE)) == EXPIRED
        assert it.sent == [GO_OFFLINE.sent]


@pytest.mark.parametrize("ways", ["preview", "confirm_alone"])
async def test_a_go_live_that_reads_facts_during_a_stop_is_not_sent(ways: str) -> None:
    """It has consent, by confirmation or by `confirm` alone."""
    held, evidence = Paused(), {}
    async with open_world(MINE, TRAX_ASK=ways) as it:
        if ways == "preview":
            evidence = {"confirmation": await it[MINE].confirmation(GO_LIVE)}
        it.trax.faults.add(held.fault, path="*/sources")
        async with anyio.create_task_group() as tasks:
            went_live = begin(tasks, partial(it[MINE].call, GO_LIVE, confirm=True, **evidence))
            await held.arrived()
            if ways == "confirm_alone":
                await it[MINE].call(GO_OFFLINE, confirm=True)
            else:
                await it[MINE].confirmed(GO_OFFLINE)
            held.release()
        assert it.sent == [GO_OFFLINE.sent]
    assert outcome(went_live[0]) == (
        EXPIRED if ways == "preview" else ("confirmation_required", None)
    )


async def test_a_confirmation_that_is_given_back_is_invalid_after_the_stop() -> None:
    """TRaX refuses a go-live while the stop waits for it, and accepts the stop."""
    async with open_world(MINE) as it:
        held = Paused(lambda: setattr(it.trax, "write_enabled", True))
        go_live = partial(it[MINE].use, GO_LIVE, await it[MINE].confirmation(GO_LIVE))
        it.trax.faults.add(held.fault, path="*/go-live")
        async with anyio.create_task_group() as tasks:
            refused = begin(tasks, go_live)
            await held.arrived()
            stopped = begin(tasks, partial(it[MINE].confirmed, GO_OFFLINE))
            await settle()
            it.trax.write_enabled = False
            held.release()
        assert outcome(refused[0]) == ("failed", "write_disabled")
        assert outcome(stopped[0]) == RAN
        assert outcome(await go_live()) == EXPIRED
        assert it.sent == [GO_LIVE.sent, GO_OFFLINE.sent]


@pytest.mark.parametrize("fault", [Fault.dropped(), Fault.status(500)], ids=["dropped", "500"])
async def test_a_stop_with_a_lost_answer_invalidates_earlier_confirmations(fault: Fault) -> None:
    """The stop may be applied, so older consent must not start the stream again."""
    async with open_world(MINE) as it:
        confirmation = await it[MINE].confirmation(GO_LIVE)
        it.trax.faults.add(fault, path="*/go-offline")
        await it[MINE].confirmed(GO_OFFLINE)
        assert outcome(await it[MINE].use(GO_LIVE, confirmation)) == EXPIRED
        assert it.sent == [GO_OFFLINE.sent]


async def test_a_stop_of_a_stranger_invalidates_no_confirmation() -> None:
    """TRaX refuses a stop by a key of another account. The owner still goes live."""
    async with open_world(MINE, CUSTOMER) as it:
        it.trax.add_key(CUSTOMER, account=ANOTHER_ACCOUNT, scopes=())
        to_start = await it[MINE].confirmation(GO_LIVE)
        stopped = await it[CUSTOMER].confirmed(GO_OFFLINE)
        assert outcome(stopped) == ("failed", "insufficient_scope")
        assert outcome(await it[MINE].use(GO_LIVE, to_start)) == RAN
        assert it.sent == [GO_OFFLINE.sent, GO_LIVE.sent]
