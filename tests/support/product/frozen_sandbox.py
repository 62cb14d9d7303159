"""A sandbox with a frozen clock or in virtual time, copies of its contents, and a client for it."""

from __future__ import annotations

from typing import Any, Final

import anyio
import httpx

from tests.support.product.manual_clock import ManualClock
from tests.support.product.sandbox import SANDBOX_KEY, Sandbox
from tests.support.product.sandbox_transport import SandboxTransport
from tests.support.product.virtual_time import STARTED_AT

Contents = dict[str, dict[str, Any]]
"""The contents of a sandbox, by kind and id."""

ADDRESS: Final = "http://sandbox.localhost"
"""The base URL of the sandbox in this process."""

STUDIO: Final = "/v1/studios/studio_42"
"""The path of the Friday Night Show."""


def frozen_sandbox() -> Sandbox:
    """A seeded sandbox with a frozen clock."""
    return Sandbox(ManualClock.frozen())


class _LoopClock(ManualClock):
    """A clock that follows the event loop's."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return super().now() + anyio.current_time()


def virtual_sandbox() -> Sandbox:
    """A seeded sandbox in virtual time, without a limit of requests."""
    return Sandbox(_LoopClock.frozen(STARTED_AT.timestamp()), rate_limit=None)


def put_on_air(sandbox: Sandbox, studio: str = "studio_42") -> None:
    """Put a studio on air for almost a minute, without a request."""
    sandbox.go_live(studio)
    sandbox.clock.advance(60)


def connected(sandbox: Sandbox, key: str | None = SANDBOX_KEY) -> httpx.AsyncClient:
    """An in-process HTTP client of this sandbox that sends `key`."""
    return httpx.AsyncClient(
        transport=SandboxTransport(sandbox),
        base_url=ADDRESS,
        headers={"X-API-Key": key} if key else {},
    )


def code(response: httpx.Response) -> tuple[int, str]:
    """The HTTP status and the error code of a refusal."""
    return response.status_code, response.json()["error"]["code"]


def contents_of(trax: Sandbox) -> Contents:
    """A copy of everything in a sandbox that a call can change, without chat."""
    return {name: dict(table) for name, table in _tables(trax).items()}


def restore(trax: Sandbox, before: Contents) -> None:
    """Put a copy back, and remove the chats of studios that are not in it. Faults stay."""
    for name, table in _tables(trax).items():
        table.clear()
        table.update(before[name])
    for studio in trax.world.chats.keys() - before["studios"].keys():
        del trax.world.chats[studio]


def _tables(trax: Sandbox) -> dict[str, dict[str, Any]]:
    return {**trax.world.tables, "streams": trax.world.streams}
