"""A server and everybody around a guarded call: clients that can and cannot ask, another caller.

It knows how consent looks from outside, and no rule of when it is enough.
"""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Protocol
from unittest.mock import patch

import anyio
import mcp_types as types
from mcp import Client

from tests.acts import ALSO
from tests.conftest import OWNER, client_on
from tests.hand import HandClock
from tests.person import Person
from tests.processes import PATIENCE_SECONDS
from tests.witness import still
from trax_mcp.api.caller import Caller
from trax_mcp.consent.rules import Mode, Rules
from trax_mcp.sandbox import World
from trax_mcp.sandbox.keys import ACCOUNT, SCOPES
from trax_mcp.sandbox.records import Key
from trax_mcp.server import tools
from trax_mcp.server.app import ServerDeps, build_guard, build_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    import httpx
    from mcp.client.session import MessageHandlerFnT
    from mcp.server import Server

    from tests.acts import Act
    from trax_mcp.api.client import Client as Trax
    from trax_mcp.sandbox import Sandbox

_made_once = cache(tools._tool)
"""Tools are the same in every house, and what takes longest to make."""

SECOND_KEY: Final = "sk_live_sandbox_second"
"""Another key of the same account: it may and sees all that the first may and sees."""


class Time(Protocol):
    """Time that can be let pass."""

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass."""


@dataclass(slots=True)
class Desk:
    """A server and those who call it: `plain` cannot ask a person, `asking` can, and asks `person`.

    `other` is another caller, who cannot ask.
    """

    trax: Sandbox
    clock: Time
    plain: Client
    asking: Client
    other: Client
    person: Person
    house: ServerDeps = field(default_factory=ServerDeps)

    async def call(
        self, act: Act, client: Client | None = None, /, **evidence: object
    ) -> types.CallToolResult:
        """Make a call by `plain` or another client, with `confirm` and `confirmation` as given."""
        with anyio.fail_after(PATIENCE_SECONDS):
            return await (client or self.plain).call_tool(act.tool, {**act.arguments, **evidence})

    async def confirmation(self, act: Act, *, client: Client | None = None) -> str:
        """Have an act shown, and take the confirmation from the preview."""
        shown = (await self.call(act, client)).structured_content or {}
        confirmation: str = shown["confirmation"]
        return confirmation

    async def confirmed(self, act: Act) -> types.CallToolResult:
        """Have an act shown, and say yes to it."""
        return await self.call(act, confirm=True, confirmation=await self.confirmation(act))

    async def question(self, act: Act) -> types.InputRequiredResult:
        """Have a person asked, in the era where the question is the call's result."""
        asked = await self.answer(act)
        assert isinstance(asked, types.InputRequiredResult), asked
        return asked

    async def answer(
        self,
        act: Act,
        state: str | None = None,
        responses: types.InputResponses | None = None,
        *,
        client: Client | None = None,
    ) -> types.CallToolResult | types.InputRequiredResult:
        """Call with what answers a question that went out before, in the later era."""
        with anyio.fail_after(PATIENCE_SECONDS):
            return await (client or self.asking).session.call_tool(
                act.tool,
                act.arguments,
                input_responses=responses,
                request_state=state,
                allow_input_required=True,
            )

    @property
    def sent(self) -> list[str]:
        """Every change that has reached TRaX, whatever came of it."""
        return [f"{it.method} {it.path}" for it in self.trax.mutations]


@asynccontextmanager
async def in_memory(
    era: str,
    *,
    mode: Mode = Mode.AUTO,
    audit: Path | None = None,
    transport: Callable[[Sandbox], httpx.AsyncBaseTransport] | None = None,
    timeout_seconds: float = 5,
    hears: MessageHandlerFnT | None = None,
) -> AsyncIterator[Desk]:
    """A desk in this process, on a sandbox whose clock stands still until somebody waits.

    `hears` is what `asking` does with the server's notifications.
    """
    trax = peopled()
    clock, person = HandClock(trax), Person()
    house = ServerDeps(rules=Rules(mode, ALSO), audit_log=audit, clock=clock)
    way = transport(trax) if transport else None
    mine, theirs = servers(client_on(trax, transport=way, timeout_seconds=timeout_seconds), house)
    async with (
        Client(mine, mode=era, cache=None) as plain,
        Client(
            mine, mode=era, cache=None, elicitation_callback=person, message_handler=hears
        ) as asking,
        Client(theirs, mode=era, cache=None) as other,
    ):
        yield Desk(trax, clock, plain, asking, other, person, house)


def servers(client: Trax, house: ServerDeps) -> tuple[Server[Any], Server[Any]]:
    """One house for two callers, who have a server each: in memory a server has only one."""
    road = build_guard(client, house)
    with (
        patch("trax_mcp.server.app.build_guard", lambda *_: road),
        patch("trax_mcp.server.tools._tool", _made_once),
    ):
        mine = build_server(client, own=OWNER, house=house)
        theirs = build_server(client, own=Caller(SECOND_KEY), house=house)
    return mine, theirs


def peopled() -> Sandbox:
    """A seeded sandbox with a second key."""
    trax = still()
    trax.world.keys[SECOND_KEY] = Key(SECOND_KEY, "second", ACCOUNT, SCOPES)
    return trax


def restore(trax: Sandbox) -> None:
    """Let the world be again as it was at first, and nothing have been sent."""
    fresh = World.seeded(trax.clock, trax)
    trax.world.studios, trax.world.streams = fresh.studios, fresh.streams
    trax.world.destinations, trax.world.sources = fresh.destinations, fresh.sources
    trax.world.connections = fresh.connections
    trax.faults.clear()


def rename_all(trax: Sandbox) -> None:
    """Somebody else renames whatever has a name."""
    world = trax.world
    for studio in list(world.studios.values()):
        world.studios.change(studio, {"name": f"{studio.name}!"})
    for place in list(world.destinations.values()):
        world.destinations.change(place, {"name": f"{place.name}!"})
    for source in list(world.sources.values()):
        world.sources.change(source, {"name": f"{source.name}!"})
    for account in list(world.connections.values()):
        world.connections.change(account, {"display_name": f"{account.display_name}!"})


def told(result: object) -> tuple[str, str | None]:
    """Status and reason of a call that did not run, a failure's code, or that it ran."""
    assert isinstance(result, types.CallToolResult), result
    data = result.structured_content or {}
    if not result.is_error:
        return ("ran", None)
    if "error" in data:
        return ("failed", data["error"]["code"])
    return (data["status"], data.get("reason"))


def said(result: types.CallToolResult) -> str:
    """The text of an answer."""
    (block,) = result.content
    assert isinstance(block, types.TextContent)
    return block.text


def audited(path: Path) -> list[dict[str, Any]]:
    """What was written down, oldest first."""
    return [json.loads(line) for line in path.read_text().splitlines()]
