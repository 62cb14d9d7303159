"""TRaX's rate limit refuses an approved call before anything is done: no approval is lost by it.

A preview's confirmation stays good. For a person's answer the call waits at most ten seconds, and
looks again before it sends. In virtual time, but where sockets or processes are needed.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from tests.consent.several_changes import SENT, THREE, TWITCH_ONLY, outcomes
from tests.support.guarded_calls import DELETE_SOURCE, GO_LIVE, YES
from tests.support.product.faults import Fault
from tests.support.product.virtual_time import in_virtual_time
from tests.support.simulated_person import Person, agreeing
from tests.world.answers import RAN, error_in, has_run, outcome, text_of
from tests.world.panel import open_panel
from tests.world.world import COLLEAGUE, MINE, Over, open_world

if TYPE_CHECKING:
    import mcp_types as types

    from tests.support.guarded_calls import GuardedOperation
    from tests.support.simulated_person import Form, FormAnswer

RATE_LIMITED: Final = ("failed", "rate_limited")
USED: Final = ("confirmation_invalid", "used")
EXPIRED: Final = ("confirmation_invalid", "expired")
NOTHING_DONE: Final = (
    'TRaX is rate limiting this API key (TRaX says: "Scripted."). Nothing changed. '
)
STILL_GOOD: Final = "The same `confirmation` still works until it expires."
ASKED_AGAIN: Final = "The user will be asked again."
READING_SECONDS: Final = 2.0

in_virtual_world: Final = partial(open_world, MINE, virtual=True)


def limited(seconds: float | None = None) -> Fault:
    """TRaX has too many requests, and says for how long if it is said here."""
    headers = {} if seconds is None else {"Retry_After": f"{seconds}"}
    return Fault.error(429, "rate_limited", **headers)


async def agreeing_slowly(form: Form) -> FormAnswer:
    """Read the form, and choose yes."""
    await anyio.sleep(READING_SECONDS)
    return await agreeing(form)


def said(result: types.CallToolResult) -> str:
    """The message of a call that failed for the rate limit."""
    error = error_in(result)
    assert (error["code"], error["outcome"]) == ("rate_limited", "not_applied")
    return str(error["message"])


# A preview


@pytest.mark.parametrize(
    ("call", "sent"),
    [(GO_LIVE, [GO_LIVE.sent]), (DELETE_SOURCE, [DELETE_SOURCE.sent]), (THREE, SENT)],
    ids=["go_live", "delete_source", "apply_changes"],
)
@in_virtual_time
async def test_a_confirmation_stays_good_and_then_runs_the_call_once(
    call: GuardedOperation, sent: list[str]
) -> None:
    """At any replica. Nothing waits: the model calls again, which can be much later."""
    async with in_virtual_world(replicas=2) as it:
        other = await it.caller(at=1)
        yes, began = await it[MINE].confirmation(call), anyio.current_time()
        it.trax.faults.add(limited(30), path=f"*{sent[0].partition('/v1')[2]}")
        refused = await it[MINE].use(call, yes)
        assert said(refused) == f"{NOTHING_DONE}Call again in 30 s. {STILL_GOOD}"
        assert anyio.current_time() == began
        await anyio.sleep(200)
        assert outcome(await other.use(call, yes)) == RAN
        assert outcome(await it[MINE].use(call, yes)) == USED
        assert it.sent == [sent[0], *sent]


@in_virtual_time
async def test_a_confirmation_is_not_good_for_longer_by_a_rate_limit() -> None:
    """Nor after a stop."""
    async with in_virtual_world() as it:
        for voided_by in (it[MINE].confirmed("go_offline"), anyio.sleep(300)):
            yes = await it[MINE].confirmation(GO_LIVE)
            it.trax.faults.add(limited(30), path="*/go-live")
            assert outcome(await it[MINE].use(GO_LIVE, yes)) == RATE_LIMITED
            await voided_by
            assert outcome(await it[MINE].use(GO_LIVE, yes)) == EXPIRED
        assert it.times_of("/go-live") == [5.0, 10.0]


# A form, a panel, the page


@pytest.mark.parametrize(
    ("call", "sent"), [(GO_LIVE, [GO_LIVE.sent]), (THREE, SENT)], ids=["go_live", "apply_changes"]
)
@pytest.mark.parametrize(
    ("retry_after", "waited"), [(None, 2), (0, 0), (10, 10)], ids=["unsaid", "0 s", "10 s"]
)
@in_virtual_time
async def test_a_call_that_a_form_approved_waits_and_is_sent(
    era: str, call: GuardedOperation, sent: list[str], retry_after: float | None, waited: float
) -> None:
    """The person is asked once."""
    person = Person(agreeing_slowly)
    async with in_virtual_world(era=era, person=person) as it:
        it.trax.faults.add(limited(retry_after), path=f"*{sent[0].partition('/v1')[2]}")
        assert outcome(await it[MINE].call(call)) == RAN
        assert it.sent == [sent[0], *sent]
        assert [at for at, _ in it.arrived][:2] == [READING_SECONDS, READING_SECONDS + waited]
    assert len(person.forms) == 1


@in_virtual_time
async def test_a_press_in_a_panel_waits_and_is_sent() -> None:
    """A second press meanwhile sends nothing more."""
    async with in_virtual_world(apps=True) as it:
        panel = await open_panel(it[MINE], GO_LIVE)
        await panel.look()
        await anyio.sleep(READING_SECONDS)
        it.trax.faults.add(limited(5), path="*/go-live")
        it[MINE].tasks.start_soon(panel.press, panel.yes)
        await anyio.sleep(1)
        await panel.press(panel.yes)
        await anyio.sleep(20)
        assert (await panel.look())["phase"] == "ended"
        assert outcome(await it[MINE].call(GO_LIVE)) == RAN
        assert it.times_of("/go-live")[0] == READING_SECONDS
        assert (len(it.sent), it.is_live) == (2, True)


async def test_a_click_on_the_page_waits_and_is_sent() -> None:
    async with open_world(MINE, page=True, TRAX_ASK="page,preview") as it:
        call = it[MINE].start(GO_LIVE)
        question = await it.open_page.next()
        it.hand_clock.advance(READING_SECONDS)
        it.trax.faults.add(limited(5), path="*/go-live")
        it[MINE].tasks.start_soon(question.press, YES)
        await it.hand_clock.stand_until(lambda: it.sent)
        await it.hand_clock.pass_by(4)
        assert (it.sent, call.has_ended) == ([GO_LIVE.sent], False)
        await it.hand_clock.pass_by(2)
        assert outcome(await call.result()) == RAN
        assert it.sent == [GO_LIVE.sent] * 2


@pytest.mark.parametrize("over", [Over.HTTP, Over.STDIO])
async def test_it_waits_over_sockets_and_pipes_too(era: str, over: Over) -> None:
    async with open_world(MINE, over=over, era=era, person=Person(_after_a_second)) as it:
        it.trax.faults.add(limited(1), method="DELETE")
        assert outcome(await it[MINE].call(DELETE_SOURCE)) == RAN
        assert it.sent == [DELETE_SOURCE.sent] * 2


async def _after_a_second(form: Form) -> FormAnswer:
    await anyio.sleep(1.1)  # sooner nobody has read it
    return await agreeing(form)


@in_virtual_time
async def test_a_read_that_is_rate_limited_after_the_approval_loses_nothing() -> None:
    """The client reads again within two seconds only."""
    person = Person()
    async with in_virtual_world(person=person) as it:

        async def limiting_first(form: Form) -> FormAnswer:
            it.trax.faults.add(limited(6), path="*/stream-status")
            return await agreeing_slowly(form)

        person.answer_with(limiting_first)
        assert outcome(await it[MINE].call(GO_LIVE)) == RAN
        assert it.arrived == [(READING_SECONDS + 6, GO_LIVE.sent)]


# What it is given up for


@pytest.mark.parametrize("call", [GO_LIVE, TWITCH_ONLY], ids=["go_live", "apply_changes"])
@pytest.mark.parametrize(
    ("limits", "tries", "seconds"), [([5, 3], 2, 3), ([11], 1, 11)], ids=["two", "too long"]
)
@in_virtual_time
async def test_an_approval_is_given_up_after_a_second_refusal_or_a_long_one(
    era: str, call: GuardedOperation, limits: list[float], tries: int, seconds: float
) -> None:
    """The answer says so, and the next call asks again."""
    person = Person(agreeing_slowly)
    async with in_virtual_world(era=era, person=person) as it:
        for limit in limits:
            it.trax.faults.add(limited(limit), method="P*")
        refused = await it[MINE].call(call)
        assert said(refused) == f"{NOTHING_DONE}Call again in {seconds} s. {ASKED_AGAIN}"
        assert (len(it.sent), len(person.forms)) == (tries, 1)
        assert outcome(await it[MINE].call(call)) == RAN
        assert len(person.forms) == 2


@in_virtual_time
async def test_a_change_while_it_waits_is_told() -> None:
    """Nothing is sent that was not shown."""
    person = Person(agreeing_slowly)
    async with in_virtual_world(person=person) as it:
        it.trax.faults.add(limited(9), path="*/go-live")
        call = it[MINE].start(GO_LIVE)
        await anyio.sleep(READING_SECONDS + 5)
        it.trax.change("dest_3", name="Kick, our own")
        await anyio.sleep(5)
        assert outcome(await call.result()) == ("confirmation_invalid", "changed")
        assert (len(person.forms), it.sent) == (1, [GO_LIVE.sent])


@pytest.mark.parametrize("at", [0, 1], ids=["the same replica", "another one"])
@in_virtual_time
async def test_a_stop_while_it_waits_is_not_held_up_and_wins(at: int) -> None:
    async with in_virtual_world(replicas=2) as it:
        asking = await it.caller(person=Person(agreeing_slowly))
        stopper = await it.caller(COLLEAGUE, at=at)
        await stopper.call("get_studio")
        stop = await stopper.confirmation("go_offline")
        it.trax.faults.add(limited(10), path="*/go-live")
        call = asking.start(GO_LIVE)
        await anyio.sleep(READING_SECONDS + 6)
        began = anyio.current_time()
        assert has_run(await stopper.use("go_offline", stop))
        assert it.times_of("/go-offline") == [began]
        assert outcome(await call.result()) == EXPIRED
        assert it.times_of("/go-live") == [READING_SECONDS]


@in_virtual_time
async def test_others_act_in_the_studio_while_it_waits() -> None:
    async with in_virtual_world(COLLEAGUE) as it:
        asking = await it.caller(person=Person(agreeing_slowly))
        yes = await it[COLLEAGUE].confirmation(DELETE_SOURCE)
        it.trax.faults.add(limited(10), path="*/go-live")
        asking.start(GO_LIVE)
        await anyio.sleep(READING_SECONDS + 1)
        began = anyio.current_time()
        assert has_run(await it[COLLEAGUE].use(DELETE_SOURCE, yes))
        assert it.arrived[-1] == (began, DELETE_SOURCE.sent)


@pytest.mark.parametrize(
    "fault",
    [Fault.status(503, headers={"Retry-After": "1"}), Fault.dropped(when="after")],
    ids=["503", "dropped"],
)
@in_virtual_time
async def test_nothing_else_is_waited_for_and_sent_again(fault: Fault) -> None:
    """It may have been done."""
    async with in_virtual_world(person=Person(agreeing_slowly)) as it:
        it.trax.faults.add(fault, method="DELETE")
        assert error_in(await it[MINE].call(DELETE_SOURCE))["outcome"] == "unknown"
        assert it.arrived == [(READING_SECONDS, DELETE_SOURCE.sent)]


@pytest.mark.parametrize("is_cancelled", [True, False], ids=["cancelled", "shut down"])
@in_virtual_time
async def test_a_call_that_ends_while_it_waits_sends_nothing_more(*, is_cancelled: bool) -> None:
    person = Person(agreeing_slowly)
    async with in_virtual_world(person=person) as it:
        it.trax.faults.add(limited(10), path="*/go-live")
        call = it[MINE].start(GO_LIVE)
        await anyio.sleep(READING_SECONDS + 3)
        if is_cancelled:
            await call.end()
        else:
            began = anyio.current_time()
            await it.product.shut_down()
            assert anyio.current_time() == began
        await anyio.sleep(20)
        assert it.sent == [GO_LIVE.sent]


@in_virtual_time
async def test_of_several_changes_nothing_is_given_back_once_one_was_sent() -> None:
    async with in_virtual_world() as it:
        yes = await it[MINE].confirmation(THREE)
        it.trax.faults.add(limited(1), path="*/source_2")
        result = await it[MINE].use(THREE, yes)
        assert outcomes(result) == ["applied", "not_applied", "not_sent"]
        assert STILL_GOOD not in text_of(result)
        assert outcome(await it[MINE].use(THREE, yes)) == USED
        assert it.sent == SENT[:2]
