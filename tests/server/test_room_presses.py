"""What a person presses in the control room: the operations themselves, each through the guard."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import anyio
import pytest

from tests.support.product.software_passkey import SoftwarePasskey
from tests.support.product.virtual_time import in_virtual_time
from tests.support.simulated_person import Person
from tests.world.answers import data_of, outcome
from tests.world.panel import TICKET, Panel, open_panel
from tests.world.room import Room
from tests.world.world import COLLEAGUE, MINE, open_world

FRIDAY: Final = {"studioId": "studio_42"}
with_room: Final = partial(open_world, MINE, apps=True)

STAYS: Final = "It stays off for later shows."
UNSEEN: Final = "TRaX can't confirm that it appeared."
FREE: Final[dict[str, tuple[dict[str, Any], str, str]]] = {
    "update_destination": (
        {"destId": "dest_2", "enabled": False},
        "PATCH /v1/studios/studio_42/destinations/dest_2",
        f'Done. Turned off "Late crowd" (Twitch) in "Friday Night Show". {STAYS}',
    ),
    "update_source": (
        {"sourceId": "source_1", "active": False},
        "PATCH /v1/studios/studio_42/sources/source_1",
        f'Done. Turned off "Host camera" in "Friday Night Show". {STAYS}',
    ),
    "send_chat_message": (
        {"text": "Hello"},
        "POST /v1/studios/studio_42/chat/messages",
        f"Done. Sent to the chat of the studio on every platform that's on. {UNSEEN}",
    ),
}
"""Presses that ask nothing while the studio is off air: arguments, request, and outcome."""

GUARDED: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "go_live": ({}, "POST /v1/studios/studio_42/go-live"),
    "go_offline": ({}, "POST /v1/studios/studio_42/go-offline"),
    "update_destination": FREE["update_destination"][:2],
    "update_source": FREE["update_source"][:2],
}
"""Those that ask, all but go_live on air: arguments and request."""


def never(_params: Any) -> Any:  # noqa: ANN401  as the SDK has it
    """A form that must not be shown."""
    raise AssertionError("a form was shown")


@pytest.mark.parametrize("press", FREE)
async def test_off_air_a_switch_and_a_message_ask_nothing(era: str, press: str) -> None:
    arguments, request, told = FREE[press]
    async with with_room(era=era) as it:
        assert await Room(it[MINE]).outcome(press, **arguments) == told
        assert it.sent == [request]


@pytest.mark.parametrize("press", GUARDED)
async def test_what_needs_approval_is_asked_in_the_room_and_in_no_form(
    era: str, press: str
) -> None:
    """The client shows forms too, which come first in `TRAX_ASK`."""
    arguments, request = GUARDED[press]
    person = Person(never)
    async with with_room(era=era, person=person) as it:
        if press != "go_live":
            it.trax.go_live()
            it.hand_clock.advance(5)
        room = Room(it[MINE])
        card = await room.card(press, **arguments)
        assert card.state["phase"] == "open"
        assert it.sent == []
        told = await card.press(card.yes)
        assert told["phase"] == "ended", told
        assert it.sent == [request]


async def test_a_no_sends_nothing_and_holds_up_no_further_press_of_a_person() -> None:
    """The model is still held up."""
    async with with_room(TRAX_ASK="panel,preview") as it:
        room = Room(it[MINE])
        for _ in range(3):
            card = await room.card("go_live")
            assert (await card.press(card.no))["outcome"] == "You said no. Nothing was sent."
        told = [outcome(await it[MINE].call("go_live")) for _ in range(2)]
        assert told == [("declined", "declined"), ("declined", "recently_declined")]
        card = await room.card("go_live")
        await card.press(card.yes)
        assert it.sent == ["POST /v1/studios/studio_42/go-live"]
        assert "has been on air" in await room.outcome("go_live")


async def test_after_four_noes_a_press_waits_a_minute_but_no_stop_does() -> None:
    """A model can press, too: nobody is asked about the same without an end."""
    async with with_room() as it:
        room = Room(it[MINE])
        for _ in range(4):
            card = await room.card("go_live")
            await card.press(card.no)
        told = "You've said no to this several times. Nothing was sent. Try again in a minute."
        assert await room.outcome("go_live") == told
        it.trax.go_live()
        it.hand_clock.advance(5)
        for _ in range(6):
            stop = await room.card("go_offline")
            await stop.press(stop.no)
        it.trax.go_offline()
        it.hand_clock.advance(60)
        await room.card("go_live")
        assert it.sent == []


REFUSED: Final[dict[str, dict[str, Any]]] = {
    "another tool": {"press": "delete_destination", "arguments": {"destId": "dest_1"}},
    "an app's tool": {"press": "answer_approval", "arguments": {}},
    "confirm": {"press": "go_live", "arguments": {"confirm": True}},
    "another studio": {"press": "go_live", "arguments": {"studioId": "studio_43"}},
    "another argument": {
        "press": "update_destination",
        "arguments": {"destId": "dest_1", "enabled": True, "rtmpUrl": "rtmp://example.com"},
    },
    "an argument of another": {"press": "go_live", "arguments": {"text": "Hello"}},
    "too few": {"press": "update_destination", "arguments": {"destId": "dest_1"}},
    "one of a wrong type": {"press": "send_chat_message", "arguments": {"text": 5}},
    "platforms": {"press": "send_chat_message", "arguments": {"text": "a", "platforms": ["x"]}},
    "nothing": {},
}


async def test_a_press_that_no_room_has_is_refused_and_sends_nothing() -> None:
    async with with_room(TRAX_ASK="panel,preview") as it:
        for name, arguments in REFUSED.items():
            result = await it[MINE].call("press_in_control_room", **FRIDAY, **arguments)
            assert result.is_error, name
            assert data_of(result) == {
                "outcome": "This press couldn't be read. Nothing was sent."
            }, name
        assert it.sent == []


async def test_a_model_that_presses_gets_a_question_for_people_and_no_ticket() -> None:
    """Only the client's promise keeps a model from an app's tool."""
    async with with_room() as it:
        for press in ("go_live", "go_offline"):
            result = await Room(it[MINE]).press(press)
            ticket = str((result.meta or {})[TICKET])
            assert ticket not in result.model_copy(update={"meta": None}).model_dump_json()
            assert it.sent == []
        room = Room(it[MINE])
        await room.look()
        assert len(room.tickets) == 2
        assert all(ticket not in str(room.answer) for ticket in room.tickets)


# Questions of the model


async def test_a_question_of_the_model_is_shown_in_the_room_and_answered_once() -> None:
    async with with_room(TRAX_ASK="panel,preview") as it:
        room = Room(it[MINE])
        await room.look()
        assert room.tickets == []
        panel = await open_panel(it[MINE], "go_live")
        await room.look()
        assert room.tickets == [panel.ticket]
        card = await room.shown(room.tickets[0])
        assert "You're live" in (await card.press(card.yes))["outcome"]
        await room.look()
        assert room.tickets == []
        assert "You're live" in (await panel.look())["outcome"]
        assert it.sent == ["POST /v1/studios/studio_42/go-live"]


@in_virtual_time
async def test_a_room_that_waits_learns_of_a_question_at_once() -> None:
    async with with_room(virtual=True, TRAX_ASK="panel,preview") as it:
        room = Room(it[MINE])
        await room.look()
        wait = room.wait()
        await anyio.sleep(3)
        panel = await open_panel(it[MINE], "go_live")
        await anyio.sleep(0.5)
        assert wait.has_ended
        room.keep(await wait.result())
        assert room.tickets == [panel.ticket]


async def test_questions_of_others_and_about_other_studios_are_not_shown() -> None:
    async with open_world(MINE, COLLEAGUE, apps=True, TRAX_ASK="panel,preview") as it:
        it.trax.add_studio("Morning Show", record_id="studio_43")
        await open_panel(it[COLLEAGUE], "go_live")
        await open_panel(it[MINE], "go_live", studioId="studio_43")
        room = Room(it[MINE])
        await room.look()
        assert room.tickets == []


async def test_a_press_joins_the_question_that_the_model_has_opened_about_the_same() -> None:
    async with with_room(TRAX_ASK="panel,preview") as it:
        panel = await open_panel(it[MINE], "go_live")
        card = await Room(it[MINE]).card("go_live")
        assert card.ticket == panel.ticket


# Stops


async def test_a_stop_is_asked_and_sent_while_another_question_is_open() -> None:
    async with with_room(TRAX_ASK="panel,preview") as it:
        it.trax.go_live()
        it.hand_clock.advance(5)
        room = Room(it[MINE])
        other = await room.card("update_destination", destId="dest_2", enabled=False)
        stop = await room.card("go_offline")
        assert stop.state["isStop"] is True
        await room.look()
        assert set(room.tickets) == {other.ticket, stop.ticket}
        await stop.press(stop.yes)
        assert it.sent == ["POST /v1/studios/studio_42/go-offline"]


async def test_a_stop_that_the_model_asks_about_again_is_told_as_sent_where_it_was() -> None:
    """The model's question takes the place of the card that the person still sees."""
    async with with_room(TRAX_ASK="panel,preview") as it:
        it.trax.go_live()
        it.hand_clock.advance(5)
        card = await Room(it[MINE]).card("go_offline")
        await open_panel(it[MINE], "go_offline")
        ended = await card.press(card.yes)
        assert it.sent == ["POST /v1/studios/studio_42/go-offline"]
        assert "Nothing was sent" not in ended["outcome"]
        assert "off air" in ended["outcome"].lower()


async def test_the_press_of_a_stop_brings_its_question_so_no_other_request_can_hold_it_up() -> None:
    async with with_room() as it:
        it.trax.go_live()
        it.hand_clock.advance(5)
        pressed = await Room(it[MINE]).press("go_offline")
        card = Panel(it[MINE], str((pressed.meta or {})[TICKET]))
        question = data_of(pressed)["question"]
        assert data_of(pressed) == {"asking": True, "question": question}
        assert question == await card.look()
        assert card.ticket not in str(question)
        other = await Room(it[MINE]).press("update_destination", destId="dest_2", enabled=False)
        assert data_of(other) == {"asking": True}


@in_virtual_time
async def test_a_stop_works_where_the_store_is_away() -> None:
    """All that it needs is in its ticket; the card says what was read for it."""
    async with with_room(virtual=True, replicas=2) as it:
        it.trax.go_live()
        await anyio.sleep(5)
        room = Room(it[MINE])
        await room.look()
        it.replicas[0].engine.is_away = True
        asked = await room.press("go_offline")
        assert data_of(asked)["question"]["phase"] == "open"
        card = await room.shown(str((asked.meta or {})[TICKET]))
        assert card.state["phase"] == "open"
        assert "Friday Night Show" in str(card.state["headline"])
        began = len(it.arrived)
        pressed = await card.press(card.yes)
        assert pressed["phase"] == "ended", pressed
        assert not it.is_live
        assert len(it.arrived) == began + 1
        refused = data_of(await room.press("go_live"))["outcome"]
        assert "doesn't answer" in refused


@pytest.mark.parametrize("has_page", [True, False])
async def test_with_a_passkey_a_stop_is_asked_in_the_room_and_a_start_on_the_page(
    has_page: bool,  # noqa: FBT001  pytest's own way
) -> None:
    async with with_room(page=has_page, passkey=SoftwarePasskey()) as it:
        room = Room(it[MINE])
        told = await room.outcome("go_live")
        assert ("on the page" in told) is has_page, told
        assert has_page or "passkey" in told
        if has_page:
            question = await it.open_page.next()
            assert question.yes == "Go live on YouTube and Twitch"
            await room.look()
            assert room.tickets == []
        it.trax.go_live()
        it.hand_clock.advance(5)
        stop = await room.card("go_offline")
        await stop.press(stop.yes)
        assert it.sent == ["POST /v1/studios/studio_42/go-offline"]


async def test_a_press_that_fails_says_so_in_words_for_a_person() -> None:
    async with with_room() as it:
        it.trax.remove("dest_2")
        result = await Room(it[MINE]).press("update_destination", destId="dest_2", enabled=True)
        assert result.is_error
        told = data_of(result)["outcome"]
        assert told.startswith("It didn't work. "), told
        assert "_" not in told.replace("dest_2", "")
