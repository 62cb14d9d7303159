"""The control room as an app: what it shows, and how often TRaX is asked for it.

`test_room_presses` has what a person presses there, `proof/browser` draws it in a real browser.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest

from tests.support.product.software_passkey import SoftwarePasskey
from tests.support.product.virtual_time import in_virtual_time
from tests.world.answers import data_of, text_of
from tests.world.room import Room
from tests.world.world import CUSTOMER, MINE, open_world

if TYPE_CHECKING:
    from tests.world.world import World

URI: Final = "ui://trax/room.html"
OPEN: Final = "open_control_room"
FRIDAY: Final = {"studioId": "studio_42"}
ROOM: Final = [OPEN, "watch_control_room", "press_in_control_room"]
PARTS: Final = ("", "/destinations", "/sources")
in_room: Final = partial(open_world, MINE, apps=True, virtual=True)


async def offered(it: World) -> list[str]:
    """The tools and the resource of the room that a client is offered."""
    client = it[MINE].client
    tools = [tool.name for tool in (await client.list_tools()).tools]
    uris = [str(resource.uri) for resource in (await client.list_resources()).resources]
    return [name for name in (*tools, *uris) if name in {*ROOM, URI}]


# Who is offered a room


@pytest.mark.parametrize(
    "options",
    [{}, {"TRAX_ASK": "page,panel"}, {"TRAX_READ_ONLY": "1"}, {"passkey": SoftwarePasskey()}],
    ids=["as it comes", "page first", "read only", "a passkey"],
)
async def test_a_client_that_draws_apps_is_offered_a_room(
    era: str, options: dict[str, Any]
) -> None:
    async with open_world(MINE, apps=True, era=era, **options) as it:
        assert await offered(it) == [*ROOM, URI]


OFFERED_NONE: Final[dict[str, dict[str, Any]]] = {
    "other clients": {"apps": False},
    "TRAX_ASK without panel": {"TRAX_ASK": "form,page,preview"},
    "TRAX_ASK=preview": {"TRAX_ASK": "preview"},
    "TRAX_ASK=confirm_alone": {"TRAX_ASK": "confirm_alone"},
    "TRAX_TOOLS without check_studio": {"TRAX_TOOLS": "go_live,go_offline"},
}


@pytest.mark.parametrize("options", OFFERED_NONE.values(), ids=OFFERED_NONE)
async def test_others_are_offered_none_and_can_call_none(options: dict[str, Any]) -> None:
    async with open_world(MINE, **{"apps": True, **options}) as it:
        assert await offered(it) == []
        for tool in ROOM:
            with pytest.raises(Exception, match="There is no such tool"):
                await it[MINE].call(tool, **FRIDAY)


async def test_a_model_reads_at_most_500_bytes_of_it() -> None:
    async with open_world(MINE, apps=True) as it:
        tools = {tool.name: tool for tool in (await it[MINE].client.list_tools()).tools}
    listed = tools[OPEN].model_dump(mode="json", by_alias=True, exclude_none=True)
    assert len(json.dumps(listed, separators=(",", ":")).encode()) <= 500
    assert [(tools[name].meta or {})["ui"].get("visibility") for name in ROOM] == [
        None,
        ["app"],
        ["app"],
    ]


async def test_a_model_that_opens_it_reads_one_sentence(era: str) -> None:
    async with open_world(MINE, apps=True, era=era) as it:
        opened = await it[MINE].call(OPEN, **FRIDAY)
        assert opened.structured_content == FRIDAY
        assert text_of(opened) == (
            "The user now sees the control room. Don't repeat what it shows."
            ' "Friday Night Show" is off air, with YouTube and Twitch on.'
        )


async def test_a_room_that_cannot_be_opened_says_why_as_check_studio_does() -> None:
    async with open_world(MINE, "", apps=True) as it:
        for key, arguments in ((MINE, {"studioId": "studio_0"}), ("", FRIDAY)):
            opened = await it[key].call(OPEN, **arguments)
            checked = await it[key].call("check_studio", **arguments)
            assert opened.is_error
            assert data_of(opened)["error"]["code"] == data_of(checked)["error"]["code"]
        wrong = await it[MINE].call("watch_control_room", **FRIDAY, waitSeconds=600)
        assert wrong.is_error


async def test_a_model_reads_since_when_a_studio_is_on_air_and_no_duration() -> None:
    async with open_world(MINE, apps=True) as it:
        it.trax.go_live()
        it.hand_clock.advance(300)
        opened = text_of(await it[MINE].call(OPEN, **FRIDAY))
        assert '"Friday Night Show" has been on air since ' in opened
        assert "minutes" not in opened


# What it shows


OFF_AIR: Final[dict[str, Any]] = {
    "name": "Friday Night Show",
    "practice": False,
    "live": False,
    "since": None,
    "starting": False,
    "ready": True,
    "destinations": [
        {"id": "dest_3", "name": "Kick (trying out)", "platform": "kick", "enabled": False},
        {"id": "dest_2", "name": "Late crowd", "platform": "twitch", "enabled": True},
        {"id": "dest_1", "name": "Main channel", "platform": "youtube", "enabled": True},
    ],
    "sources": [
        {"id": "source_2", "name": "Guest feed", "type": "rtmp", "active": False},
        {"id": "source_1", "name": "Host camera", "type": "webcam", "active": True},
        {"id": "source_3", "name": "Intro clip", "type": "media", "active": True},
    ],
    "problems": [],
    "unknown": [],
    "can": dict.fromkeys(
        ("go_live", "go_offline", "update_destination", "update_source", "send_chat_message"),
        True,
    ),
    "hasChat": True,
    "chatTrouble": None,
    "trouble": None,
    "stale": False,
    "ended": False,
}


@in_virtual_time
async def test_it_shows_the_studio_and_then_only_what_is_new() -> None:
    async with in_room() as it:
        room = Room(it[MINE])
        assert await room.look() == OFF_AIR
        assert [said["author"] for said in room.chat] == ["Ada", "old_timer", "Lin"]
        await room.look()
        assert "state" not in room.answer
        assert room.answer["chat"]["messages"] == []
        it.trax.change("dest_2", enabled=False)
        it.trax.go_live()
        await room.look(wait=25)
        await anyio.sleep(5)
        state = await room.look(again=True)
        assert (state["live"], state["since"] is not None, state["ready"]) == (True, True, None)
        assert [to["enabled"] for to in state["destinations"]] == [False, False, True]


@in_virtual_time
async def test_a_wait_ends_with_what_a_viewer_says() -> None:
    async with in_room() as it:
        room = Room(it[MINE])
        await room.look()
        wait = room.wait()
        await anyio.sleep(3)
        it.trax.say("Hello", author="Ann")
        room.keep(await wait.result())
        assert [(said["author"], said["text"]) for said in room.chat[3:]] == [("Ann", "Hello")]
        sent = await it[MINE].call("send_chat_message", text="Hi Ann")
        assert not sent.is_error
        await room.look(wait=5)
        assert room.chat[-1]["own"] is True


HOSTILE: Final = {
    "\u202egnp.exe": "\\u202egnp.exe",
    "one\ntwo": "one two",
    "a" + "\u0301" * 120: "a" + "\u0301" * 4,
    "<img src=x onerror=alert(1)>": "<img src=x onerror=alert(1)>",
    'say "hi" to https://example.com': 'say "hi" to https://example.com',
    "x" * 3000: "x" * 499 + "…",
}


@in_virtual_time
async def test_what_strangers_write_is_one_line_with_nothing_hidden() -> None:
    async with in_room() as it:
        it.trax.change("dest_1", name="\u202eniam")
        room = Room(it[MINE])
        assert "\\u202eniam" in [to["name"] for to in (await room.look())["destinations"]]
        for text in HOSTILE:
            it.trax.say(text)
        await anyio.sleep(6)
        await room.look(again=True)
        assert [said["text"] for said in room.chat[3:]] == [*HOSTILE.values()]


@in_virtual_time
async def test_a_caller_who_may_only_look_gets_no_buttons() -> None:
    async with in_room(TRAX_READ_ONLY="1") as it:
        room = Room(it[MINE])
        assert set((await room.look())["can"].values()) == {False}
        assert "TRAX_READ_ONLY" in data_of(await room.press("go_live"))["outcome"]
    async with in_room(TRAX_TOOLS="check_studio,go_offline") as it:
        room = Room(it[MINE])
        state = await room.look()
        assert [name for name, can in state["can"].items() if can] == ["go_offline"]
        assert (state["hasChat"], "chat" in room.answer) == (False, False)


@in_virtual_time
async def test_a_room_of_somebody_else_shows_nothing() -> None:
    async with open_world(MINE, CUSTOMER, apps=True, virtual=True) as it:
        state = await Room(it[CUSTOMER]).look()
        assert (state["ended"], state["name"], state["destinations"]) == (True, None, None)
        assert "chat" not in Room(it[CUSTOMER]).answer
