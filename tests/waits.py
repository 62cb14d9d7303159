"""One who waits for chat: a real client that calls the tool, and time that passes meanwhile.

It knows how one asks and what comes back, and no rule of when that is.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import anyio
import mcp
import pytest
from mcp.shared.exceptions import MCPError

from tests.audience import STUDIO, open_streams
from tests.conftest import OWNER, client_on
from tests.hand import HandClock, settled
from tests.meanwhile import begin
from tests.processes import PATIENCE_SECONDS
from tests.witness import still
from trax_mcp.server.app import ServerDeps, build_server
from trax_mcp.server.untrusted import NOTICE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    import mcp_types as types
    from anyio.abc import TaskGroup
    from mcp.shared.dispatcher import ProgressFnT

    from tests.audience import Viewer
    from tests.front import Front
    from trax_mcp.api.caller import Caller
    from trax_mcp.sandbox import Sandbox

Json = dict[str, Any]

TOOL: Final = "wait_for_chat_messages"

LONGEST_PAUSE: Final = 10.5
"""Until the loop has looked again where all is quiet: five times the shortest, and a step."""


@dataclass
class Waiter:
    """A client, the TRaX behind it, and the time of both."""

    client: mcp.Client
    trax: Sandbox
    clock: HandClock
    house: ServerDeps

    async def wait(
        self,
        after: str | None = None,
        /,
        *,
        studio: str = STUDIO,
        progress: ProgressFnT | None = None,
        **arguments: object,
    ) -> types.CallToolResult:
        """Call the tool; `after` is a cursor."""
        given: Json = {"studioId": studio, **arguments}
        if after is not None:
            given["after"] = after
        with anyio.fail_after(PATIENCE_SECONDS):
            return await self.client.call_tool(TOOL, given, progress_callback=progress)

    async def chat(self, after: str | None = None, /, **arguments: Any) -> Json:  # noqa: ANN401  as `wait`
        """The same where it must succeed; returns what it told."""
        return told(await self.wait(after, **arguments))

    async def cursor(self) -> str:
        """Where the chat stands now."""
        cursor: str = (await self.chat())["cursor"]
        return cursor

    def begin(
        self,
        tasks: TaskGroup,
        after: str | None = None,
        /,
        **arguments: Any,  # noqa: ANN401  as `wait`
    ) -> list[types.CallToolResult]:
        """Call it meanwhile; the result will stand in what this returns."""
        return begin(tasks, lambda: self.wait(after, **arguments))

    def begin_in_vain(self, tasks: TaskGroup, after: str) -> list[str]:
        """The same where the call must end as an error of the protocol, which will stand there."""

        async def fail() -> Any:  # noqa: ANN401  not what `begin` is for
            with pytest.raises(MCPError) as caught:
                await self.wait(after)
            return caught.value.error.message

        return begin(tasks, fail)

    async def took(self, results: Sequence[object], *, most: float = 120) -> float:
        """Let time pass until there is a result; how many seconds that took."""
        await settled()
        began = self.clock.seconds()
        await self.clock.pass_until(lambda: results, most=most)
        return self.clock.seconds() - began

    def say(self, *texts: str, studio: str = STUDIO) -> list[Json]:
        """Let a viewer say these; returns them as TRaX tells them."""
        world = self.trax.world
        return [dict(world.say(studio, text, author="Ann").shown()) for text in texts]

    @property
    def looks(self) -> int:
        """How often TRaX was asked for anything."""
        return len(self.trax.requests)


@asynccontextmanager
async def waiting(
    era: str,
    *,
    caller: Caller = OWNER,
    trax: Sandbox | None = None,
    **chosen: Any,  # noqa: ANN401  as `ServerDeps`
) -> AsyncIterator[Waiter]:
    """A client in this process, on a sandbox where time passes only when the test says so."""
    trax = trax or still()
    clock = HandClock(trax, short_seconds=0)
    house = ServerDeps(clock=clock, **chosen)
    server = build_server(client_on(trax), own=caller, house=house)
    async with mcp.Client(server, mode=era, cache=None) as client:
        yield Waiter(client, trax, clock, house)


def told(result: types.CallToolResult) -> Json:
    """What a successful call told."""
    assert not result.is_error, result.content
    chat: Json = result.structured_content or {}
    return chat


def failure(result: types.CallToolResult) -> Json:
    """What a failed call told."""
    assert result.is_error, result.structured_content
    error: Json = (result.structured_content or {})["error"]
    return error


def shown(cursor: object, *messages: Json, missed: bool = False) -> Json:
    """What the tool tells of these messages, in this order."""
    told: Json = {"notice": NOTICE, "studioId": STUDIO, "messages": list(messages)}
    return {**told, "cursor": cursor, "missed": missed}


async def wait_as(viewer: Viewer, cursor: str) -> types.CallToolResult:
    """Wait as this client."""
    return await viewer.client.call_tool(TOOL, {"studioId": STUDIO, "after": cursor})


async def under_way(front: Front, calls: int) -> None:
    """Wait until so many calls are; open streams count as calls, and are older."""
    streams = open_streams(front)
    await on_the_wire(lambda: len(front.house.in_flight._scopes) == streams + calls)


async def arrived(waits: Sequence[Sequence[object]]) -> None:
    """Wait until each has a result: it has been sent, and takes no time of the test's."""
    await on_the_wire(lambda: all(waits))


async def on_the_wire(done: Callable[[], bool]) -> None:
    """Wait for what is on its way through a socket."""
    with anyio.fail_after(PATIENCE_SECONDS):
        while not done():
            await anyio.lowlevel.checkpoint()
