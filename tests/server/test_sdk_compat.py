"""Each workaround in `sdk_compat` is still needed: the SDK without it still has the fault.

A test that fails here names a workaround that can be deleted, and its own test with it.
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
from sse_starlette.sse import AppStatus
from starlette.datastructures import Headers

from tests.support.jsonrpc import ERAS, INITIALIZE, INITIALIZED, LEGACY, MODERN, request, tool_call
from tests.support.product.shared_clock import settled
from tests.support.server_process import PATIENCE_SECONDS
from trax_mcp.server.sdk_compat import connection_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from starlette.types import ASGIApp, Message

Context = ServerRequestContext[Any, Any]

WHOLE_BODY: Final = {"type": "http.request", "body": b"", "more_body": False}
MODERN_HEADERS: Final = {
    "mcp-protocol-version": MODERN,
    "mcp-method": "tools/call",
    "mcp-name": "wait",
}
DISCONNECT: Final = {"type": "http.disconnect"}


def unneeded(*names: str) -> str:
    """The message of a test that finds the SDK without the fault."""
    workarounds = " and ".join(f"`{name}`" for name in names)
    return f"The SDK no longer needs {workarounds}: delete it from trax_mcp/server/sdk_compat.py."


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
        return await self.run("POST", body_of(message), more=more)

    async def run(
        self,
        method: str,
        *received: Message,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
        sent: list[Message] | None = None,
    ) -> list[Message]:
        """Send these ASGI messages and then nothing more; return those of the response.

        `more` are further members of the scope. `sent` is filled as the response is sent.
        """
        sent = [] if sent is None else sent

        async def send(message: Message) -> None:
            sent.append(message)

        messages = iter(received)

        async def receive() -> Message:
            for message in messages:
                return message
            await anyio.sleep_forever()
            raise AssertionError

        with anyio.fail_after(PATIENCE_SECONDS):
            await self._app(self._scope(method, headers or {}) | dict(more or {}), receive, send)
        return sent

    def _scope(self, method: str, headers: Mapping[str, str]) -> dict[str, Any]:
        sent = {
            "host": "127.0.0.1:8000",
            "accept": "application/json, text/event-stream",
            "content-type": "application/json",
            **({"mcp-session-id": self.session_id} if self.session_id else {}),
            **headers,
        }
        return {
            "type": "http",
            "method": method,
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


async def test_a_trace_header_of_a_wrong_type_still_fails_the_request(era: str) -> None:
    """OpenTelemetry raises AttributeError for it, which the SDK does not catch."""
    traced = types.ListToolsRequest(
        params=types.PaginatedRequestParams.model_validate({"_meta": {"baggage": 5}})
    )
    failed = False
    try:
        with anyio.fail_after(PATIENCE_SECONDS):
            async with Client(Server("bare", on_list_tools=list_no_tools), mode=era) as client:
                await client.session.send_request(traced, types.ListToolsResult)
    except* MCPError:
        failed = True
    assert failed, unneeded("drop_unreadable_traces")


async def test_list_changes_are_still_promised_with_every_listen_handler() -> None:
    """The SDK cannot know whether a server ever sends such notifications."""

    async def listen(_ctx: Context, _params: object) -> types.SubscriptionsListenResult:
        raise AssertionError

    server = Server("bare", on_list_tools=list_no_tools, on_subscriptions_listen=listen)
    capabilities = server.get_capabilities(protocol_version=MODERN)
    assert capabilities.tools is not None
    assert capabilities.tools.list_changed, unneeded("discover_handler")


async def test_every_result_of_the_later_era_still_carries_the_icon() -> None:
    """It is part of the server info, which the SDK adds to each."""
    icon = types.Icon(src="data:image/png;base64,AAAA")
    server = Server("bare", on_list_tools=list_no_tools, icons=[icon])
    async with Client(server, mode=MODERN, cache=None) as client:
        listed = await client.list_tools()
    stamp = (listed.meta or {})[types.SERVER_INFO_META_KEY]
    assert "icons" in stamp, unneeded("ServerWithIcon")


async def test_a_handler_still_has_no_public_way_to_its_connection(era: str) -> None:
    """Neither its context nor the session in it has a public attribute for it."""
    public: list[str] = []

    async def look(ctx: Context, _params: object) -> types.ListToolsResult:
        for owner in (ctx, ctx.session):
            names = (it for it in dir(owner) if not it.startswith("_"))
            public.extend(it for it in names if isinstance(getattr(owner, it), Connection))
        assert isinstance(connection_of(ctx), Connection)
        return types.ListToolsResult(tools=[])

    async with Client(Server("bare", on_list_tools=look), mode=era, cache=None) as client:
        with anyio.fail_after(PATIENCE_SECONDS):
            await client.list_tools()
    assert not public, unneeded("connection_of")


async def test_a_call_over_http_still_gets_no_answer_when_the_server_stops() -> None:
    """Its client would wait until its own time-out. Needed while this is so in either era."""
    answered = [await is_answered_on_stop(era) for era in ERAS]
    assert not all(answered), unneeded("InFlight")


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
            tasks.start_soon(partial(http.run, "POST", body, headers=headers, sent=sent))
            with anyio.fail_after(PATIENCE_SECONDS):
                await tool.called.wait()
        await settled()
        tasks.cancel_scope.cancel()
    return any(b'"id":7' in it.get("body", b"") for it in sent)


async def test_a_stream_still_ends_without_its_last_chunk_when_the_server_stops(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Uvicorn reports that as an error of the app, and the client sees a broken response."""
    async with bare_http(Server("bare")) as http:
        await http.open_session()
        monkeypatch.setattr(AppStatus, "should_exit", True)
        sent = await http.run("GET", WHOLE_BODY)
    assert [it["type"] for it in sent] == ["http.response.start"], unneeded("complete_streams")


async def test_a_session_is_still_not_told_when_its_stream_breaks() -> None:
    """It stays open, and its connection looks as before."""
    connections: list[Connection] = []
    closed: list[bool] = []

    async def register(ctx: Context, _params: object) -> types.ListToolsResult:
        connections.append(connection_of(ctx))
        connections[0].exit_stack.callback(partial(closed.append, True))  # noqa: FBT003  a callback
        return types.ListToolsResult(tools=[])

    async with bare_http(Server("bare", on_list_tools=register)) as http:
        await http.open_session()
        await http.post(request(LEGACY, "tools/list"))
        sent = await http.run("GET", WHOLE_BODY, DISCONNECT)
        await settled()
        noticed = bool(closed) or not connections[0].has_standalone_channel
    assert sent[0]["status"] == 200
    assert not noticed, unneeded("OpenStreams", "track_streams")


async def test_a_resumed_stream_still_gets_no_response() -> None:
    """The SDK keeps events only in a store that the server must bring."""
    async with bare_http(Server("bare")) as http:
        await http.open_session()
        sent = await http.run("GET", WHOLE_BODY, DISCONNECT, headers={"last-event-id": "7"})
    assert not sent, unneeded("without_last_event_id")


async def test_the_body_of_a_request_is_still_read_before_its_host_is_checked() -> None:
    """A request for another host is refused, but not before its body has arrived."""
    reads = 0

    async def receive() -> Message:
        nonlocal reads
        reads += 1
        return body_of(INITIALIZE)

    async def send(_message: Message) -> None:
        pass

    async with bare_http(Server("bare")) as http:
        await http._app(http._scope("POST", {"host": "evil.example.com"}), receive, send)
    assert reads, unneeded("check_host_first")


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
    assert is_answer, unneeded("answer_unreadable_lines")


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
    assert still_waits, unneeded("exit_process")


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
    assert http.session_id in caplog.text, unneeded("hide_session_ids")
