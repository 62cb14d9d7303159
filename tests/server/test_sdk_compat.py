"""Faults of the SDK that users would notice are still there, and our server works around each.

A test that fails here names a workaround that can be deleted, and its own test with it. The SDK is
asked alone, without our server.
"""

from __future__ import annotations

import json
import logging
import os
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import anyio
import mcp_types as types
import pytest
from mcp import Client
from mcp.server import Server, ServerRequestContext
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.connection import Connection
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError
from mcp.shared.memory import create_client_server_memory_streams
from mcp.shared.message import SessionMessage
from pydantic import ValidationError
from starlette.datastructures import Headers

from tests.support.product.shared_clock import settled
from tests.support.server_process import PATIENCE_SECONDS
from tests.world.wire import ERAS, INITIALIZE, INITIALIZED, LEGACY, MODERN, request, tool_call

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from starlette.types import ASGIApp, Message

Context = ServerRequestContext[Any, Any]

MODERN_HEADERS: Final = {
    "mcp-protocol-version": MODERN,
    "mcp-method": "tools/call",
    "mcp-name": "wait",
}


def unneeded(what: str) -> str:
    """The message of a test that finds the SDK without the fault."""
    return f"The SDK does this by itself now: our server need not {what}."


async def list_no_tools(_ctx: Context, _params: object) -> types.ListToolsResult:
    """A handler that answers at once."""
    return types.ListToolsResult(tools=[])


class WaitingTool:
    """A tool that never answers. `called` is set when a call has arrived."""

    def __init__(self) -> None:
        self.called = anyio.Event()

    async def __call__(self, _ctx: Context, _params: object) -> types.CallToolResult:
        """Wait for ever."""
        self.called.set()
        await anyio.sleep_forever()
        raise AssertionError


def body_of(message: Mapping[str, Any]) -> Message:
    """A message as the ASGI body of a request."""
    return {"type": "http.request", "body": json.dumps(message).encode()}


class BareHttp:
    """The SDK's ASGI app, called in memory."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.session_id = ""

    async def open_session(self, **more: Any) -> None:  # noqa: ANN401  members of an ASGI scope
        """Open a session of the earlier protocol era."""
        sent = await self.post(INITIALIZE, **more)
        self.session_id = Headers(raw=sent[0]["headers"])["mcp-session-id"]
        await self.post(INITIALIZED, **more)

    async def post(self, message: Mapping[str, Any], **more: Any) -> list[Message]:  # noqa: ANN401
        """Post a message, and return the ASGI messages of the response."""
        return await self.run(body_of(message), more=more)

    async def run(
        self,
        *received: Message,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
        sent: list[Message] | None = None,
    ) -> list[Message]:
        """POST these ASGI messages and then nothing more; return those of the response.

        `more` are further members of the scope. `sent` is filled as the response is sent.
        """
        sent = [] if sent is None else sent
        messages = iter(received)

        async def send(message: Message) -> None:
            sent.append(message)

        async def receive() -> Message:
            for message in messages:
                return message
            await anyio.sleep_forever()
            raise AssertionError

        with anyio.fail_after(PATIENCE_SECONDS):
            await self._app(self._scope(headers or {}) | dict(more or {}), receive, send)
        return sent

    def _scope(self, headers: Mapping[str, str]) -> dict[str, Any]:
        sent = {
            "host": "127.0.0.1:8000",
            "accept": "application/json, text/event-stream",
            "content-type": "application/json",
            **({"mcp-session-id": self.session_id} if self.session_id else {}),
            **headers,
        }
        return {
            "type": "http",
            "method": "POST",
            "path": "/mcp",
            "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
            "query_string": b"",
        }


@asynccontextmanager
async def bare_http(server: Server[Any]) -> AsyncIterator[BareHttp]:
    """The SDK's ASGI app of a server, while its session manager runs."""
    app = server.streamable_http_app()
    async with server.session_manager.run():
        yield BareHttp(app)


async def test_every_result_of_the_later_era_still_carries_the_icon() -> None:
    """It is part of the server info, which the SDK adds to each."""
    icon = types.Icon(src="data:image/png;base64,AAAA")
    server = Server("bare", on_list_tools=list_no_tools, icons=[icon])
    async with Client(server, mode=MODERN, cache=None) as client:
        listed = await client.list_tools()
    stamp = (listed.meta or {})[types.SERVER_INFO_META_KEY]
    assert "icons" in stamp, unneeded("keep the icon out of its results")


async def test_a_server_with_streams_still_promises_that_its_lists_change() -> None:
    """In the later era, where list changes come on the stream that resource updates need."""

    async def listen(_ctx: Context, _params: object) -> types.SubscriptionsListenResult:
        return types.SubscriptionsListenResult()

    server = Server("bare", on_list_tools=list_no_tools, on_subscriptions_listen=listen)
    promised = server.get_capabilities(protocol_version=MODERN).tools
    assert promised is not None
    assert promised.list_changed, unneeded("take the promise back")


async def test_a_trace_header_of_a_wrong_type_still_fails_the_request() -> None:
    """Whatever was asked for. Where this raises no more, our server need not drop such headers."""
    params = types.PaginatedRequestParams(_meta={"baggage": 5})
    wrong = types.ListToolsRequest(params=params)
    async with Client(Server("bare", on_list_tools=list_no_tools), mode=MODERN) as client:
        with pytest.raises(MCPError, match="Internal server error"):
            await client.session.send_request(wrong, types.ListToolsResult)


async def test_a_handler_still_has_no_public_way_to_its_connection() -> None:
    """On which the subscriptions of a session are kept, and which ends them with it."""
    seen: list[object] = []

    async def look(ctx: Context, _params: object) -> types.ListToolsResult:
        for part in (ctx, ctx.session):
            seen.extend(getattr(part, it) for it in dir(part) if not it.startswith("_"))
        return types.ListToolsResult(tools=[])

    async with Client(Server("bare", on_list_tools=look), mode=LEGACY, cache=None) as client:
        await client.list_tools()
    assert seen
    found = [it for it in seen if isinstance(it, Connection)]
    assert not found, unneeded("use a private attribute")


async def test_a_call_over_http_still_gets_no_answer_when_the_server_stops() -> None:
    """Its client would wait until its own time-out. Needed while this is so in either era."""
    answered = [await is_answered_on_stop(era) for era in ERAS]
    assert not all(answered), unneeded("end the calls in flight itself")


async def is_answered_on_stop(era: str) -> bool:
    """Whether a call gets an answer when the session manager stops."""
    tool = WaitingTool()
    sent: list[Message] = []
    async with anyio.create_task_group() as tasks:
        async with bare_http(Server("bare", on_call_tool=tool)) as http:
            if era == LEGACY:
                await http.open_session()
            body = body_of(tool_call(era, "wait", number=7))
            headers = {} if era == LEGACY else MODERN_HEADERS
            tasks.start_soon(partial(http.run, body, headers=headers, sent=sent))
            with anyio.fail_after(PATIENCE_SECONDS):
                await tool.called.wait()
        await settled()
        tasks.cancel_scope.cancel()
    return any(b'"id":7' in it.get("body", b"") for it in sent)


async def test_a_line_that_cannot_be_read_still_gets_no_answer() -> None:
    """The next message is answered, and nothing before it."""
    server = Server("bare", on_list_tools=list_no_tools)
    with pytest.raises(ValidationError) as unreadable:
        types.jsonrpc_message_adapter.validate_json("{bad")
    message = types.jsonrpc_message_adapter.validate_python(
        request(MODERN, "tools/list", number=1), by_name=False
    )
    async with (
        create_client_server_memory_streams() as ((answers, messages), streams),
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(server.run, *streams, server.create_initialization_options())
        with anyio.fail_after(PATIENCE_SECONDS):
            await messages.send(unreadable.value)
            await messages.send(SessionMessage(message))
            first = await answers.receive()
        tasks.cancel_scope.cancel()
    assert isinstance(first, SessionMessage)
    is_answer = isinstance(first.message, types.JSONRPCResponse) and first.message.id == 1
    assert is_answer, unneeded("answer such a line")


async def test_a_server_on_stdio_still_waits_for_its_client_when_it_is_cancelled() -> None:
    """A thread reads stdin, and ends only when something comes or the client hangs up."""
    reading, writing = os.pipe()
    running, ended = anyio.Event(), anyio.Event()
    with os.fdopen(reading) as stdin, open(os.devnull, "w", encoding="utf-8") as stdout:  # noqa: PTH123, ASYNC230  a device

        async def serve(scope: anyio.CancelScope) -> None:
            with scope:
                streams = stdio_server(anyio.wrap_file(stdin), anyio.wrap_file(stdout))
                async with streams as (lines, answers), lines, answers:
                    running.set()
                    await anyio.sleep_forever()
            ended.set()

        async with anyio.create_task_group() as tasks:
            scope = anyio.CancelScope()
            tasks.start_soon(serve, scope)
            with anyio.fail_after(PATIENCE_SECONDS):
                await running.wait()
                await settled()  # the thread reads now
                scope.cancel()
                await settled()
                still_waits = not ended.is_set()
                os.close(writing)
                await ended.wait()
    assert still_waits, unneeded("end its process")


async def test_session_ids_are_still_logged(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even at WARNING, for a request with another credential than the session's."""
    logger = logging.getLogger("mcp.server.streamable_http_manager")
    monkeypatch.setattr(logger, "filters", [])
    users = [AuthenticatedUser(AccessToken(token="", client_id=name, scopes=[])) for name in "ab"]
    with caplog.at_level(logging.WARNING, logger.name):
        async with bare_http(Server("bare")) as http:
            await http.open_session(user=users[0])
            await http.post(request(LEGACY, "ping"), user=users[1])
    assert http.session_id in caplog.text, unneeded("hide them")
