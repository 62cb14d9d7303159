"""The TRaX that the settings name: a deployment, or the sandbox in this process.

Knows the settings and who sends; what is asked, and by whom, is the commands' affair.
"""

from typing import Final

from trax_mcp.api.client import Client
from trax_mcp.settings import Settings

_SANDBOX_ADDRESS: Final = "http://localhost"


def client_for(settings: Settings) -> Client:
    """Return a client of it; whoever asks for one closes it."""
    if not settings.sandbox:
        return Client(base_url=settings.base_url, timeout_seconds=settings.timeout_seconds)
    from trax_mcp.sandbox import Sandbox, SandboxTransport  # noqa: PLC0415  only where there is one

    return Client(
        base_url=_SANDBOX_ADDRESS,
        timeout_seconds=settings.timeout_seconds,
        transport=SandboxTransport(Sandbox(base_url=_SANDBOX_ADDRESS)),
    )
