"""Parts of the inside as these tests build them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from tests.support.product.frozen_sandbox import ADDRESS
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.product.sandbox_transport import SandboxTransport
from tests.support.product.server import no_pause
from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx

    from tests.support.product.sandbox import Sandbox

OWNER: Final = Caller(SANDBOX_KEY)
"""A caller with all scopes in the sandbox's studios."""


def client_on(
    sandbox: Sandbox,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    timeout_seconds: float = 5,
    sleep: Callable[[float], Awaitable[None]] = no_pause,
) -> Client:
    """Our TRaX client on a sandbox, in process, without real pauses."""
    return Client(
        base_url=ADDRESS,
        timeout_seconds=timeout_seconds,
        transport=transport or SandboxTransport(sandbox),
        sleep=sleep,
        now=lambda: datetime.fromtimestamp(sandbox.clock.now(), UTC),
    )
