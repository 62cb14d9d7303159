"""How the tests hold the sandbox: one that stands still, and a plain HTTP client of it."""

from __future__ import annotations

from typing import Final

import httpx

from trax_mcp.sandbox import SANDBOX_KEY, Clock, Sandbox, SandboxTransport

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
