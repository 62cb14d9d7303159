"""A confirmed stop is always sent, and voids all earlier consent to go live."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from tests.support.concurrency import Paused, begin, settle
from tests.support.consent_clients import SECOND_KEY, in_memory, rename_all, status_and_reason
from tests.support.guarded_calls import GO_LIVE, GO_OFFLINE
from tests.support.product.faults import Fault
from tests.support.product.frozen_sandbox import put_on_air
from tests.support.product.sandbox import Sandbox
from tests.support.product.sandbox_accounts import ANOTHER_ACCOUNT
from tests.support.product.virtual_time import in_virtual_time
from tests.support.simulated_person import agreeing
from tests.world.wire import LEGACY, MODERN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.support.simulated_person import Form, FormAnswer

RAN: Final = ("ran", None)
EXPIRED: Final = ("confirmation_invalid", "expired")


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
    "unreadable, broken": unreadable(Fault.status(500)),
    "unreadable, forbidden": unreadable(Fault.error(403, "insufficient_scope")),
    "unreadable, rate limited": unreadable(Fault.error(429, "rate_limited", Retry_After="60")),
    "unreadable, nonsense": unreadable(Fault.status(200, "<html>")),
    "unreadable, silent": unreadable(Fault.silence()),
}


@pytest.mark.parametrize("state", STATES)
@in_virtual_time
async def test_a_confirmed_stop_is_sent_in_every_state(state: str) -> None:
    """By a client without forms, even in human mode, and only once."""
    async with in_memory(TRAX_CONFIRM="human") as clients:
        STATES[state](clients.trax)
        confirmation = await clients.confirmation(GO_OFFLINE)
        assert clients.sent == []
        STATES[state](clients.trax)
        result = await clients.use(GO_OFFLINE, confirmation)
        assert clients.sent == [GO_OFFLINE.sent]
    assert status_and_reason(result) == (
        ("failed", "write_disabled") if state == "writes off" else RAN
    )


@pytest.mark.parametrize("state", ["on air", "writes off", "unreadable, broken"])
@pytest.mark.parametrize(
    ("era", "mode"), [(MODERN, "auto"), (LEGACY, "auto"), (MODERN, "human")], ids=str
)
@in_virtual_time
async def test_a_stop_that_a_person_chose_is_sent_in_every_state(
    *, era: str, mode: str, state: str
) -> None:
    """The form opens even if nothing can be read."""
    async with in_memory(era, TRAX_CONFIRM=mode) as clients:
        clients.person.answer_with(agreeing)
        STATES[state](clients.trax)
        await clients.call(GO_OFFLINE, clients.asking)
        assert clients.sent == [GO_OFFLINE.sent]
    assert len(clients.person.forms) == 1


@pytest.mark.parametrize("state", ["not live", "unreadable, broken"])
@in_virtual_time
async def test_a_stop_with_the_flag_is_sent_in_flag_mode(state: str) -> None:
    """In every state."""
    async with in_memory(TRAX_CONFIRM="flag") as clients:
        STATES[state](clients.trax)
        assert status_and_reason(await clients.call(GO_OFFLINE, confirm=True)) == RAN
        assert clients.sent == [GO_OFFLINE.sent]


async def test_no_change_invalidates_the_confirmation_of_a_stop() -> None:
    """All names and the state change, and nothing can be read."""
    async with in_memory() as clients:
        confirmation = await clients.confirmation(GO_OFFLINE)
        rename_all(clients.trax)
        unreadable(Fault.status(500))(clients.trax)
        result = await clients.use(GO_OFFLINE, confirmation)
        assert clients.sent == [GO_OFFLINE.sent]
    assert status_and_reason(result) == RAN


async def test_a_stop_is_never_answered_with_nothing_to_do() -> None:
    """Two confirmed stops of a studio that is off air are both sent."""
    async with in_memory() as clients:
        assert [status_and_reason(await clients.confirmed(GO_OFFLINE)) for _ in range(2)] == [
            RAN,
            RAN,
        ]
        assert clients.sent == [GO_OFFLINE.sent] * 2


async def test_a_stop_does_not_wait_for_a_go_live_that_is_being_observed() -> None:
    """It ends the observation: the go-live returns that the studio is stopping."""
    held = Paused()
    async with in_memory() as clients:
        observing = partial(clients.trax.faults.add, held.fault, path="*/stream-status")
        clients.trax.faults.add(Fault.followed_by(observing), path="*/go-live")
        async with anyio.create_task_group() as tasks:
            go_live = begin(tasks, partial(clients.confirmed, GO_LIVE))
            await held.arrived()
            stopped = await clients.confirmed(GO_OFFLINE)
        (went_live,) = go_live
        assert clients.sent == [GO_LIVE.sent, GO_OFFLINE.sent]
    assert (status_and_reason(stopped), status_and_reason(went_live)) == (RAN, RAN)
    assert went_live.structured_content["observed"]["state"] == "stopping"
    assert went_live.meta["live.traxstreaming/outcome"] == "stopping"
    assert (stopped.structured_content or {})["observed"]["state"] == "off_air"


async def test_a_stop_invalidates_all_earlier_confirmations_of_a_go_live() -> None:
    """Those of every caller."""
    async with in_memory() as clients:
        first = await clients.confirmation(GO_LIVE)
        second = await clients.confirmation(GO_LIVE, client=clients.other)
        await clients.confirmed(GO_OFFLINE)
        late = await clients.use(GO_LIVE, first)
        later = await clients.use(GO_LIVE, second, client=clients.other)
        assert clients.sent == [GO_OFFLINE.sent]
    assert (status_and_reason(late), status_and_reason(later)) == (EXPIRED, EXPIRED)


async def test_a_stop_keeps_confirmations_of_other_studios() -> None:
    """It only voids those of its own studio."""
    async with in_memory() as clients:
        confirmation = await clients.confirmation(GO_LIVE.other)
        await clients.confirmed(GO_OFFLINE)
        result = await clients.use(GO_LIVE.other, confirmation)
    assert status_and_reason(result) == RAN


async def test_a_stop_invalidates_the_open_form_of_a_go_live(era: str) -> None:
    """The yes comes after the stop, and nothing is sent."""
    async with in_memory(era) as clients:

        async def agreeing_late(form: Form) -> FormAnswer:
            await clients.confirmed(GO_OFFLINE)
            return await agreeing(form)

        clients.person.answer_with(agreeing_late)
        result = await clients.call(GO_LIVE, clients.asking)
        assert clients.sent == [GO_OFFLINE.sent]
    assert status_and_reason(result) == EXPIRED


@pytest.mark.parametrize("mode", ["auto", "flag"])
async def test_a_go_live_that_reads_facts_during_a_stop_is_not_sent(mode: str) -> None:
    """It has consent, by confirmation or by flag."""
    held = Paused()
    evidence: dict[str, object] = {"confirm": True}
    async with in_memory(TRAX_CONFIRM=mode) as clients:
        if mode == "auto":
            evidence["confirmation"] = await clients.confirmation(GO_LIVE)
        clients.trax.faults.add(held.fault, path="*/sources")
        async with anyio.create_task_group() as tasks:
            went_live = begin(tasks, partial(clients.call, GO_LIVE, **evidence))
            await held.arrived()
            if mode == "flag":
                await clients.call(GO_OFFLINE, confirm=True)
            else:
                await clients.confirmed(GO_OFFLINE)
            held.release()
        assert clients.sent == [GO_OFFLINE.sent]
    expected = EXPIRED if mode == "auto" else ("confirmation_required", None)
    assert status_and_reason(went_live[0]) == expected


async def test_a_confirmation_that_is_given_back_is_invalid_after_the_stop() -> None:
    """TRaX refuses a go-live while the stop waits for it, and accepts the stop."""
    async with in_memory() as clients:
        held = Paused(lambda: setattr(clients.trax, "write_enabled", True))
        confirmation = await clients.confirmation(GO_LIVE)
        go_live = partial(clients.use, GO_LIVE, confirmation)
        clients.trax.faults.add(held.fault, path="*/go-live")
        async with anyio.create_task_group() as tasks:
            refused = begin(tasks, go_live)
            await held.arrived()
            stopped = begin(tasks, partial(clients.confirmed, GO_OFFLINE))
            await settle()
            clients.trax.write_enabled = False
            held.release()
        assert (status_and_reason(refused[0]), status_and_reason(stopped[0])) == (
            ("failed", "write_disabled"),
            RAN,
        )
        assert status_and_reason(await go_live()) == EXPIRED
        assert clients.sent == [GO_LIVE.sent, GO_OFFLINE.sent]


@pytest.mark.parametrize("fault", [Fault.dropped(), Fault.status(500)])
async def test_a_stop_with_a_lost_answer_invalidates_earlier_confirmations(fault: Fault) -> None:
    """The stop may be applied, so older consent must not start the stream again."""
    async with in_memory() as clients:
        confirmation = await clients.confirmation(GO_LIVE)
        stop = await clients.confirmation(GO_OFFLINE)
        clients.trax.faults.add(fault, method="POST", path="*/go-offline")
        await clients.use(GO_OFFLINE, stop)
        late = await clients.use(GO_LIVE, confirmation)
        assert status_and_reason(late) == EXPIRED
        assert clients.sent == [GO_OFFLINE.sent]


async def test_a_stop_of_a_stranger_invalidates_no_confirmation() -> None:
    """TRaX refuses a stop by a key of another account. The owner still goes live."""
    async with in_memory() as clients:
        clients.trax.add_key(SECOND_KEY, account=ANOTHER_ACCOUNT, scopes=())
        to_start = await clients.confirmation(GO_LIVE)
        to_stop = await clients.confirmation(GO_OFFLINE, client=clients.other)
        stopped = await clients.use(GO_OFFLINE, to_stop, client=clients.other)
        assert status_and_reason(stopped) == ("failed", "insufficient_scope")
        assert status_and_reason(await clients.use(GO_LIVE, to_start)) == RAN
        assert clients.sent == [GO_OFFLINE.sent, GO_LIVE.sent]
