"""A person's stop reaches TRaX, in whatever state the show is, and is the last word about it.

What counts is what reached the sandbox, and in which order.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from tests.acts import GO_LIVE, GO_OFFLINE
from tests.consent import in_memory, rename_all, told
from tests.meanwhile import Paused, afterwards, begin, settle
from tests.person import agreeing
from tests.witness import put_on_air
from trax_mcp.consent.rules import Mode
from trax_mcp.sandbox import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.person import Form, Said
    from trax_mcp.sandbox import Sandbox

RAN: Final = ("ran", None)
EXPIRED: Final = ("confirmation_invalid", "expired")


def starting(trax: Sandbox) -> None:
    """Somebody has sent a go-live, and TRaX still says that the studio is not live."""
    trax.world.go_live(trax.world.studios["studio_42"])


def blind(fault: Fault) -> Callable[[Sandbox], None]:
    """Nothing can be read until something has been sent."""

    def on_air_and_blind(trax: Sandbox) -> None:
        put_on_air(trax)
        trax.faults.add(afterwards(trax.faults.clear), method="POST")
        trax.faults.add(fault, times=None, method="GET")

    return on_air_and_blind


STATES: Final[Mapping[str, Callable[[Sandbox], None]]] = {
    "on air": put_on_air,
    "starting": starting,
    "not live": lambda _trax: None,
    "writes off": lambda trax: setattr(trax, "write_enabled", False),
    "unreadable, broken": blind(Fault.status(500)),
    "unreadable, forbidden": blind(Fault.error(403, "insufficient_scope")),
    "unreadable, rate limited": blind(Fault.error(429, "rate_limited", Retry_After="60")),
    "unreadable, dropped": blind(Fault.dropped()),
    "unreadable, nonsense": blind(Fault.status(200, "<html>")),
    "unreadable, silent": blind(Fault.silence()),
}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stop waits a tenth of a second for what it would show, and not two."""
    monkeypatch.setattr("trax_mcp.studio.fact_reader.STOP_SECONDS", 0.1)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("mode", [Mode.AUTO, Mode.HUMAN, Mode.PREVIEW])
async def test_a_stop_is_sent_after_its_yes(*, era: str, mode: Mode, state: str) -> None:
    """By a confirmation where nobody can be asked, even where a person must be; and only once."""
    async with in_memory(era, mode=mode) as desk:
        STATES[state](desk.trax)
        confirmation = await desk.confirmation(GO_OFFLINE)
        assert desk.sent == []
        STATES[state](desk.trax)
        result = await desk.call(GO_OFFLINE, confirm=True, confirmation=confirmation)
        assert desk.sent == [GO_OFFLINE.sent]
    assert told(result) == (("failed", "write_disabled") if state == "writes off" else RAN)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("mode", [Mode.AUTO, Mode.HUMAN])
async def test_a_stop_is_sent_after_a_person_chose_it(*, era: str, mode: Mode, state: str) -> None:
    """The form opens whatever can be read, and its choice is enough."""
    async with in_memory(era, mode=mode) as desk:
        desk.person.will(agreeing)
        STATES[state](desk.trax)
        await desk.call(GO_OFFLINE, desk.asking)
        assert desk.sent == [GO_OFFLINE.sent]
    assert len(desk.person.forms) == 1


@pytest.mark.parametrize("state", ["on air", "starting", "not live", "unreadable, broken"])
async def test_a_stop_with_the_flag_is_sent_where_that_is_enough(era: str, state: str) -> None:
    """`TRAX_CONFIRM=flag`."""
    async with in_memory(era, mode=Mode.FLAG) as desk:
        STATES[state](desk.trax)
        assert told(await desk.call(GO_OFFLINE, confirm=True)) == RAN
        assert desk.sent == [GO_OFFLINE.sent]


async def test_nothing_comes_between_a_person_and_the_stop(era: str) -> None:
    """Every name, the state of the show and what can be read of it change between yes and call."""
    async with in_memory(era) as desk:
        confirmation = await desk.confirmation(GO_OFFLINE)
        rename_all(desk.trax)
        blind(Fault.status(500))(desk.trax)
        result = await desk.call(GO_OFFLINE, confirm=True, confirmation=confirmation)
        assert desk.sent == [GO_OFFLINE.sent]
    assert told(result) == RAN


async def test_a_stop_is_never_answered_with_nothing_to_do(era: str) -> None:
    """Twice in a row, on a studio that is off air: each has its yes and each is sent."""
    async with in_memory(era) as desk:
        assert [told(await desk.confirmed(GO_OFFLINE)) for _ in range(2)] == [RAN, RAN]
        assert desk.sent == [GO_OFFLINE.sent] * 2


async def test_a_stop_does_not_queue_behind_a_go_live_that_is_only_being_watched(era: str) -> None:
    """It ends the watch: the go-live says that the studio is stopping."""
    held = Paused()
    async with in_memory(era) as desk:
        watching = partial(desk.trax.faults.add, held.fault, path="*/stream-status")
        desk.trax.faults.add(afterwards(watching), path="*/go-live")
        async with anyio.create_task_group() as tasks:
            going = begin(tasks, partial(desk.confirmed, GO_LIVE))
            await held.arrived()
            stopped = await desk.confirmed(GO_OFFLINE)
        (went_live,) = going
        assert desk.sent == [GO_LIVE.sent, GO_OFFLINE.sent]
    assert (told(stopped), told(went_live)) == (RAN, RAN)
    assert went_live.structured_content["observed"]["state"] == "stopping"
    assert went_live.meta["live.traxstreaming/outcome"] == "stopping"
    assert (stopped.structured_content or {})["observed"]["state"] == "off_air"


async def test_a_stop_waits_for_a_go_live_that_is_being_sent(era: str) -> None:
    """Overtaking it could leave the studio on air: TRaX would hear of the start last."""
    held = Paused()
    async with in_memory(era) as desk:
        desk.trax.faults.add(held.fault, path="*/go-live")
        async with anyio.create_task_group() as tasks:
            begin(tasks, partial(desk.confirmed, GO_LIVE))
            await held.arrived()
            stopped = begin(tasks, partial(desk.confirmed, GO_OFFLINE))
            await settle()
            assert desk.sent == [GO_LIVE.sent]
            held.release()
        assert desk.sent == [GO_LIVE.sent, GO_OFFLINE.sent]
        assert not desk.trax.world.streams["studio_42"].running
    assert told(stopped[0]) == RAN


async def test_a_yes_from_before_the_stop_does_not_go_live_after_it(era: str) -> None:
    """Whoever had it: every confirmation to go live is void."""
    async with in_memory(era) as desk:
        mine = await desk.confirmation(GO_LIVE)
        theirs = await desk.confirmation(GO_LIVE, client=desk.other)
        await desk.confirmed(GO_OFFLINE)
        late = await desk.call(GO_LIVE, confirm=True, confirmation=mine)
        later = await desk.call(GO_LIVE, desk.other, confirm=True, confirmation=theirs)
        assert desk.sent == [GO_OFFLINE.sent]
    assert (told(late), told(later)) == (EXPIRED, EXPIRED)


async def test_a_yes_to_another_studio_outlives_the_stop(era: str) -> None:
    """It is the last word about its own studio only."""
    async with in_memory(era) as desk:
        confirmation = await desk.confirmation(GO_LIVE.other)
        await desk.confirmed(GO_OFFLINE)
        result = await desk.call(GO_LIVE.other, confirm=True, confirmation=confirmation)
    assert told(result) == RAN


async def test_a_person_who_is_asked_during_the_stop_does_not_go_live(era: str) -> None:
    """Somebody else was quicker with the stop: the form's yes is void."""
    async with in_memory(era) as desk:

        async def agreeing_late(form: Form) -> Said:
            await desk.confirmed(GO_OFFLINE)
            return await agreeing(form)

        desk.person.will(agreeing_late)
        result = await desk.call(GO_LIVE, desk.asking)
        assert desk.sent == [GO_OFFLINE.sent]
    assert told(result) == EXPIRED


async def test_a_go_live_that_comes_with_its_yes_during_the_stop_does_not_follow_it(
    era: str,
) -> None:
    """The stop is being sent; the yes was given before."""
    held = Paused()
    async with in_memory(era) as desk:
        confirmation = await desk.confirmation(GO_LIVE)
        desk.trax.faults.add(held.fault, path="*/go-offline")
        async with anyio.create_task_group() as tasks:
            begin(tasks, partial(desk.confirmed, GO_OFFLINE))
            await held.arrived()
            going = partial(desk.call, GO_LIVE, confirm=True, confirmation=confirmation)
            went_live = begin(tasks, going)
            await settle()
            held.release()
        assert desk.sent == [GO_OFFLINE.sent]
    assert told(went_live[0]) == EXPIRED


@pytest.mark.parametrize("mode", [Mode.AUTO, Mode.FLAG])
async def test_a_go_live_that_is_still_looking_when_the_stop_comes_is_not_sent(
    era: str, mode: Mode
) -> None:
    """It had its yes, even where the flag is enough, and comes too late with it."""
    held = Paused()
    evidence: dict[str, object] = {"confirm": True}
    async with in_memory(era, mode=mode) as desk:
        if mode is Mode.AUTO:
            evidence["confirmation"] = await desk.confirmation(GO_LIVE)
        desk.trax.faults.add(held.fault, path="*/sources")
        async with anyio.create_task_group() as tasks:
            went_live = begin(tasks, partial(desk.call, GO_LIVE, **evidence))
            await held.arrived()
            if mode is Mode.FLAG:
                await desk.call(GO_OFFLINE, confirm=True)
            else:
                await desk.confirmed(GO_OFFLINE)
            held.release()
        assert desk.sent == [GO_OFFLINE.sent]
    expected = EXPIRED if mode is Mode.AUTO else ("confirmation_required", None)
    assert told(went_live[0]) == expected


async def test_a_yes_that_is_given_back_is_void_after_the_stop(era: str) -> None:
    """A go-live is refused while the stop waits for it, and the stop is not."""
    async with in_memory(era) as desk:
        held = Paused(lambda: setattr(desk.trax, "write_enabled", True))
        confirmation = await desk.confirmation(GO_LIVE)
        going = partial(desk.call, GO_LIVE, confirm=True, confirmation=confirmation)
        desk.trax.faults.add(held.fault, path="*/go-live")
        async with anyio.create_task_group() as tasks:
            refused = begin(tasks, going)
            await held.arrived()
            stopped = begin(tasks, partial(desk.confirmed, GO_OFFLINE))
            await settle()
            desk.trax.write_enabled = False
            held.release()
        assert (told(refused[0]), told(stopped[0])) == (("failed", "write_disabled"), RAN)
        assert told(await going()) == EXPIRED
        assert desk.sent == [GO_LIVE.sent, GO_OFFLINE.sent]


@pytest.mark.parametrize("fault", [Fault.dropped(), Fault.status(500), Fault.status(504)])
async def test_a_yes_from_before_a_stop_whose_answer_was_lost_does_not_go_live(
    era: str, fault: Fault
) -> None:
    """The stop may have happened: whoever stopped must not be back on air by an older yes."""
    async with in_memory(era) as desk:
        confirmation = await desk.confirmation(GO_LIVE)
        stop = await desk.confirmation(GO_OFFLINE)
        desk.trax.faults.add(fault, method="POST", path="*/go-offline")
        await desk.call(GO_OFFLINE, confirm=True, confirmation=stop)
        late = await desk.call(GO_LIVE, confirm=True, confirmation=confirmation)
        assert told(late) == EXPIRED
        assert desk.sent == [GO_OFFLINE.sent]
