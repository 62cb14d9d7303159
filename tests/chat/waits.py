"""Calls of `wait_for_chat_messages` in a world whose time the test moves."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from tests.support.hostile_texts import NOTICE
from tests.support.product.shared_clock import settled
from tests.world.answers import data_of
from tests.world.world import MINE, open_world

if TYPE_CHECKING:
    import mcp_types as types

    from tests.world.caller import BackgroundCall
    from tests.world.world import World

Json = dict[str, Any]

TOOL: Final = "wait_for_chat_messages"
STUDIO: Final = "studio_42"
SILENT: Final = "studio_60"
"""A studio without a chat message."""

LONGEST_PAUSE: Final = 10.5
"""The longest time until the next poll, in seconds: five times the shortest, and a step."""

open_chat = partial(open_world, MINE, short_seconds=0)
"""A world in which polls wait for the test to move the clock."""


async def wait(it: World, after: str | None = None, /, **more: object) -> types.CallToolResult:
    """Call the tool, with a cursor. Gathers nothing unless `gatherSeconds` is given."""
    return await it[MINE].call(TOOL, **_arguments(after, more))


async def chat(it: World, after: str | None = None, /, **more: object) -> Json:
    """The same; returns the chat."""
    return chat_of(await wait(it, after, **more))


def begin(it: World, after: str | None = None, /, **more: object) -> BackgroundCall:
    """Call it in the background."""
    return it[MINE].start(TOOL, **_arguments(after, more))


async def end_of(it: World, *waits: BackgroundCall) -> float:
    """Let time pass until all have ended. Returns the elapsed seconds."""
    await settled()
    start = it.hand_clock.seconds()
    await it.hand_clock.pass_until(lambda: all(each.has_ended for each in waits))
    return it.hand_clock.seconds() - start


def say(it: World, *texts: str, studio: str = STUDIO) -> list[Json]:
    """Add chat messages by a viewer. Returns them as TRaX sends them."""
    return [it.trax.say(text, studio=studio) for text in texts]


def chat_of(result: types.CallToolResult) -> Json:
    """The chat in a result, without the time of the answer."""
    assert not result.is_error, result.content
    found = data_of(result)
    return {name: found[name] for name in found if name != "now"}


def expected_chat(
    cursor: object, *messages: Json, waited: float = 0, gathered: float = 0, missed: bool = False
) -> Json:
    """The answer of the tool with these messages."""
    return {
        "notice": NOTICE,
        "studioId": STUDIO,
        "messages": list(messages),
        "cursor": cursor,
        "missed": missed,
        "waitedSeconds": waited,
        "gatheredSeconds": gathered,
    }


def _arguments(after: str | None, more: Json) -> Json:
    return {"gatherSeconds": 0, **({} if after is None else {"after": after}), **more}
