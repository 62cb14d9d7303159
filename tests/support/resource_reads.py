"""Resources as a client reads them, and the same data as the sandbox holds it."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

import anyio
import mcp
import mcp_types as types
import pytest
from mcp.shared.exceptions import MCPError

from tests.support.hostile_texts import NOTICE
from tests.support.product.sandbox import ACCOUNT
from tests.support.server_process import PATIENCE_SECONDS
from tests.world.wire import LEGACY, MODERN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    from mcp.server import Server

    from tests.support.product.sandbox import Sandbox

Json = dict[str, Any]
ResultT = TypeVar("ResultT")

OPENAPI: Final = "trax://openapi.json"
STUDIOS: Final = "trax://studios"
STUDIO: Final = "trax://studios/studio_42"
STATUS: Final = "trax://studios/studio_42/stream-status"
CHAT: Final = "trax://studios/studio_42/chat"
ALL_URIS: Final = (OPENAPI, STUDIOS, STUDIO, STATUS, CHAT)
"""One URI of each kind."""

READ_WITH: Final[dict[str, tuple[str, Json]]] = {
    STUDIOS: ("list_studios", {}),
    STUDIO: ("get_studio", {"studioId": "studio_42"}),
    STATUS: ("get_stream_status", {"studioId": "studio_42"}),
    CHAT: ("list_chat_messages", {"studioId": "studio_42"}),
}
"""The tool that reads the same data as each URI."""

STATIC: Final = (OPENAPI, STUDIOS)
"""Resources that do not belong to a studio."""

SILENT: Final = "studio_60"
"""A studio without a chat message."""


@asynccontextmanager
async def client_of(server: Server[Any], era: str = MODERN) -> AsyncIterator[mcp.Client]:
    """A real client without a cache, and with a timeout."""
    with anyio.fail_after(PATIENCE_SECONDS):
        async with mcp.Client(server, mode=era, cache=None) as client:
            yield client


async def read(client: mcp.Client, uri: str) -> Json:
    """Read a resource as JSON; checks the URI and media type of the result."""
    read: Json = json.loads(await read_text(client, uri))
    return read


async def read_text(client: mcp.Client, uri: str) -> str:
    """The same, as text."""
    (contents,) = (await _soon(client.read_resource(uri))).contents
    assert isinstance(contents, types.TextResourceContents)
    assert (contents.uri, contents.mime_type) == (uri, "application/json")
    return contents.text


async def refused(client: mcp.Client, uri: str) -> types.ErrorData:
    """The error of reading a resource."""
    with pytest.raises(MCPError) as caught:
        await _soon(client.read_resource(uri))
    return caught.value.error


async def listed(client: mcp.Client) -> dict[str, str | None]:
    """The titles of the listed resources by URI, in order."""
    result = await _soon(client.list_resources())
    assert result.next_cursor is None
    return {it.uri: it.title for it in result.resources}


def not_found(era: str = MODERN) -> int:
    """The error code of an unknown resource; the modern era has no code of its own."""
    return -32002 if era == LEGACY else -32602


def no_such(uri: str, era: str = MODERN) -> types.ErrorData:
    """The error of an unknown resource."""
    message = "There is no such resource."
    return types.ErrorData(code=not_found(era), message=message, data={"uri": uri})


def failure_in(error: types.ErrorData, sandbox: Sandbox) -> Json:
    """The failure in an error; a real request id in it becomes "ours"."""
    assert set(error.data) == {"error"}
    assert error.data["error"]["message"] == error.message
    return ours(error.data["error"], sandbox)


def ours(failure: Json, sandbox: Sandbox) -> Json:
    """The failure with a real request id replaced by "ours"."""
    request_ids = {it.request_id for it in sandbox.requests}
    return {**failure, "requestId": "ours"} if failure.get("requestId") in request_ids else failure


def asked(sandbox: Sandbox) -> Counter[str]:
    """How often each path was read. Checks that nothing else was sent."""
    assert sandbox.mutations == []
    return Counter(it.path for it in sandbox.requests)


def studios_of(sandbox: Sandbox, account: str = ACCOUNT) -> list[Json]:
    """An account's studios as TRaX returns them, in TRaX's order."""
    return sandbox.records("studios", of=account)


def listing(sandbox: Sandbox, account: str = ACCOUNT) -> dict[str, str]:
    """The expected list of resources of an account: titles by URI, in order."""
    watched = {
        f"trax://studios/{it['id']}/{what}": f"{it['name']}: {title}"
        for it in studios_of(sandbox, account)
        for what, title in (("stream-status", "stream status"), ("chat", "chat"))
    }
    return {OPENAPI: "TRaX API", STUDIOS: "Studios"} | watched


def whole_studio(sandbox: Sandbox, which: str = "studio_42") -> Json:
    """A studio with everything that belongs to it, as TRaX returns the parts."""
    return {
        **sandbox.record(which),
        "destinations": sandbox.records("destinations", of=which),
        "sources": sandbox.records("sources", of=which),
        "status": sandbox.status(which),
    }


def chat_messages(sandbox: Sandbox, which: str = "studio_42", *, last: int = 1_000) -> list[Json]:
    """The last messages of a studio as TRaX returns them, oldest first."""
    return sandbox.messages(which, last=last)


def chat(read: Json, messages: list[Json], *, missed: bool = False) -> Json:
    """The expected chat resource; only its cursor and its time are taken from `read`."""
    assert isinstance(read["cursor"], str)
    now = {"notice": NOTICE, "now": read["now"]}
    page = {**now, "studioId": "studio_42", "messages": messages}
    return {**page, "cursor": read["cursor"], "missed": missed}


def add_studio(sandbox: Sandbox, which: str, name: str) -> None:
    """Add a studio with any id to the account."""
    sandbox.add_studio(name, record_id=which)


def rename(sandbox: Sandbox, which: str, name: str) -> None:
    """Rename a studio."""
    sandbox.change(which, name=name)


async def _soon(answer: Awaitable[ResultT]) -> ResultT:
    with anyio.fail_after(PATIENCE_SECONDS):
        return await answer
