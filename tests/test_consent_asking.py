"""Asking a person: the form, the time it takes, and what happens meanwhile.

In the earlier era the server waits for the answer; the clock is in the test's hand.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest

from tests.acts import ACTS, DELETE_DESTINATION, GO_LIVE, GO_OFFLINE
from tests.consent import in_memory, rename_all, told
from tests.jsonrpc import LEGACY
from tests.meanwhile import settle
from tests.person import Told, agreeing, choices, declining, silent
from trax_mcp.sandbox import Fault

if TYPE_CHECKING:
    from tests.consent import Desk
    from tests.person import Form, Said

RAN: Final = ("ran", None)
NOTHING_TO_DO: Final = ("nothing_to_do", None)
NOT_LIVE: Final = Fault.status(200, {"live": False})


async def test_the_form_shows_what_would_happen_and_offers_one_choice(era: str) -> None:
    """The act in words, or "Do not": required, and neither is chosen beforehand."""
    async with in_memory(era) as desk:
        assert told(await desk.call(GO_LIVE, desk.asking)) == ("declined", "declined")
    (form,) = desk.person.forms
    assert form.message == (
        'go_live on "Friday Night Show":\n'
        '- Starts a broadcast of "Friday Night Show" that anyone can watch.\n'
        '- Goes out on "Main channel" (YouTube).\n'
        '- Goes out on "Late crowd" (Twitch).\n'
        '- Can be on screen: "Host camera" (webcam).\n'
        '- Can be on screen: "Intro clip" (media).'
    )
    assert form.requested_schema == {
        "type": "object",
        "properties": {
            "choice": {
                "type": "string",
                "title": "Your decision",
                "enum": ["Take Friday Night Show live on YouTube and Twitch", "Do not"],
            }
        },
        "required": ["choice"],
    }


@pytest.mark.parametrize("name", ACTS)
async def test_every_act_is_a_choice_in_words(name: str) -> None:
    """Two different choices, and the yes is no word that anybody could say by habit."""
    async with in_memory(LEGACY) as desk:
        if ACTS[name].on_air:
            desk.trax.world.go_live(desk.trax.world.studios["studio_42"])
            desk.clock.advance(60)
        await desk.call(ACTS[name], desk.asking)
    yes, no = choices(desk.person.forms[0])
    assert no == "Do not"
    assert len(yes.split()) > 1


async def test_a_change_while_a_person_thinks_is_asked_once_more(era: str) -> None:
    """The change stands first; the second yes counts, and is for what is there now."""
    async with in_memory(era) as desk:

        async def enabling_first(form: Form) -> Said:
            if len(desk.person.forms) == 1:
                places = desk.trax.world.destinations
                places.change(places["dest_3"], {"enabled": True})
            return await agreeing(form)

        desk.person.will(enabling_first)
        result = await desk.call(GO_LIVE, desk.asking)
        assert desk.sent == [GO_LIVE.sent]
    first, second = desk.person.forms
    assert told(result) == RAN
    assert second.message.startswith(
        "Changed since you were asked:\n"
        '- Now: Goes out on "Kick (trying out)" (Kick).\n'
        'go_live on "Friday Night Show":\n'
    )
    assert "Changed" not in first.message
    assert choices(second)[0] == "Take Friday Night Show live on YouTube, Twitch and Kick"


async def test_a_no_to_the_changed_question_is_a_no(era: str) -> None:
    """The first yes is forgotten."""
    async with in_memory(era) as desk:

        async def changing_their_mind(form: Form) -> Said:
            if len(desk.person.forms) == 1:
                rename_all(desk.trax)
                return await agreeing(form)
            return await declining(form)

        desk.person.will(changing_their_mind)
        result = await desk.call(DELETE_DESTINATION, desk.asking)
        assert desk.sent == []
    assert told(result) == ("declined", "declined")
    assert len(desk.person.forms) == 2


async def test_a_person_is_asked_twice_at_most(era: str) -> None:
    """What changes at every look is never agreed to."""
    async with in_memory(era) as desk:

        async def changing(form: Form) -> Said:
            rename_all(desk.trax)
            return await agreeing(form)

        desk.person.will(changing)
        result = await desk.call(DELETE_DESTINATION, desk.asking)
        assert desk.sent == []
    assert told(result) == ("confirmation_invalid", "changed")
    assert len(desk.person.forms) == 2


async def test_a_renamed_studio_is_no_malformed_answer(era: str) -> None:
    """The choice is compared with the one that was offered, not with what it would be now."""
    async with in_memory(era) as desk:

        async def renaming(form: Form) -> Said:
            rename = desk.trax.world.studios.change
            rename(desk.trax.world.studios["studio_42"], {"name": "Another Night Show"})
            return await agreeing(form)

        desk.person.will(renaming)
        assert told(await desk.call(GO_LIVE, desk.asking)) == RAN
        assert desk.sent == [GO_LIVE.sent]


async def test_while_a_person_thinks_the_client_is_kept_from_giving_up() -> None:
    """Progress every ten seconds, for the five minutes that a person has."""
    progress = Told()
    async with in_memory(LEGACY) as desk:
        desk.person.will(silent)
        calling = partial(desk.asking.call_tool, "go_live", GO_LIVE.arguments)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(partial(calling, progress_callback=progress))
            await desk.person.asked()
            for _ in range(30):
                await progress.more()
                await settle()
                desk.clock.advance(10)
        assert desk.sent == []
    waiting = "Waiting for a person's yes."
    assert progress.all == [(float(gone), 300.0, waiting) for gone in range(0, 300, 10)]


async def test_without_a_token_nothing_is_told() -> None:
    """A client that did not ask for progress is not troubled with it."""
    heard: list[Any] = []

    async def hear(message: object) -> None:
        heard.append(message)

    async with in_memory(LEGACY, hears=hear) as desk:
        desk.person.will(silent)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(partial(desk.call, GO_LIVE, desk.asking))
            await desk.person.asked()
            for _ in range(30):
                await settle()
                desk.clock.advance(10)
    assert heard == []


@pytest.mark.parametrize(
    ("act", "doing"),
    [(GO_LIVE, "Waiting to be on air."), (GO_OFFLINE, "Waiting to be off air.")],
    ids=["go_live", "go_offline"],
)
async def test_while_it_is_watched_the_client_is_told(era: str, act: Any, doing: str) -> None:  # noqa: ANN401  an act
    """The watch of at most a quarter of a minute."""
    progress = Told()
    async with in_memory(era) as desk:
        live = Fault.status(200, {"live": act is GO_OFFLINE})
        desk.trax.faults.add(live, times=None, path="*/stream-status")
        confirmation = await desk.confirmation(act)
        await desk.plain.call_tool(
            act.tool,
            {**act.arguments, "confirm": True, "confirmation": confirmation},
            progress_callback=progress,
        )
    assert progress.all == [(float(gone), 15.0, doing) for gone in range(15)]


async def accepted(desk: Desk) -> None:
    """Have a go-live accepted that is not seen on air."""
    desk.trax.faults.add(NOT_LIVE, times=None, path="*/stream-status")
    assert told(await desk.confirmed(GO_LIVE)) == RAN


async def test_a_go_live_that_was_accepted_is_not_sent_again_for_a_minute(era: str) -> None:
    """Nobody is asked, whoever calls; after the minute it can be shown and sent again."""
    async with in_memory(era) as desk:
        desk.person.will(agreeing)
        await accepted(desk)
        calls = (desk.plain, desk.asking, desk.other)
        assert [told(await desk.call(GO_LIVE, it)) for it in calls] == [NOTHING_TO_DO] * 3
        desk.clock.advance(44)
        assert told(await desk.call(GO_LIVE)) == NOTHING_TO_DO
        desk.clock.advance(1)
        assert desk.sent == [GO_LIVE.sent]
        assert told(await desk.confirmed(GO_LIVE)) == RAN
        assert desk.sent == [GO_LIVE.sent] * 2
    assert desk.person.forms == []


async def test_a_go_live_that_was_sent_offline_can_be_sent_again_at_once(era: str) -> None:
    """The stop is an end to the start."""
    async with in_memory(era) as desk:
        await accepted(desk)
        await desk.confirmed(GO_OFFLINE)
        assert told(await desk.confirmed(GO_LIVE)) == RAN
        assert desk.sent == [GO_LIVE.sent, GO_OFFLINE.sent, GO_LIVE.sent]


async def test_a_yes_from_before_an_accepted_start_does_not_start_it_twice(era: str) -> None:
    """Three moderators have a preview each; one after the other says yes."""
    async with in_memory(era) as desk:
        desk.trax.faults.add(NOT_LIVE, times=None, path="*/stream-status")
        callers = (desk.plain, desk.other, desk.plain)
        yeses = [(it, await desk.confirmation(GO_LIVE, client=it)) for it in callers]
        results = [
            told(await desk.call(GO_LIVE, it, confirm=True, confirmation=yes)) for it, yes in yeses
        ]
        assert desk.sent == [GO_LIVE.sent]
    assert results == [RAN, NOTHING_TO_DO, NOTHING_TO_DO]
