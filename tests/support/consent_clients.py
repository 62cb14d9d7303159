"""A server with the clients that the consent tests need, and readers of its answers."""

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

from tests.conftest import OWNER, client_on, text_of
from tests.support.frozen_sandbox import still
from tests.support.guarded_calls import GUARD_ALSO
from tests.support.jsonrpc import MODERN
from tests.support.server_process import PATIENCE_SECONDS
from tests.support.shared_clock import HandClock
from tests.support.simulated_person import Person
from trax_mcp.api.caller import Caller
from trax_mcp.consent.rules import Mode, Rules
from trax_mcp.sandbox.keys import ACCOUNT, SCOPES
from trax_mcp.sandbox.records import Key
from trax_mcp.sandbox.world import World
from trax_mcp.server import tools
from trax_mcp.server.app import ServerDeps, build_guard, build_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    import httpx
    from mcp.client.session import MessageHandlerFnT
    from mcp.server import Server

    from tests.support.guarded_calls import GuardedOperation
    from tests.support.recorded_sandbox import Sandbox
    from trax_mcp.api.client import Client as Trax

_made_once = cache(tools._tool)
"""Tools do not depend on deps, and building them is slow."""

SECOND_KEY: Final = "sk_live_sandbox_second"
"""Another key of the same account, with the same access."""


class Time(Protocol):
    """Time that a test can advance."""

    def advance(self, seconds: float) -> None:
        """Advance the time by `seconds`."""


@dataclass(slots=True)
class Clients:
    """The clients of a server, and what is behind it.

    `plain` cannot ask a person. `asking` can, and asks `person`. `other` has another key and cannot
    ask.
    """

    trax: Sandbox
    clock: Time
    plain: Client
    asking: Client
    other: Client
    person: Person
    deps: ServerDeps = field(default_factory=ServerDeps)

    async def call(
        self, operation: GuardedOperation, client: Client | None = None, /, **evidence: object
    ) -> types.CallToolResult:
        """Call by `plain` or another client. `evidence` is `confirm` and `confirmation`."""
        with anyio.fail_after(PATIENCE_SECONDS):
            return await (client or self.plain).call_tool(
                operation.tool, {**operation.arguments, **evidence}
            )

    async def confirmation(
        self, operation: GuardedOperation, *, client: Client | None = None
    ) -> str:
        """Call without evidence, and return the confirmation in the preview."""
        shown = (await self.call(operation, client)).structured_content or {}
        confirmation: str = shown["confirmation"]
        return confirmation

    async def use(
        self, operation: GuardedOperation, confirmation: str, *, client: Client | None = None
    ) -> types.CallToolResult:
        """Call with a confirmation."""
        return await self.call(operation, client, confirm=True, confirmation=confirmation)

    async def confirmed(self, operation: GuardedOperation) -> types.CallToolResult:
        """Call with a new confirmation."""
        return await self.use(operation, await self.confirmation(operation))

    async def question(self, operation: GuardedOperation) -> types.InputRequiredResult:
        """Call in the later era, and return the question, which is the call's result."""
        asked = await self.answer(operation)
        assert isinstance(asked, types.InputRequiredResult), asked
        return asked

    async def answer(
        self,
        operation: GuardedOperation,
        state: str | None = None,
        responses: types.InputResponses | None = None,
        *,
        client: Client | None = None,
    ) -> types.CallToolResult | types.InputRequiredResult:
        """Call in the later era, with the answer to an earlier question."""
        with anyio.fail_after(PATIENCE_SECONDS):
            return await (client or self.asking).session.call_tool(
                operation.tool,
                operation.arguments,
                input_responses=responses,
                request_state=state,
                allow_input_required=True,
            )

    @property
    def sent(self) -> list[str]:
        """Every change that reached TRaX, whether or not it succeeded."""
        return [f"{it.method} {it.path}" for it in self.trax.mutations]


@asynccontextmanager
async def in_memory(
    era: str = MODERN,
    *,
    mode: Mode = Mode.AUTO,
    audit: Path | None = None,
    transport: Callable[[Sandbox], httpx.AsyncBaseTransport] | None = None,
    timeout_seconds: float = 5,
    on_message: MessageHandlerFnT | None = None,
) -> AsyncIterator[Clients]:
    """Clients of a server in this process, on a sandbox with a manual clock.

    `on_message` receives the notifications that `asking` receives.
    """
    trax = two_key_sandbox()
    clock, person = HandClock(trax), Person()
    deps = ServerDeps(rules=Rules(mode, GUARD_ALSO), audit_log=audit, clock=clock)
    to_trax = client_on(
        trax, transport=transport(trax) if transport else None, timeout_seconds=timeout_seconds
    )
    first, second = servers(to_trax, deps)
    async with (
        Client(first, mode=era, cache=None) as plain,
        Client(
            first, mode=era, cache=None, elicitation_callback=person, message_handler=on_message
        ) as asking,
        Client(second, mode=era, cache=None) as other,
    ):
        yield Clients(trax, clock, plain, asking, other, person, deps)


def servers(client: Trax, deps: ServerDeps) -> tuple[Server[Any], Server[Any]]:
    """Two servers with the same state, because a server in memory has only one caller."""
    guard = build_guard(client, deps)
    with (
        patch("trax_mcp.server.app.build_guard", lambda *_: guard),
        patch("trax_mcp.server.tools._tool", _made_once),
    ):
        first = build_server(client, own=OWNER, deps=deps)
        second = build_server(client, own=Caller(SECOND_KEY), deps=deps)
    return first, second


def two_key_sandbox() -> Sandbox:
    """A seeded sandbox with a second key."""
    trax = still()
    trax.world.keys[SECOND_KEY] = Key(SECOND_KEY, "second", ACCOUNT, SCOPES)
    return trax


def reset(trax: Sandbox) -> None:
    """Put the world back to its seed, and remove all faults."""
    fresh = World.seeded(trax.clock, trax)
    trax.world.studios, trax.world.streams = fresh.studios, fresh.streams
    trax.world.destinations, trax.world.sources = fresh.destinations, fresh.sources
    trax.world.connections = fresh.connections
    trax.faults.clear()


def rename_all(trax: Sandbox) -> None:
    """Rename everything that has a name, on TRaX itself."""
    world = trax.world
    for studio in list(world.studios.values()):
        world.studios.change(studio, {"name": f"{studio.name}!"})
    for place in list(world.destinations.values()):
        world.destinations.change(place, {"name": f"{place.name}!"})
    for source in list(world.sources.values()):
        world.sources.change(source, {"name": f"{source.name}!"})
    for account in list(world.connections.values()):
        world.connections.change(account, {"display_name": f"{account.display_name}!"})


def status_and_reason(result: object) -> tuple[str, str | None]:
    """Status and reason of a call that did not run, a failure's code, or `ran`."""
    assert isinstance(result, types.CallToolResult), result
    data = result.structured_content or {}
    if has_run(result):
        return ("ran", None)
    if "error" in data:
        return ("failed", data["error"]["code"])
    return (data["status"], data.get("reason"))


def has_run(result: types.CallToolResult) -> bool:
    """Whether a call ran. A step of a call that goes on is no error."""
    data = result.structured_content or {}
    return not result.is_error and data.get("executed") is not False


def data_in_text(result: types.CallToolResult) -> str:
    """The JSON in the text of an answer, which sentences may precede."""
    return text_of(result).rpartition("\n")[2]


def audit_lines(path: Path) -> list[dict[str, Any]]:
    """The lines of an audit log, oldest first."""
    return [json.loads(line) for line in path.read_text().splitlines()]
