"""Asking a person: the form, progress and time-outs, and changes while the form is open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.support.concurrency import settle
from tests.support.guarded_calls import GO_LIVE, GO_OFFLINE, GUARDED_OPERATIONS, NO, YES
from tests.support.product.faults import Fault
from tests.support.product.frozen_sandbox import put_on_air
from tests.support.simulated_person import (
    Person,
    ProgressLog,
    agreeing,
    choices,
    refusing,
    silent,
)
from tests.world.answers import RAN, outcome, text_of
from tests.world.wire import LEGACY
from tests.world.world import COLLEAGUE, MINE, World, open_world

if TYPE_CHECKING:
    from tests.support.simulated_person import Form, FormAnswer

NOTHING_TO_DO: Final = ("nothing_to_do", None)


async def test_the_form_shows_the_preview_and_requires_one_choice(era: str) -> None:
    """One paragraph. The no comes first and is preselected."""
    person = Person()
    async with open_world(MINE, era=era, person=person) as it:
        assert outcome(await it[MINE].call(GO_LIVE)) == ("cannot_ask", "unseen")
    (form,) = person.forms
    assert form.message == (
        'Go live with "Friday Night Show"? Anyone can watch. Streams to: "Late crowd" (Twitch),'
        ' "Main channel" (YouTube). Stays off: "Kick (trying out)" (Kick). May be on screen:'
        ' "Host camera", "Intro clip".'
    )
    assert form.requested_schema == {
        "type": "object",
        "properties": {
            "choice": {
                "type": "string",
                "title": "Your answer",
                "description": "No answer within 5 minutes means no.",
                "enum": [NO, YES],
                "default": NO,
            },
        },
        "required": ["choice"],
    }


async def test_a_change_while_the_form_is_open_is_told_and_the_next_call_asks(era: str) -> None:
    """The answer begins with the change, and holds no confirmation."""
    person = Person()
    async with open_world(MINE, era=era, person=person) as it:

        async def enabling_first(form: Form) -> FormAnswer:
            it.trax.change("dest_3", enabled=True)
            return await agreeing(form)

        person.answer_with(enabling_first)
        told = await it[MINE].call(GO_LIVE)
        assert outcome(told) == ("confirmation_invalid", "changed")
        assert "confirmation" not in (told.structured_content or {})
        assert 'No longer: Stays off: "Kick (trying out)" (Kick).' in text_of(told)
        assert it.sent == []
        assert outcome(await it[MINE].call(GO_LIVE)) == RAN
        assert it.sent == [GO_LIVE.sent]
    assert [choices(form)[0] for form in person.forms] == [
        "Go live on YouTube and Twitch",
        "Go live on YouTube, Twitch and Kick",
    ]


async def test_a_form_is_open_for_five_minutes_with_progress_every_ten_seconds() -> None:
    """So that the client does not time out. Then the call ends with a refusal."""
    person, progress = Person(silent), ProgressLog()
    async with open_world(MINE, era=LEGACY, person=person) as it:
        it[MINE].progress = progress
        call = it[MINE].start(GO_LIVE)
        await person.asked()
        for _ in range(30):
            await progress.more()
            await settle()
            assert not call.has_ended
            it.hand_clock.advance(10)
        assert outcome(await call.result()) == ("declined", "timed_out")
        assert it.sent == []
    waiting = "Waiting for your approval."
    assert progress.all == [(float(gone), 300.0, waiting) for gone in range(0, 300, 10)]


async def test_a_no_counts_even_if_consent_is_no_longer_required(era: str) -> None:
    """The stream ends while the form is open."""
    person = Person()
    async with open_world(MINE, era=era, person=person) as it:
        put_on_air(it.trax)

        async def off_air_first(form: Form) -> FormAnswer:
            it.trax.go_offline()
            it.hand_clock.advance(60)
            return await refusing(form)

        person.answer_with(off_air_first)
        result = await it[MINE].call(GUARDED_OPERATIONS["create_destination, on air"])
        assert outcome(result) == ("declined", "declined")
        assert (len(person.forms), it.sent) == (1, [])


# A go-live that is under way


async def start_without_on_air(it: World) -> None:
    """Send a go-live that is accepted and not seen on air."""
    not_live = Fault.status(200, {"live": False})
    it.trax.faults.add(not_live, times=None, path="*/stream-status")
    assert outcome(await it[MINE].confirmed(GO_LIVE)) == RAN


async def test_an_accepted_go_live_is_not_sent_again_for_a_minute() -> None:
    """For any caller, without a question. After the minute it can be sent again."""
    person = Person(agreeing)
    async with open_world(MINE, COLLEAGUE) as it:
        await start_without_on_air(it)
        callers = (it[MINE], it[COLLEAGUE], await it.caller(person=person))
        assert [outcome(await each.call(GO_LIVE)) for each in callers] == [NOTHING_TO_DO] * 3
        it.hand_clock.advance(44)
        assert outcome(await it[MINE].call(GO_LIVE)) == NOTHING_TO_DO
        it.hand_clock.advance(1)
        assert it.sent == [GO_LIVE.sent]
        assert outcome(await it[MINE].confirmed(GO_LIVE)) == RAN
        assert it.sent == [GO_LIVE.sent] * 2
    assert person.forms == []


async def test_a_go_live_can_be_sent_again_at_once_after_a_stop() -> None:
    """The stop ends the pending go-live."""
    async with open_world(MINE) as it:
        await start_without_on_air(it)
        await it[MINE].confirmed(GO_OFFLINE)
        assert outcome(await it[MINE].confirmed(GO_LIVE)) == RAN
        assert it.sent == [GO_LIVE.sent, GO_OFFLINE.sent, GO_LIVE.sent]
