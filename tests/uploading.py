"""One who uploads: a real client beside a server that may read a folder, on a sandbox.

It knows how one asks and what comes back, and no rule of what may be read.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import anyio
import mcp

from tests.conftest import OWNER, client_on
from tests.folders import furnish
from tests.hand import HandClock
from tests.media import MP4
from tests.person import Told
from tests.processes import PATIENCE_SECONDS
from tests.witness import still
from trax_mcp.consent.rules import Rules
from trax_mcp.sandbox import Fault
from trax_mcp.server.app import ServerDeps, build_server
from trax_mcp.server.tool_filter import ToolFilter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable
    from pathlib import Path

    import mcp_types as types

    from trax_mcp.api.caller import Caller
    from trax_mcp.sandbox import Sandbox
    from trax_mcp.sandbox.messages import Answer, Answerer, Request
    from trax_mcp.sandbox.records import Asset

Json = dict[str, Any]

TOOL: Final = "upload_media"
RESERVED: Final = {"filename": "intro.mp4", "contentType": "video/mp4", "byteSize": len(MP4)}
"""What is reserved for the file that lies in the folder."""

RESERVE, PUT, LOOK = "POST /v1/media", "PUT /uploads", "GET /v1/media"
"""The calls that it takes."""

LONGEST: Final = 600
"""Seconds that an asset may take until it is ready."""

EMPTY: Final = (
    "so the file was not uploaded; what was reserved for it stays in the media library, empty."
)


@dataclass
class Uploading:
    """A client, the TRaX behind it, the time of both, and what the client was told meanwhile."""

    client: mcp.Client
    trax: Sandbox
    clock: HandClock
    folder: Path
    progress: Told = field(default_factory=Told)

    async def upload(self, path: str = "intro.mp4", **arguments: object) -> types.CallToolResult:
        """Call the tool."""
        with anyio.fail_after(PATIENCE_SECONDS):
            return await self.client.call_tool(
                TOOL, {"path": path, **arguments}, progress_callback=self.progress
            )

    async def failure(self, path: str = "intro.mp4", **arguments: object) -> Json:
        """The same where it must fail; what it told, and nothing secret in it."""
        result = await self.upload(path, **arguments)
        assert result.is_error, result.structured_content
        told = result.model_dump_json() + str(self.progress.all)
        assert [it for it in self.secrets if it in told] == []
        error: Json = (result.structured_content or {})["error"]
        assert [block.model_dump()["text"] for block in result.content] == [error["message"]]
        error.pop("requestId", None)
        return error

    @property
    def last(self) -> Asset:
        """The asset that was made last."""
        return list(self.trax.world.library.assets.values())[-1]

    @property
    def shown(self) -> Json:
        """The same as TRaX tells of it."""
        return self.last.shown(self.clock.seconds())

    def change(self, **fields: object) -> None:
        """Let it be otherwise."""
        self.trax.world.library.assets.change(self.last, fields)

    @property
    def secrets(self) -> list[str]:
        """What nobody may be told: the address to which the bytes went, or may have gone."""
        reservations = self.trax.world.library._reservations
        return ["/uploads/", *reservations, *tokens(self.trax)]

    @property
    def calls(self) -> list[str]:
        """What reached TRaX, and the storage that is a part of it."""
        return [f"{it.method} {cut(it.path)}" for it in self.trax.requests]


def cut(path: str) -> str:
    """A path without what is secret in it."""
    return "/uploads" if path.startswith("/uploads/") else path


def tokens(trax: Sandbox) -> Iterable[str]:
    """What makes the addresses secret that were used."""
    return {it.path.removeprefix("/uploads/") for it in trax.requests if cut(it.path) != it.path}


def failed(code: str, message: str, outcome: str = "not_applied", **rest: object) -> Json:
    """The account of a failure as it is told."""
    return {"code": code, "message": message, "retryable": False, "outcome": outcome, **rest}


@asynccontextmanager
async def uploading(
    era: str,
    root: Path,
    *,
    caller: Caller = OWNER,
    offer: ToolFilter | None = None,
    rules: Rules | None = None,
) -> AsyncIterator[Uploading]:
    """A client in this process; pauses between looks pass at once."""
    trax, folder = still(), furnish(root)
    clock = HandClock(trax, short_seconds=15)
    house = ServerDeps(
        clock=clock,
        rules=rules or Rules(),
        offer=offer or ToolFilter(local=True),
        media_dirs=[folder],
    )
    server = build_server(client_on(trax), own=caller, house=house)
    async with mcp.Client(server, mode=era, cache=None) as client:
        yield Uploading(client, trax, clock, folder)


def acting(act: Callable[[], object]) -> Fault:
    """No fault at all: the call is answered, but meanwhile this has happened."""

    async def strike(asked: Request, onward: Answerer) -> Answer:
        answer = await onward(asked)
        act()
        return answer

    return Fault("acting", strike)
