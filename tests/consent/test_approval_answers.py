"""A person answers on the page. Only what they press there counts."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import anyio

from tests.support.guarded_calls import DELETE_SOURCE, GO_LIVE, NO, YES
from tests.world.answers import approved_in, audit_lines, data_of, outcome, state_in, text_of
from tests.world.world import MINE, open_world

if TYPE_CHECKING:
    from pathlib import Path

asking: Final = partial(open_world, MINE, page=True, TRAX_ASK="page,preview")


async def test_a_click_on_the_page_runs_the_waiting_call(tmp_path: Path) -> None:
    """The audit log has the channel of the question and of the answer, and no ticket."""
    audit = tmp_path / "audit"
    async with asking(TRAX_AUDIT_LOG=str(audit)) as it:
        call = it[MINE].start(GO_LIVE)
        question = await it.open_page.next()
        assert (question.yes, question.no) == (YES, NO)
        it.hand_clock.advance(1)
        await question.press(YES)
        result = await call.result()
        assert (state_in(result), approved_in(result)) == ("on_air", "page")
        assert it.sent == [GO_LIVE.sent]
    lines = audit_lines(audit)
    assert [(each["event"], each.get("channel"), each.get("answeredIn")) for each in lines] == [
        ("decided", None, None),
        ("asked", "page", None),
        ("answered", None, "page"),
        ("decided", None, "page"),
        ("sending", None, None),
        ("sent", None, None),
    ]
    assert question.data["ticket"] not in audit.read_text(encoding="utf-8")


async def test_a_yes_counts_from_a_second_after_its_question_was_shown() -> None:
    async with asking() as it:
        it[MINE].start(GO_LIVE)
        question = await it.open_page.next(report=False)
        it.hand_clock.advance(5)
        await question.press(YES)
        assert (await question.phase(), it.sent) == ("open", [])
        await question.shown_again()
        it.hand_clock.advance(0.9)
        await question.press(YES)
        assert (await question.phase(), it.sent) == ("open", [])
        it.hand_clock.advance(0.1)
        await question.press(YES)
        assert it.sent == [GO_LIVE.sent]


async def test_after_a_change_the_page_says_so_and_the_next_call_asks() -> None:
    async with asking() as it:
        call = it[MINE].start(GO_LIVE)
        first = await it.open_page.next()
        it.hand_clock.advance(1)
        it.trax.change("studio_42", name="Rehearsal")
        await first.press(YES)
        assert (await first.phase(), it.sent) == ("ended", [])
        told = await call.result()
        assert outcome(told) == ("confirmation_invalid", "changed")
        assert 'It\'s now: Go live with "Rehearsal"?' in text_of(told)
        again = it[MINE].start(GO_LIVE)
        second = await it.open_page.next(2)
        it.hand_clock.advance(1)
        await first.press(YES)
        assert it.sent == [], "a press on the earlier question is ignored"
        await second.press(YES)
        assert state_in(await again.result()) == "on_air"
        assert it.sent == [GO_LIVE.sent]


async def test_twenty_presses_at_once_send_one_go_live() -> None:
    async with asking() as it:
        call = it[MINE].start(GO_LIVE)
        question = await it.open_page.next()
        it.hand_clock.advance(1)
        async with anyio.create_task_group() as presses:
            for _ in range(20):
                presses.start_soon(question.press, YES)
        await call.result()
        await question.press(YES)
        assert it.sent == [GO_LIVE.sent]


async def test_after_a_no_the_same_call_asks_again_at_once_and_after_the_second_in_a_minute() -> (
    None
):
    """A person's no is no error. The minute says how long it still is."""
    async with asking() as it:
        for number in (1, 2):
            call = it[MINE].start(GO_LIVE)
            question = await it.open_page.next(number)
            it.hand_clock.advance(1)
            await question.press(NO)
            said = await call.result()
            assert (outcome(said), said.is_error) == (("declined", "declined"), False)
        it.hand_clock.advance(20)
        again = await it[MINE].call(GO_LIVE)
        assert (outcome(again), again.is_error) == (("declined", "recently_declined"), False)
        assert data_of(again)["retryAfterSeconds"] == 40
        assert text_of(again) == (
            "The user said no 20 seconds ago, so they won't be asked again for 40 seconds. If they"
            " changed their mind, tell them and call again then."
        )
        it[MINE].start(DELETE_SOURCE)
        await it.open_page.next(3)
        it.hand_clock.advance(40)
        it[MINE].start(GO_LIVE)
        await it.open_page.next(4)
        assert it.sent == []


async def test_an_approval_forgets_earlier_refusals() -> None:
    async with asking() as it:
        for number, choice in enumerate((NO, YES, NO), start=1):
            call = it[MINE].start(GO_LIVE)
            question = await it.open_page.next(number)
            it.hand_clock.advance(1)
            await question.press(choice)
            await call.result()
            it.trax.go_offline()
            it.hand_clock.advance(1)
        it[MINE].start(GO_LIVE)
        await it.open_page.next(4)
