"""How soon a control room knows, in real time: a process over HTTP, and the sandbox behind it."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from random import Random
from typing import TYPE_CHECKING, Any, Final

import anyio

from tests.support.product.sandbox import Line, Sandbox, Script
from tests.world.room import Room
from tests.world.world import MINE, Over, open_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

    from tests.world.world import World

WAIT_SECONDS: Final = 25.0
_PAUSE_SECONDS: Final = 0.3
BUSY: Final = (0.6, 1.4)
_QUIET: Final = (14.0, 20.0)
"""The shortest and the longest time between two messages, in seconds."""
SILENCE: Final = Script(10**9, (Line(10**8, "youtube", "Ada", "yt-ada", "Still there?"),))
_TO_LIVE: Final = "from an approval to ON AIR"
_TO_OFF: Final = "from an approval to OFF AIR"
_TO_WIRE: Final = "from the approval of a stop to TRaX"

Delays = dict[str, list[float]]


async def look_on(room: Room, hidden: anyio.Event, options: dict[str, Any]) -> None:
    """Look as the room's script does, until it is hidden."""
    wait = 0.0
    while not hidden.is_set():
        await room.look(wait=wait, **options)
        wait = WAIT_SECONDS
        await anyio.sleep(_PAUSE_SECONDS)


async def talk(trax: Sandbox, between: tuple[float, float], said: dict[str, float]) -> None:
    """Let a viewer write. `said` gets the time of each message."""
    chance = Random(1)  # noqa: S311  no secret
    while True:
        await anyio.sleep(chance.uniform(*between))
        text = f"message {len(said)}"
        said[text] = time.monotonic()
        trax.say(text)


async def delays(*, busy: int, quiet: int, presses: int) -> Delays:
    """The seconds of so many messages in a busy and in a quiet chat, and of so many presses."""
    found: Delays = {}

    async def keep(title: str, measured: Coroutine[None, None, list[float]]) -> None:
        found[title] = await measured

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(keep, "from a message, one a second", _chat(BUSY, busy))
        tasks.start_soon(keep, "from a message after 14 to 20 seconds", _chat(_QUIET, quiet))
    return found | await _presses(presses)


@asynccontextmanager
async def _show() -> AsyncIterator[tuple[World, Room]]:
    trax = Sandbox(rate_limit=None)
    trax.world.script = SILENCE
    async with open_world(MINE, trax=trax, over=Over.PROCESS, apps=True) as it:
        yield it, Room(it[MINE])


async def _chat(between: tuple[float, float], count: int) -> list[float]:
    said: dict[str, float] = {}
    seen: dict[str, float] = {}
    async with _show() as (it, room):
        it.trax.go_live()
        await room.look()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(talk, it.trax, between, said)
            while len(seen) < count:
                await room.look(wait=WAIT_SECONDS)
                now, chat = time.monotonic(), room.answer.get("chat", {"messages": []})
                texts = {message["text"] for message in chat["messages"]} & said.keys()
                seen |= {text: now - said[text] for text in texts}
                await anyio.sleep(_PAUSE_SECONDS)
            tasks.cancel_scope.cancel()
    return list(seen.values())


async def _presses(times: int) -> Delays:
    found: Delays = {_TO_LIVE: [], _TO_OFF: [], _TO_WIRE: []}
    async with _show() as (it, room), anyio.create_task_group() as tasks:
        tasks.start_soon(look_on, room, anyio.Event(), {})
        for _ in range(times):
            _, to_live = await _approve(it, room, "go_live")
            to_wire, to_off = await _approve(it, room, "go_offline")
            for title, seconds in zip(found, (to_live, to_off, to_wire), strict=True):
                found[title].append(seconds)
        tasks.cancel_scope.cancel()
    return found


async def _approve(it: World, room: Room, press: str) -> tuple[float, float]:
    """Press and approve. Returns the seconds until TRaX was told, and until the room knew."""
    hand = Room(it[MINE])
    card = await hand.card(press)
    await anyio.sleep(card.state["readingSeconds"])
    began = time.time()
    await card.press(card.yes)
    await hand.look(again=True)  # as the script does once a card is over
    while room.state.get("live") is not (press == "go_live"):  # noqa: ASYNC110  it can only be asked
        await anyio.sleep(0.01)
    return it.trax.mutations[-1].at - began, time.time() - began
