"""How the tests hold the sandbox: one that stands still, its world kept and put back, and a client.

The client is a plain HTTP one. It knows nothing of MCP.
"""

from __future__ import annotations

from typing import Any, Final

import httpx

from trax_mcp.sandbox import SANDBOX_KEY, Clock, Sandbox, SandboxTransport

World = dict[str, dict[str, Any]]
"""What is there in a sandbox, by kind and id."""

ADDRESS: Final = "http://sandbox.localhost"
"""What a client in this process calls the sandbox."""

STUDIO: Final = "/v1/studios/studio_42"
"""Where the Friday Night Show lives."""


def still() -> Sandbox:
    """A seeded sandbox whose clock stands still."""
    return Sandbox(Clock.frozen())


def put_on_air(sandbox: Sandbox, studio: str = "studio_42") -> None:
    """Let a studio be on air for almost a minute, by nobody's call."""
    sandbox.world.go_live(sandbox.world.studios[studio])
    sandbox.clock.advance(60)


def connected(sandbox: Sandbox, key: str | None = SANDBOX_KEY) -> httpx.AsyncClient:
    """An HTTP client of this sandbox, in process, that sends `key`."""
    return httpx.AsyncClient(
        transport=SandboxTransport(sandbox),
        base_url=ADDRESS,
        headers={"X-API-Key": key} if key else {},
    )


def code(response: httpx.Response) -> tuple[int, str]:
    """What a refusal says: its status and its code."""
    return response.status_code, response.json()["error"]["code"]


def world_of(trax: Sandbox) -> World:
    """All that a call may change in a sandbox, but for what viewers say by themselves."""
    return {name: dict(table) for name, table in _tables(trax).items()}


def restore(trax: Sandbox, before: World) -> None:
    """Make it as it was. A chat goes with its studio; faults are not of the world."""
    for name, table in _tables(trax).items():
        table.clear()
        table.update(before[name])
    for studio in trax.world.chats.keys() - before["studios"].keys():
        del trax.world.chats[studio]


def _tables(trax: Sandbox) -> dict[str, dict[str, Any]]:
    world = trax.world
    return {
        "studios": world.studios,
        "destinations": world.destinations,
        "sources": world.sources,
        "connections": world.connections,
        "streams": world.streams,
        "assets": world.library.assets,
    }
