"""The wall around every handler: no exception's text gets out, and what was meant to does.

Through a real client in both eras.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import anyio
import mcp_types as types
import pytest
from mcp.shared.exceptions import MCPError
from pydantic import TypeAdapter, ValidationError

from tests.audience import viewing
from tests.jsonrpc import LEGACY
from tests.processes import PATIENCE_SECONDS
from tests.readings import CHAT, client_of, refused
from tests.suggestions import suggested
from trax_mcp.server.prompts import Prompts
from trax_mcp.server.resources import Resources
from trax_mcp.server.tools import Tools
from trax_mcp.studio.list_cache import ListCache

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from mcp.server import Server


def misread() -> ValidationError:
    """What pydantic says of a value, with the value in it."""
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(int).validate_python("SECRET")
    return caught.value


OURS: Final[dict[str, Exception]] = {
    "any": RuntimeError("SECRET"),
    "a wrong value": misread(),
    "several": ExceptionGroup("SECRET", [ValueError("SECRET")]),
}
ROOMS: Final[dict[str, tuple[type, str]]] = {
    "resources/list": (ListCache, "studios"),
    "resources/templates/list": (Resources, "templates"),
    "resources/read": (Resources, "read"),
    "resources/subscribe": (Resources, "watcher"),
    "prompts/list": (Prompts, "listings"),
    "prompts/get": (Prompts, "fill"),
    "completion/complete": (Prompts, "completes"),
    "tools/call": (Tools, "call"),
}
"""A method of the protocol, and something that it cannot do without."""


def within(logged: object) -> Iterator[BaseException]:
    """An exception that was logged, and those that a group of tasks may have wrapped it in."""
    match logged:
        case (_, BaseException() as raised, _):
            yield raised
            if isinstance(raised, BaseExceptionGroup):
                yield from raised.exceptions


@pytest.mark.parametrize("exception", OURS.values(), ids=OURS)
@pytest.mark.parametrize("method", ROOMS)
async def test_a_fault_of_ours_is_logged_and_told_to_nobody(
    server: Server[Any],
    *,
    era: str,
    method: str,
    exception: Exception,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An exception's text may hold anything: a key, a path, a viewer's words."""

    def fail(*_given: object) -> None:
        raise exception

    monkeypatch.setattr(*ROOMS[method], fail)
    async with viewing(server, era) as viewer:
        asking: dict[str, Callable[[], Awaitable[object]]] = {
            "resources/list": viewer.client.list_resources,
            "resources/templates/list": viewer.client.list_resource_templates,
            "resources/read": lambda: viewer.client.read_resource(CHAT),
            "resources/subscribe": lambda: viewer.subscribe(CHAT),
            "prompts/list": viewer.client.list_prompts,
            "prompts/get": lambda: viewer.client.get_prompt("go_live"),
            "completion/complete": lambda: suggested(viewer.client, "go_live", "studio"),
            "tools/call": lambda: viewer.client.call_tool("get_health", {}),
        }
        with pytest.raises(MCPError) as caught, anyio.fail_after(PATIENCE_SECONDS):
            await asking[method]()
    assert caught.value.error == types.ErrorData(code=-32603, message="Internal error")
    logged = [it for it in caplog.records if it.name == "trax_mcp.server.error_boundary"]
    listening = method == "resources/subscribe" and era != LEGACY
    name = "subscriptions/listen" if listening else method
    assert [it.getMessage() for it in logged] == [f"{name} failed"]
    assert exception in [cause for it in logged for cause in within(it.exc_info)]


async def test_a_protocol_error_is_told_as_it_is(
    server: Server[Any], era: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was made for the client reaches it."""
    told = MCPError(-32042, "Told.", {"why": "so"})

    def fail(*_given: object) -> None:
        raise told

    monkeypatch.setattr(Resources, "read", fail)
    async with client_of(server, era) as client:
        assert await refused(client, CHAT) == told.error
