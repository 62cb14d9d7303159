"""Creates the client of the TRaX in the settings: a deployment, or the sandbox in this process."""

from typing import Final

from trax_mcp.api.client import Client
from trax_mcp.settings import Settings

_SANDBOX_URL: Final = "http://localhost"


def client_for(settings: Settings) -> Client:
    """Create a client, which the caller must close."""
    if not settings.sandbox:
        return Client(base_url=settings.base_url, timeout_seconds=settings.timeout_seconds)
    import httpx  # noqa: PLC0415  imported late, so that the server starts faster

    from trax_mcp.sandbox import Sandbox  # noqa: PLC0415  only where there is one

    return Client(
        base_url=_SANDBOX_URL,
        timeout_seconds=settings.timeout_seconds,
        transport=httpx.ASGITransport(Sandbox(base_url=_SANDBOX_URL).app),
    )
