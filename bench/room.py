"""What the control room asks of TRaX, how soon it knows, and what clients are told.

`python -m bench.room` measures it alone. Requests are counted in virtual time, and rooms look as
their script does.
"""

from __future__ import annotations

import asyncio
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import anyio

from bench.room_delays import BUSY, SILENCE, WAIT_SECONDS, delays, look_on, talk
from tests.support.product.virtual_time import VirtualLoop
from tests.walk.assistant import json_bytes
from tests.world.answers import text_of
from tests.world.room import FRIDAY, Room
from tests.world.world import MINE, Over, open_world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.world.caller import Caller

_MINUTES: Final = 5
_STATES: Final[dict[str, dict[str, Any]]] = {
    "on air, no room": {"rooms": 0},
    "off air, one room": {"live": False},
    "on air, one room, quiet chat": {"chatter": False},
    "on air, one room, a message a second": {},
    "the same, two rooms of two clients": {"rooms": 2},
    "the same, one room, scrolled out of sight": {"chat": False},
    "the same, one room, hidden or closed": {"leaves": True},
}
_FIELDS: Final = ("name", "description", "inputSchema")
"""What a model sees of a tool."""


def lines(*, is_quick: bool = False) -> Iterator[str]:
    """A line for each figure."""
    yield f"{'requests to TRaX in a minute':60}{'requests':>16}"
    for title, state in _STATES.items():
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            yield f"  {title:58}{runner.run(_requests(**state)):>16.1f}"
    yield f"{'seconds until the control room knows':44}{'median':>16}{'longest':>16}"
    busy, quiet, presses = (10, 1, 1) if is_quick else (120, 8, 5)
    measured = asyncio.run(delays(busy=busy, quiet=quiet, presses=presses))
    for title, seconds in measured.items():
        yield f"  {title:42}{median(seconds):>16.2f}{max(seconds):>16.2f}"
    yield f"{'what is sent for a control room':60}{'bytes':>16}"
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        for title, count in runner.run(_bytes()).items():
            yield f"  {title:58}{count:>16,}"


async def _requests(
    rooms: int = 1,
    *,
    live: bool = True,
    chatter: bool = True,
    leaves: bool = False,
    **options: object,
) -> float:
    """The requests of a minute, after the first."""
    async with open_world(virtual=True, over=Over.HTTP, apps=True) as it:
        it.trax.world.script = SILENCE
        callers = [await it.caller(MINE, apps=True) for _ in range(rooms)]
        async with anyio.create_task_group() as tasks:
            if live:
                it.trax.go_live()
            if live and chatter:
                tasks.start_soon(talk, it.trax, BUSY, {})
            hidden = anyio.Event()
            for caller in callers:
                tasks.start_soon(look_on, Room(caller), hidden, options)
            await anyio.sleep(60)
            if leaves:
                hidden.set()
                await anyio.sleep(WAIT_SECONDS)  # a look under way is answered
            before = len(it.calls)
            await anyio.sleep(60 * _MINUTES)
            tasks.cancel_scope.cancel()
        return (len(it.calls) - before) / _MINUTES


async def _bytes() -> dict[str, int]:
    async with open_world(MINE, virtual=True, page=True, apps=True) as it:
        it.trax.world.script = SILENCE
        it.trax.go_live()
        await anyio.sleep(60)
        app = await _tools(it[MINE])
        page = await _tools(await it.caller(MINE))
        opened = await it[MINE].call("open_control_room", studioId=FRIDAY)
        room = Room(it[MINE])
        first = await _answer(room)
        it.trax.say("Hello from Lisbon")
        message = await _answer(room)
        nothing = await _answer(room)
    async with open_world(MINE, virtual=True) as it:
        elsewhere = await _tools(it[MINE])
    for_app = {"watch_control_room", "press_in_control_room"}
    without_app = {name: count for name, count in app.items() if name not in for_app}
    of_panel = without_app.pop("answer_approval", 0)
    total = sum(elsewhere.values())
    return {
        "a model's list of tools without a control room": total,
        "more for a model where it is an app": sum(without_app.values()) - total,
        "more for a model where it is a page": sum(page.values()) - total,
        "more for the app alone": sum(app.values()) - sum(without_app.values()) - of_panel,
        "what a model reads when it opens one": len(text_of(opened).encode()),
        "the first answer to a look": first,
        "an answer with one message": message,
        "an answer without news": nothing,
    }


async def _tools(caller: Caller) -> dict[str, int]:
    listing = (await caller.client.list_tools()).model_dump(mode="json", by_alias=True)
    return {it["name"]: json_bytes({name: it[name] for name in _FIELDS}) for it in listing["tools"]}


async def _answer(room: Room) -> int:
    await room.look(wait=WAIT_SECONDS)
    return json_bytes(room.answer)


if __name__ == "__main__":
    for line in lines():
        print(line, flush=True)
