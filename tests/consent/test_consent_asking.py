"""Asking a person: the form, progress and time-outs, and changes while the form is open."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import anyio
import pytest

from tests.support.concurrency import begin, settle
from tests.support.consent_clients import in_memory, status_and_reason
from tests.support.guarded_calls import GO_LIVE, GO_OFFLINE
from tests.support.product.faults import Fault
from tests.support.server_process import PATIENCE_SECONDS
from tests.support.simulated_person import ProgressLog, agreeing, choices, silent
from tests.world.wire import LEGACY

if TYPE_CHECKING:
    from tests.support.consent_clients import Clients
    from tests.support.guarded_calls import GuardedOperation
    from tests.support.simulated_person import Form, FormAnswer

RAN: Final = ("ran", None)
NOTHING_TO_DO: Final = ("nothing_to_do", None)
NOT_LIVE: Final = Fault.status(200, {"live": False})


async def test_the_form_shows_the_preview_and_requires_one_choice(era: str) -> None:
    """The choices are the operation in words and "Do not". There is no default."""
    async with in_memory(era) as clients:
        assert status_and_reason(await clients.call(GO_LIVE, clients.asking)) == (
            "declined",
            "declined",
        )
    (form,) = clients.person.forms
    assert form.message == (
        'go_live on "Friday Night Show":\n'
        '- Starts a broadcast of "Friday Night Show" that anyone can watch.\n'
        '- Goes out on "Main channel" (YouTube).\n'
        '- Goes out on "Late crowd" (Twitch).\n'
        '- Switched off: "Kick (trying out)" (Kick).\n'
        '- Can be on screen: "Host camera" (webcam).\n'
        '- Can be on screen: "Intro clip" (media).\n\n'
        "Good for 5 minutes."
    )
    assert form.requested_schema == {
        "type": "object",
        "properties": {
            "choice": {
                "type": "string",
                "title": "Your decision",
                "enum": ['Go live on YouTube and Twitch: "Friday Night Show"', "Do not"],
            }
        },
        "required": ["choice"],
    }


async def test_a_person_is_asked_once_more_after_a_change_while_the_form_is_open(era: str) -> None:
    """The second form starts with the change, and its yes runs the call."""
    async with in_memory(era) as clients:

        async def enabling_first(form: Form) -> FormAnswer:
            if len(clients.person.forms) == 1:
                clients.trax.change("dest_3", enabled=True)
            return await agreeing(form)

        clients.person.answer_with(enabling_first)
        result = await clients.call(GO_LIVE, clients.asking)
        assert clients.sent == [GO_LIVE.sent]
    first, second = clients.person.forms
    assert status_and_reason(result) == RAN
    assert second.message.startswith(
        "Changed since you were asked:\n"
        '- No longer: Switched off: "Kick (trying out)" (Kick).\n'
        '- Now: Goes out on "Kick (trying out)" (Kick).\n\n'
        'go_live on "Friday Night Show":\n'
    )
    assert "Changed" not in first.message
    assert choices(second)[0] == 'Go live on YouTube, Twitch and Kick: "Friday Night Show"'


async def test_a_choice_is_compared_with_the_one_that_was_offered(era: str) -> None:
    """A rename while the form is open does not make the answer malformed."""
    async with in_memory(era) as clients:

        async def renaming(form: Form) -> FormAnswer:
            clients.trax.change("studio_42", name="Another Night Show")
            return await agreeing(form)

        clients.person.answer_with(renaming)
        assert status_and_reason(await clients.call(GO_LIVE, clients.asking)) == RAN
        assert clients.sent == [GO_LIVE.sent]


async def test_a_form_is_open_for_five_minutes_with_progress_every_ten_seconds() -> None:
    """So that the client does not time out. Then the call ends with a refusal."""
    progress = ProgressLog()
    async with in_memory(LEGACY) as clients:
        clients.person.answer_with(silent)
        calling = partial(clients.asking.call_tool, "go_live", GO_LIVE.arguments)
        with anyio.fail_after(PATIENCE_SECONDS):
            async with anyio.create_task_group() as tasks:
                results = begin(tasks, partial(calling, progress_callback=progress))
                await clients.person.asked()
                for _ in range(30):
                    await progress.more()
                    await settle()
                    assert results == []
                    clients.clock.advance(10)
        assert status_and_reason(results[0]) == ("declined", "timed_out")
        assert clients.sent == []
    waiting = "Waiting for a person's yes."
    assert progress.all == [(float(gone), 300.0, waiting) for gone in range(0, 300, 10)]


@pytest.mark.parametrize(
    ("operation", "message"),
    [(GO_LIVE, "Waiting to be on air."), (GO_OFFLINE, "Waiting to be off air.")],
    ids=["go_live", "go_offline"],
)
async def test_progress_is_sent_while_the_stream_status_is_observed(
    operation: GuardedOperation, message: str
) -> None:
    """Every second, for at most 15 seconds."""
    progress = ProgressLog()
    async with in_memory() as clients:
        live = Fault.status(200, {"live": operation is GO_OFFLINE})
        clients.trax.faults.add(live, times=None, path="*/stream-status")
        confirmation = await clients.confirmation(operation)
        await clients.plain.call_tool(
            operation.tool,
            {**operation.arguments, "confirm": True, "confirmation": confirmation},
            progress_callback=progress,
        )
    assert progress.all == [(float(gone), 15.0, message) for gone in range(15)]


async def start_without_on_air(clients: Clients) -> None:
    """Send a go-live that is accepted and not seen on air."""
    clients.trax.faults.add(NOT_LIVE, times=None, path="*/stream-status")
    assert status_and_reason(await clients.confirmed(GO_LIVE)) == RAN


async def test_an_accepted_go_live_is_not_sent_again_for_a_minute() -> None:
    """For any caller, without a question. After the minute it can be sent again."""
    async with in_memory() as clients:
        clients.person.answer_with(agreeing)
        await start_without_on_air(clients)
        calls = (clients.plain, clients.asking, clients.other)
        assert [status_and_reason(await clients.call(GO_LIVE, it)) for it in calls] == [
            NOTHING_TO_DO
        ] * 3
        clients.clock.advance(44)
        assert status_and_reason(await clients.call(GO_LIVE)) == NOTHING_TO_DO
        clients.clock.advance(1)
        assert clients.sent == [GO_LIVE.sent]
        assert status_and_reason(await clients.confirmed(GO_LIVE)) == RAN
        assert clients.sent == [GO_LIVE.sent] * 2
    assert clients.person.forms == []


async def test_a_go_live_can_be_sent_again_at_once_after_a_stop() -> None:
    """The stop ends the pending go-live."""
    async with in_memory() as clients:
        await start_without_on_air(clients)
        await clients.confirmed(GO_OFFLINE)
        assert status_and_reason(await clients.confirmed(GO_LIVE)) == RAN
        assert clients.sent == [GO_LIVE.sent, GO_OFFLINE.sent, GO_LIVE.sent]
