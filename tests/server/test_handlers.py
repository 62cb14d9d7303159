"""Handlers hide the text of unexpected exceptions, and pass on protocol errors.

Through a real client in both protocol eras.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import anyio
import mcp_types as types
import pytest
from mcp.shared.exceptions import MCPError
from pydantic import TypeAdapter, ValidationError

from tests.support.completion_requests import suggested
from tests.support.jsonrpc import LEGACY
from tests.support.resource_reads import CHAT, client_of, refused
from tests.support.server_process import PATIENCE_SECONDS
from tests.support.subscribers import subscriber_on
from trax_mcp.server.prompts import Prompts
from trax_mcp.server.resources import Resources
from trax_mcp.server.tools import Tools
from trax_mcp.studio.list_cache import ListCache

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from mcp.server import Server


def validation_error() -> ValidationError:
    """An error of pydantic, whose text holds the value."""
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(int).validate_python("SECRET")
    return caught.value


EXCEPTIONS: Final[dict[str, Exception]] = {
    "runtime error": RuntimeError("SECRET"),
    "validation error": validation_error(),
    "exception group": ExceptionGroup("SECRET", [ValueError("SECRET")]),
}
USED_BY: Final[dict[str, tuple[type, str]]] = {
    "resources/list": (ListCache, "get"),
    "resources/templates/list": (Resources, "templates"),
    "resources/read": (Resources, "read"),
    "resources/subscribe": (Resources, "watcher"),
    "prompts/list": (Prompts, "listings"),
    "prompts/get": (Prompts, "fill"),
    "completion/complete": (Prompts, "completes"),
    "tools/call": (Tools, "call"),
}
"""By protocol method: a function that its handler calls."""


def exceptions_in(exc_info: object) -> Iterator[BaseException]:
    """A logged exception, and those in it if it is a group."""
    match exc_info:
        case (_, BaseException() as logged, _):
            yield logged
            if isinstance(logged, BaseExceptionGroup):
                yield from logged.exceptions


@pytest.mark.parametrize(
    ("method", "exception"),
    [
        *((method, "runtime error") for method in USED_BY),
        *(("tools/call", exception) for exception in ("validation error", "exception group")),
    ],
)
async def test_an_unexpected_exception_is_logged_and_hidden_from_the_client(
    server: Server[Any],
    *,
    era: str,
    method: str,
    exception: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its text may hold a key, a path, or text that a viewer wrote."""

    def fail(*_args: object) -> None:
        raise EXCEPTIONS[exception]

    monkeypatch.setattr(*USED_BY[method], fail)
    async with subscriber_on(server, era) as subscriber:
        requests: dict[str, Callable[[], Awaitable[object]]] = {
            "resources/list": subscriber.client.list_resources,
            "resources/templates/list": subscriber.client.list_resource_templates,
            "resources/read": lambda: subscriber.client.read_resource(CHAT),
            "resources/subscribe": lambda: subscriber.subscribe(CHAT),
            "prompts/list": subscriber.client.list_prompts,
            "prompts/get": lambda: subscriber.client.get_prompt("go_live"),
            "completion/complete": lambda: suggested(subscriber.client, "go_live", "studio"),
            "tools/call": lambda: subscriber.client.call_tool("get_health", {}),
        }
        with pytest.raises(MCPError) as caught, anyio.fail_after(PATIENCE_SECONDS):
            await requests[method]()
    assert caught.value.error == types.ErrorData(code=-32603, message="Internal error")
    logged = [it for it in caplog.records if it.name == "trax_mcp.server.error_boundary"]
    listening = method == "resources/subscribe" and era != LEGACY
    name = "subscriptions/listen" if listening else method
    assert [it.getMessage() for it in logged] == [f"{name} failed"]
    assert EXCEPTIONS[exception] in [cause for it in logged for cause in exceptions_in(it.exc_info)]


async def test_a_protocol_error_reaches_the_client_unchanged(
    server: Server[Any], era: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its text was written for the client."""
    error = MCPError(-32042, "A message.", {"why": "so"})

    def fail(*_args: object) -> None:
        raise error

    monkeypatch.setattr(Resources, "read", fail)
    async with client_of(server, era) as client:
        assert await refused(client, CHAT) == error.error
