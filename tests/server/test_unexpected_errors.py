"""The text of an unexpected exception is for the operator's log alone."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import anyio
import mcp_types as types
import pytest
from mcp.shared.exceptions import MCPError

from tests.support.completion_requests import completed
from tests.support.guarded_calls import STUDIO
from tests.support.product.server import Product
from tests.support.product.shared_clock import HandClock
from tests.support.server_process import PATIENCE_SECONDS
from tests.support.subscribers import CHAT, subscriber_on

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.support.product.sandbox import Sandbox

SECRET = "what a viewer wrote, or a key"


class DefectiveClock(HandClock):
    """A clock that raises what nobody has foreseen, as any defect of the server would."""

    def seconds(self) -> float:
        """Raise an exception with a secret in its text."""
        raise ExceptionGroup(SECRET, [RuntimeError(SECRET)])


@pytest.mark.parametrize(
    "method",
    [
        "tools/call",
        "resources/list",
        "resources/read",
        "resources/subscribe",
        "completion/complete",
    ],
)
async def test_an_unexpected_exception_is_logged_once_and_hidden_from_the_client(
    sandbox: Sandbox, era: str, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Its text may hold a key, a path, or text that a viewer wrote."""
    server = Product(sandbox, DefectiveClock(sandbox)).server()
    async with subscriber_on(server, era) as subscriber:
        client = subscriber.client
        requests: dict[str, Callable[[], Awaitable[object]]] = {
            "tools/call": lambda: client.call_tool("go_live", STUDIO),
            "resources/list": client.list_resources,
            "resources/read": lambda: client.read_resource(CHAT),
            "resources/subscribe": lambda: subscriber.subscribe(CHAT),
            "completion/complete": lambda: completed(client, "go_live", "studio"),
        }
        with pytest.raises(MCPError) as caught, anyio.fail_after(PATIENCE_SECONDS):
            await requests[method]()
    assert caught.value.error == types.ErrorData(code=-32603, message="Internal error")
    (logged,) = [it for it in caplog.records if it.levelno >= logging.ERROR]
    assert logged.getMessage().endswith(" failed")
    assert SECRET in str(logged.exc_info)
