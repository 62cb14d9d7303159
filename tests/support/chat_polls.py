"""When TRaX was asked for a chat or a status, and what who listens reads then."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from tests.support.product.shared_clock import STEP_SECONDS, settled
from tests.support.resource_reads import CHAT
from tests.world.world import Over, open_world

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.world.caller import Caller
    from tests.world.world import World

CHAT_PATH: Final = "/v1/studios/studio_42/chat/messages"
STATUS_PATH: Final = "/v1/studios/studio_42/stream-status"

LONGEST: Final = 10
"""The longest pause between two polls without a change, in seconds."""
QUIET: Final = 25
"""Two of them, and a step."""

open_polled = partial(open_world, over=Over.HTTP, short_seconds=0)
"""A world over sockets, in which polls wait for the test to move the clock."""


def poll_count(it: World, path: str = CHAT_PATH) -> int:
    """How many requests TRaX received for a path."""
    return sum(request.path == path for request in it.trax.requests)


async def poll_times(
    it: World,
    seconds: float,
    path: str = CHAT_PATH,
    *,
    meanwhile: Callable[[], object] = lambda: None,
) -> list[float]:
    """Let time pass. Return the times of the requests to a path, in seconds from the start."""
    await settled()
    times: list[float] = []
    start = it.hand_clock.seconds()
    while (elapsed := it.hand_clock.seconds() - start) < seconds:
        before = poll_count(it, path)
        meanwhile()
        await it.hand_clock.pass_by(STEP_SECONDS)
        times += [elapsed + STEP_SECONDS] * (poll_count(it, path) - before)
    return times


def intervals(times: Sequence[float]) -> list[float]:
    """The seconds between successive requests."""
    return [later - earlier for earlier, later in pairwise(times)]


async def cursor_of(caller: Caller) -> str:
    """The chat's current cursor."""
    return str((await caller.read(CHAT))["cursor"])


async def texts_after(caller: Caller, cursor: str) -> list[str]:
    """The texts of the messages after a cursor. Checks that none is missing."""
    read = await caller.read(CHAT, after=cursor)
    assert not read["missed"]
    return [message["text"] for message in read["messages"]]
