"""Uploads in a world with an allowed folder, whose pauses between two polls take no time."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from tests.support.media_folders import make_media_folder
from tests.support.media_samples import MP4
from tests.support.product.faults import Fault, Request, RequestHandler, Response
from tests.support.simulated_person import ProgressLog
from tests.world.answers import error_in, text_of
from tests.world.world import MINE, open_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import mcp_types as types

    from tests.support.product.sandbox import Sandbox
    from tests.world.caller import Caller
    from tests.world.world import World

Json = dict[str, Any]

TOOL: Final = "upload_media"
RESERVED: Final = {"filename": "intro.mp4", "contentType": "video/mp4", "byteSize": len(MP4)}
"""The reservation for the file in the folder."""

RESERVE, PUT, LIST = "POST /v1/media", "PUT /uploads", "GET /v1/media"
"""The HTTP requests of an upload."""

NOT_UPLOADED: Final = "so the file wasn't uploaded. Its place in the media library stays empty."


@asynccontextmanager
async def open_uploads(
    root: Path,
    *,
    key: str = MINE,
    **rest: Any,  # noqa: ANN401  of `open_world`
) -> AsyncIterator[World]:
    """Open a world whose only caller may upload from the folder "allowed"."""
    rest = {"TRAX_MEDIA_DIRS": str(make_media_folder(root)), **rest}
    async with open_world(key, short_seconds=15, **rest) as it:
        it[key].progress = ProgressLog()
        yield it


async def upload(it: World, path: str = "intro.mp4", **arguments: object) -> types.CallToolResult:
    """Call the tool."""
    return await _caller(it).call(TOOL, path=path, **arguments)


async def failure(it: World, path: str = "intro.mp4") -> Json:
    """Call the tool; return its failure after a check that it contains no secret."""
    result = await upload(it, path)
    error = dict(error_in(result))
    assert text_of(result) == error["message"]
    text = result.model_dump_json() + str(progress_of(it))
    assert [secret for secret in upload_secrets(it.trax) if secret in text] == []
    error.pop("requestId", None)
    return error


def progress_of(it: World) -> list[tuple[float, float | None, str | None]]:
    """The progress that was reported."""
    progress = _caller(it).progress
    assert isinstance(progress, ProgressLog)
    return progress.all


def calls(it: World) -> list[str]:
    """The requests that have reached TRaX and its storage, without secrets."""
    return [f"{sent.method} {redacted_path(sent.path)}" for sent in it.trax.requests]


def send_to(it: World, url: str, *, ready: bool = False) -> None:
    """Let TRaX name another upload address, and maybe say that the file is ready."""

    def name_it(reserved: Json) -> None:
        reserved["uploadUrl"] = url
        if ready:
            it.trax.change_last_asset(status="READY")

    it.trax.faults.add(Fault.patched(name_it), method="POST")


def keep_content(it: World) -> list[bytes]:
    """Keep what arrives from now on, in order."""
    contents: list[bytes] = []

    async def keep(request: Request, handle: RequestHandler) -> Response:
        contents.append(request.body)
        return await handle(request)

    it.trax.faults.add(Fault("kept", keep), times=None, method="PUT")
    return contents


def reserved(it: World) -> list[Json]:
    """The bodies of all reservations."""
    return [sent.body_json or {} for sent in it.trax.requests if sent.method == "POST"]


def upload_secrets(trax: Sandbox) -> list[str]:
    """The secrets of the upload URLs that were used or reserved."""
    used = {it.path.removeprefix("/uploads/") for it in trax.requests if it.method == "PUT"}
    return ["/uploads/", *trax.reserved_uploads, *used]


def redacted_path(path: str) -> str:
    """A path without its secret part."""
    return "/uploads" if path.startswith("/uploads/") else path


def upload_failure(code: str, message: str, outcome: str = "not_applied", **rest: object) -> Json:
    """The expected failure."""
    return {"code": code, "message": message, "retryable": False, "outcome": outcome, **rest}


def _caller(it: World) -> Caller:
    (caller,) = it.callers.values()
    return caller
