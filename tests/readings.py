"""What a client reads at an address, and what the sandbox holds there.

It knows addresses and the sandbox's records, and nothing of how one becomes the other.
"""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

import anyio
import mcp
import mcp_types as types
import pytest
from mcp.shared.exceptions import MCPError

from tests.jsonrpc import LEGACY
from tests.processes import PATIENCE_SECONDS
from trax_mcp.sandbox.keys import ACCOUNT
from trax_mcp.sandbox.records import Studio
from trax_mcp.server.untrusted import NOTICE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    from mcp.server import Server

    from trax_mcp.sandbox import Sandbox

Json = dict[str, Any]
ResultT = TypeVar("ResultT")

OPENAPI: Final = "trax://openapi.json"
STUDIOS: Final = "trax://studios"
STUDIO: Final = "trax://studios/studio_42"
STATUS: Final = "trax://studios/studio_42/stream-status"
CHAT: Final = "trax://studios/studio_42/chat"
EVERYTHING: Final = (OPENAPI, STUDIOS, STUDIO, STATUS, CHAT)
"""An address of each kind."""

STANDS_ON: Final[dict[str, tuple[str, Json]]] = {
    STUDIOS: ("list_studios", {}),
    STUDIO: ("get_studio", {"studioId": "studio_42"}),
    STATUS: ("get_stream_status", {"studioId": "studio_42"}),
    CHAT: ("list_chat_messages", {"studioId": "studio_42"}),
}
"""The tool that reads what an address does."""

STATIC: Final = (OPENAPI, STUDIOS)
"""What is about no single studio."""

SILENT: Final = "studio_60"
"""A studio in which nobody has ever said anything."""


@asynccontextmanager
async def client_of(server: Server[Any], era: str) -> AsyncIterator[mcp.Client]:
    """A real client, which keeps nothing and waits for nothing for ever."""
    with anyio.fail_after(PATIENCE_SECONDS):
        async with mcp.Client(server, mode=era, cache=None) as client:
            yield client


async def read(client: mcp.Client, uri: str) -> Json:
    """What a client reads at an address: one JSON text, under the very address it asked for."""
    read: Json = json.loads(await read_text(client, uri))
    return read


async def read_text(client: mcp.Client, uri: str) -> str:
    """The same, as it is written."""
    (contents,) = (await _soon(client.read_resource(uri))).contents
    assert isinstance(contents, types.TextResourceContents)
    assert (contents.uri, contents.mime_type) == (uri, "application/json")
    return contents.text


async def refused(client: mcp.Client, uri: str) -> types.ErrorData:
    """The error that a client gets at an address."""
    with pytest.raises(MCPError) as caught:
        await _soon(client.read_resource(uri))
    return caught.value.error


async def listed(client: mcp.Client) -> dict[str, str | None]:
    """The titles of what `resources/list` tells of, by address, in order."""
    result = await _soon(client.list_resources())
    assert result.next_cursor is None
    return {it.uri: it.title for it in result.resources}


def not_found(era: str) -> int:
    """The code for what is not there; the later revision has none of its own."""
    return -32002 if era == LEGACY else -32602


def no_such(uri: str, era: str) -> types.ErrorData:
    """The error for an address that means nothing here."""
    message = "There is no such resource."
    return types.ErrorData(code=not_found(era), message=message, data={"uri": uri})


def account_in(error: types.ErrorData, sandbox: Sandbox) -> Json:
    """The account of a failure in an error; its request id, if that is a real one, as "ours"."""
    assert set(error.data) == {"error"}
    assert error.data["error"]["message"] == error.message
    return ours(error.data["error"], sandbox)


def ours(failure: Json, sandbox: Sandbox) -> Json:
    """The same failure whichever request it was."""
    known = {it.request_id for it in sandbox.requests}
    return {**failure, "requestId": "ours"} if failure.get("requestId") in known else failure


def studios_of(sandbox: Sandbox, account: str = ACCOUNT) -> list[Json]:
    """An account's studios as TRaX tells them, in TRaX's order."""
    found = sorted(sandbox.world.studios.of(account), key=lambda it: it.id)
    return [it.shown(account) for it in found]


def whole_studio(sandbox: Sandbox, which: str = "studio_42") -> Json:
    """A studio with all that belongs to it, as TRaX tells each part."""
    world = sandbox.world
    return {
        **world.studios[which].shown(ACCOUNT),
        "destinations": [it.shown() for it in world.destinations.of(which)],
        "sources": [it.shown() for it in world.sources.of(which)],
        "status": world.stream_status(world.studios[which]),
    }


def said(sandbox: Sandbox, which: str = "studio_42", *, last: int = 1_000) -> list[Json]:
    """The last messages of a studio as TRaX tells them, oldest first."""
    return [it.shown() for it in sandbox.world.chats[which].recent(last)]


def chat(read: Json, messages: list[Json], *, missed: bool = False) -> Json:
    """A chat as it must read; only its cursor is taken from what was read."""
    assert isinstance(read["cursor"], str)
    told = {"notice": NOTICE, "studioId": "studio_42", "messages": messages}
    return {**told, "cursor": read["cursor"], "missed": missed}


def add_studio(sandbox: Sandbox, which: str, name: str, account: str = ACCOUNT) -> None:
    """Give an account one more studio, under any id at all."""
    roles = {account: "owner"}
    sandbox.world.studios.add(Studio(which, name, account, roles, sandbox.clock.now()))


def rename(sandbox: Sandbox, which: str, name: str) -> None:
    """Give a studio another name."""
    sandbox.world.studios.change(sandbox.world.studios[which], {"name": name})


async def _soon(answer: Awaitable[ResultT]) -> ResultT:
    with anyio.fail_after(PATIENCE_SECONDS):
        return await answer
