"""The text of an unexpected exception is for the operator's log alone."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import anyio
import mcp_types as types
import pytest
from mcp.shared.exceptions import MCPError

from tests.support.completion_requests import completed
from tests.support.product.shared_clock import HandClock
from tests.support.resource_reads import CHAT
from tests.support.server_process import PATIENCE_SECONDS
from tests.world.world import MINE, open_world

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

SECRET = "what a viewer wrote, or a key"


def fail(_clock: HandClock) -> float:
    """Raise what nobody has foreseen, with a secret in its text, as any defect would."""
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
    *, era: str, method: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its text may hold a key, a path, or text that a viewer wrote."""
    monkeypatch.setattr(HandClock, "seconds", fail)
    async with open_world(MINE, era=era) as it:
        mine, client = it[MINE], it[MINE].client
        requests: dict[str, Callable[[], Awaitable[object]]] = {
            "tools/call": lambda: mine.call("go_live"),
            "resources/list": client.list_resources,
            "resources/read": lambda: client.read_resource(CHAT),
            "resources/subscribe": lambda: mine.subscribe(CHAT),
            "completion/complete": lambda: completed(client, "start_stream", "studio"),
        }
        with pytest.raises(MCPError) as caught, anyio.fail_after(PATIENCE_SECONDS):
            await requests[method]()
    assert caught.value.error == types.ErrorData(code=-32603, message="Internal error")
    (logged,) = [it for it in caplog.records if it.levelno >= logging.ERROR]
    assert logged.getMessage().endswith(" failed")
    assert SECRET in str(logged.exc_info)
