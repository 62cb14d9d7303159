"""What every test may ask for: the sandbox with its clock in the test's hand, and a client on it."""

import pytest

from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.sandbox import SANDBOX_KEY, Clock, Sandbox, SandboxTransport
from trax_mcp.server.app import build_server

ERAS = ("legacy", "2026-07-28")
"""The two protocol eras, as the SDK's client names them."""


async def no_pause(_seconds: float) -> None:
    """Stand in for sleeping between tries."""


@pytest.fixture
def sandbox():
    """A seeded sandbox whose clock stands still until the test moves it."""
    return Sandbox(Clock.frozen())


@pytest.fixture
def trax(sandbox):
    """Our client for TRaX, on the sandbox, in process, without real pauses."""
    return Client(
        base_url="http://sandbox.localhost",
        timeout_seconds=5,
        transport=SandboxTransport(sandbox),
        sleep=no_pause,
    )


@pytest.fixture
def server(trax):
    """The MCP server with the sandbox owner's key."""
    return build_server(trax, own=Caller(SANDBOX_KEY))


@pytest.fixture(params=ERAS)
def era(request):
    """Each protocol era in turn."""
    return request.param
