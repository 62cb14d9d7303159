"""The steps of the store for questions. `proof/replicas` runs the same tests on a real engine."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.units.consent.asked_questions import preview_of
from tests.units.consent.two_stores import ADDRESS, DELETE, GO_LIVE, GO_OFFLINE, GUEST, OWNER, STOP
from trax_mcp.api.accepted_keys import AcceptedKeys
from trax_mcp.api.caller import Caller
from trax_mcp.consent.calls import GuardedCall, NotRun
from trax_mcp.consent.records import Key
from trax_mcp.consent.store import MAX_QUESTIONS, Store
from trax_mcp.studio.naming import say

if TYPE_CHECKING:
    from tests.units.consent.two_stores import TwoStores


async def test_a_question_is_seen_by_its_caller_at_every_replica(stores: TwoStores) -> None:
    question = await stores.ask()
    for store in (stores.here, stores.there):
        for caller, seen in ((OWNER, question), (GUEST, None)):
            assert (await stores.look(question, caller=caller, store=store)).question == seen
            assert await stores.question(question, caller=caller, store=store) == seen


async def test_a_question_is_void_after_five_minutes(stores: TwoStores) -> None:
    question = await stores.ask()
    stores.pass_time(299.0)
    assert await stores.is_good(question)
    stores.pass_time(1.5)
    assert not await stores.is_good(question)


async def test_a_question_that_is_asked_again_keeps_its_id(stores: TwoStores) -> None:
    first = await stores.ask(channel="form")
    second = await stores.ask(again=first)
    assert second == replace(
        first, number=2, preview=second.preview, changes=(say("New."),), asked_at=second.asked_at
    )
    assert second.digest == "later"
    assert (await stores.look(first)).question == second


async def test_a_question_too_many_removes_the_oldest_of_its_key(stores: TwoStores) -> None:
    questions = [await stores.ask() for _ in range(MAX_QUESTIONS + 1)]
    of_guest = await stores.ask(caller=GUEST)
    kept = [await stores.is_good(question) for question in questions]
    assert kept == [False] + [True] * MAX_QUESTIONS
    assert (await stores.look(of_guest, caller=GUEST)).question == of_guest


async def test_the_studio_as_it_was_seen_goes_into_the_question(stores: TwoStores) -> None:
    async with stores.sending() as end:
        await end(starts=False)
    await stores.stop()
    question, seen = await stores.ask(), await stores.look()
    assert question.hidden == seen.studio.hidden == {ADDRESS: 1}
    assert question.last_stop == seen.last_stop != ""


async def test_a_question_that_is_discarded_is_gone_unless_it_was_used(stores: TwoStores) -> None:
    one, used = await stores.ask(), await stores.ask()
    async with stores.sending(used):
        pass
    for question in (one, used):
        await stores.there.questions.discard(question.id)
    assert await stores.question(one) is None
    assert await stores.question(used) is not None


async def test_after_a_second_no_the_same_caller_is_not_asked_the_same_for_a_minute(
    stores: TwoStores,
) -> None:
    """They are counted from one again after ten minutes, or after an approval."""

    async def refuse() -> float:
        question = await stores.ask(channel="form")
        await stores.there.decline(question, GuardedCall((GO_LIVE,), OWNER))
        assert await stores.question(question) is None
        return (await stores.look()).declined_seconds or 0.0

    assert await refuse() == 0.0
    assert 59.0 < await refuse() <= 60.0
    assert (await stores.look(operation=DELETE)).declined_seconds is None
    assert (await stores.look(caller=GUEST)).declined_seconds is None
    stores.pass_time(61)
    assert (await stores.look()).declined_seconds is None
    assert 59.0 < await refuse() <= 60.0
    stores.pass_time(600)
    assert await refuse() == 0.0
    question = await stores.ask()
    async with stores.turn() as me:
        seen, call = await stores.look(question), GuardedCall((GO_LIVE,), OWNER)
        begun = await stores.here.begin_call(
            stores.place(), me, question.id, seen, starts=False, approved=call
        )
    assert begun
    assert await refuse() == 0.0


async def test_the_third_confirmation_within_a_minute_that_is_too_soon_withdraws_it(
    stores: TwoStores,
) -> None:
    one, slow = await stores.ask(), await stores.ask()
    hurry = (stores.here.questions.note_hurry, stores.there.questions.note_hurry)
    assert [await hurry[it % 2](one.id) for it in range(3)] == [False, False, True]
    assert await stores.question(one) is None
    for _ in range(4):
        assert not await hurry[0](slow.id)
        stores.pass_time(31)
    kept = await stores.question(slow)
    assert kept is not None
    assert len(kept.hurried) == 2


async def test_a_no_to_a_question_in_a_panel_leaves_the_question(stores: TwoStores) -> None:
    opened = await stores.open(await stores.ask(channel="form"))
    await stores.there.decline(opened, GuardedCall((GO_LIVE,), OWNER))
    assert await stores.question(opened) == opened


async def test_the_same_call_finds_what_it_has_asked_in_a_panel(stores: TwoStores) -> None:
    first, second = await stores.ask(channel="form"), await stores.ask(channel="form")
    opened = await stores.here.questions.open(first, OWNER, channel="panel", must_report=True)
    assert (opened.channel, opened.must_report) == ("panel", True)
    assert await stores.same_call() == opened
    assert await stores.same_call(DELETE) is None
    assert await stores.same_call(caller=GUEST) is None
    assert await stores.open(second) == opened
    assert await stores.question(second) is None


async def test_a_call_is_asked_anew_after_its_question_has_ended(stores: TwoStores) -> None:
    first, second = await stores.ask(channel="form"), await stores.ask(channel="form")
    opened = await stores.open(first)
    ended = NotRun("go_live", "declined", "declined")
    await stores.there.questions.change(opened.id, lambda kept, _: replace(kept, result=ended))
    anew = await stores.open(second, "page")
    assert anew.id == second.id
    assert await stores.same_call() == anew


async def test_two_clients_of_one_key_are_asked_apart(stores: TwoStores) -> None:
    callers = [Caller(OWNER.key, client=it) for it in ("one", "other")]
    asked = [await stores.ask(caller=it, channel="form") for it in callers]
    opened = [
        await stores.open(it, caller=caller) for it, caller in zip(asked, callers, strict=True)
    ]
    assert [await stores.same_call(caller=it) for it in callers] == opened


async def test_a_question_about_a_stop_is_kept_once_it_is_opened(stores: TwoStores) -> None:
    call = GuardedCall((GO_OFFLINE,), OWNER)
    question = stores.here.question_about_stop(call, preview_of(GO_OFFLINE), STOP)
    assert await stores.question(question) is None
    opened = await stores.open(question)
    assert await stores.question(question) == opened
    assert opened.id == STOP


async def test_a_change_of_a_question_is_seen_everywhere(stores: TwoStores) -> None:
    question = await stores.ask()
    here, there = stores.here.questions, stores.there.questions
    assert await there.change(question.id, lambda kept, _: replace(kept, shown_at=5.0))
    assert await stores.question(question, store=stores.here) == replace(question, shown_at=5.0)
    assert not await here.change(question.id, lambda kept, _: kept)
    assert not await there.change("another", lambda kept, _: replace(kept, shown_at=5.0))
    assert await here.change(question.id, lambda _kept, _now: None)
    assert await stores.question(question) is None


async def test_what_was_read_before_another_write_is_not_written(stores: TwoStores) -> None:
    key = Key("stop", STOP)
    one, other = await stores.records.read(key), await stores.records.read(key)
    assert await stores.records.write(one, {key: ("one", 60.0)})
    assert not await stores.records.write(other, {key: ("other", 60.0)})
    assert await stores.here.stop_outcome(STOP) == "one"


async def test_a_stop_is_in_the_place_that_another_replica_has_told(stores: TwoStores) -> None:
    stop = GuardedCall((GO_OFFLINE,), OWNER)
    elsewhere = Store(stores.records, AcceptedKeys())
    before = await elsewhere.place_at_any_replica(stop)
    assert before == elsewhere.place(stop) != stores.place()
    await stores.here.tell_replicas_of_access(stop)
    after = await elsewhere.place_at_any_replica(stop)
    assert after == (stores.place() if stores.records.is_shared else before)
