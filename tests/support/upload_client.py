"""A client that uploads: a real client beside a server with an allowed folder, on a sandbox."""

from __future__ import annotations

from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import anyio
import mcp

from tests.support.media_folders import make_media_folder
from tests.support.media_samples import MP4
from tests.support.product.faults import Fault, Request, RequestHandler, Response
from tests.support.product.frozen_sandbox import still
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.product.server import Product
from tests.support.product.shared_clock import HandClock
from tests.support.server_process import PATIENCE_SECONDS
from tests.support.simulated_person import ProgressLog
from tests.world.wire import MODERN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from pathlib import Path

    import httpx
    import mcp_types as types

    from tests.support.product.sandbox import Sandbox

Json = dict[str, Any]

TOOL: Final = "upload_media"
RESERVED: Final = {"filename": "intro.mp4", "contentType": "video/mp4", "byteSize": len(MP4)}
"""The reservation for the file in the folder."""

RESERVE, PUT, LIST = "POST /v1/media", "PUT /uploads", "GET /v1/media"
"""The HTTP requests of an upload."""

MAX_PROCESSING_SECONDS: Final = 600
"""How long an asset may take until it is ready."""

NOT_UPLOADED: Final = (
    "so the file was not uploaded; what was reserved for it stays in the media library, empty."
)


@dataclass
class UploadSession:
    """A client, its TRaX, the clock of both, and the progress that was reported."""

    client: mcp.Client
    trax: Sandbox
    clock: HandClock
    folder: Path
    progress: ProgressLog = field(default_factory=ProgressLog)

    async def upload(self, path: str = "intro.mp4", **arguments: object) -> types.CallToolResult:
        """Call the tool."""
        with anyio.fail_after(PATIENCE_SECONDS):
            return await self.client.call_tool(
                TOOL, {"path": path, **arguments}, progress_callback=self.progress
            )

    async def failure(self, path: str = "intro.mp4", **arguments: object) -> Json:
        """Call the tool; return its failure after a check that it contains no secret."""
        result = await self.upload(path, **arguments)
        assert result.is_error, result.structured_content
        text = result.model_dump_json() + str(self.progress.all)
        assert [it for it in self.secrets if it in text] == []
        error: Json = (result.structured_content or {})["error"]
        assert [block.model_dump()["text"] for block in result.content] == [error["message"]]
        error.pop("requestId", None)
        return error

    def send_to(self, url: str, *, ready: bool = False) -> None:
        """Let TRaX name another upload address, and maybe say that the file is ready."""

        def name_it(reserved: Json) -> None:
            reserved["uploadUrl"] = url
            if ready:
                self.trax.change_last_asset(status="READY")

        self.trax.faults.add(Fault.patched(name_it), method="POST")

    def keep_content(self) -> list[bytes]:
        """Keep what arrives from now on, in order."""
        contents: list[bytes] = []

        async def keep(request: Request, handle: RequestHandler) -> Response:
            contents.append(request.body)
            return await handle(request)

        self.trax.faults.add(Fault("kept", keep), times=None, method="PUT")
        return contents

    @property
    def secrets(self) -> list[str]:
        """Secrets of the upload URLs that were used or reserved."""
        return ["/uploads/", *self.trax.reserved_uploads, *upload_tokens(self.trax)]

    @property
    def calls(self) -> list[str]:
        """The requests that have reached TRaX and its storage."""
        return [f"{it.method} {redacted_path(it.path)}" for it in self.trax.requests]


def redacted_path(path: str) -> str:
    """A path without its secret part."""
    return "/uploads" if path.startswith("/uploads/") else path


def upload_tokens(trax: Sandbox) -> Iterable[str]:
    """The secret parts of the upload URLs that were used."""
    return {
        it.path.removeprefix("/uploads/")
        for it in trax.requests
        if redacted_path(it.path) != it.path
    }


def upload_failure(code: str, message: str, outcome: str = "not_applied", **rest: object) -> Json:
    """The expected failure."""
    return {"code": code, "message": message, "retryable": False, "outcome": outcome, **rest}


@asynccontextmanager
async def open_upload_session(
    root: Path,
    *,
    era: str = MODERN,
    key: str | None = SANDBOX_KEY,
    trax: Sandbox | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    **settings: str,
) -> AsyncIterator[UploadSession]:
    """A client in this process; the pauses between two polls take no time."""
    trax, folder = trax or still(), make_media_folder(root)
    clock = HandClock(trax, short_seconds=15)
    all_settings = {"TRAX_MEDIA_DIRS": str(folder), **settings}
    product = Product(trax, clock, all_settings, transport=transport)
    async with (
        aclosing(product),
        mcp.Client(product.server(key), mode=era, cache=None) as client,
    ):
        yield UploadSession(client, trax, clock, folder)
