"""Uploads a local file: reserve an asset, send the file, wait until TRaX has processed it.

The upload URL is a secret. It is used for the one request and never stored or shown.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import Field, ValidationError

from trax_mcp.api import argument_types
from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.contract import CONTRACT, JsonObject
from trax_mcp.api.error_texts import pagination_loop
from trax_mcp.api.errors import TraxError
from trax_mcp.api.operations import CreateMediaUpload, ListMedia
from trax_mcp.api.tool_input import Effect, ToolInput
from trax_mcp.clock import Clock
from trax_mcp.progress import Progress
from trax_mcp.uploads.files import MediaFile, MediaFileError, open_media_file
from trax_mcp.uploads.upload_errors import (
    file_changed,
    invalid_file,
    processing_failed,
    processing_timed_out,
    status_unknown,
)

LONGEST_WAIT_SECONDS: Final = 600.0
"""How long to wait for READY or FAILED after the upload. TRaX documents no limit."""

_PROGRESS_SECONDS: Final = 1.0
_FIRST_PAUSE_SECONDS: Final = 1.0
_LONGEST_PAUSE_SECONDS: Final = 15.0
_MAX_PAGES: Final = 100


class UploadMedia(
    ToolInput,
    call="POST /v1/media",
    effect=Effect.WRITE,
    reads_files=True,
    hint=(
        "Uploads a video, picture or sound file of this computer and waits until TRaX can use it."
        " Only what the person asked for, from the folders they allowed."
        " No tool deletes it again."
    ),
):
    """Uploads a file of this computer."""

    path: argument_types.Path = Field(description="Whole path, or path below an allowed folder.")
    folder: argument_types.Path | None = Field(None, description="Folder in the media library.")

    @classmethod
    def answer_schema(cls) -> JsonObject:
        """The contract's schema of an asset."""
        return CONTRACT.schemas["MediaAsset"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploader:
    """Uploads files from the allowed folders."""

    client: Client
    folders: Sequence[Path]
    clock: Clock

    async def upload(self, request: UploadMedia, caller: Caller, progress: Progress) -> JsonObject:
        """Upload a file, wait until it is READY, and return its asset as TRaX sent it.

        Raises:
            TraxError: it was not uploaded, or is not ready; `outcome` says which.
        """
        try:
            async with open_media_file(request.path, self.folders) as file:
                asset_id = await self._send(file, request.folder, caller, progress)
        except MediaFileError as error:
            raise invalid_file(error.why, error.remedy) from None
        lookup = AssetLookup(self.client, caller, asset_id)
        return await self._wait(lookup, progress, file.size)

    async def _send(
        self, file: MediaFile, folder: str | None, caller: Caller, progress: Progress
    ) -> str:
        """Reserve an asset, send the file, and return the asset's id."""
        # Imported on first use, so that the server starts faster.
        from trax_mcp.uploads.storage import UploadStorage  # noqa: PLC0415

        storage = UploadStorage.for_client(self.client)
        reserved = await self.client.call(_reservation(file, folder), caller)
        async with aclosing(self._chunks_with_progress(file, progress)) as chunks:
            await storage.put(
                reserved.upload_url, chunks, size=file.size, content_type=file.media_type
            )
        return reserved.asset_id

    async def _chunks_with_progress(
        self, file: MediaFile, progress: Progress
    ) -> AsyncGenerator[bytes, None]:
        """The chunks of a file, with progress reports in between.

        Raises:
            NotSent: the file has changed or cannot be read.
        """
        sent, reported_at = 0, float("-inf")
        try:
            async with aclosing(file.chunks()) as chunks:
                async for chunk in chunks:
                    if self.clock.seconds() - reported_at >= _PROGRESS_SECONDS:
                        reported_at = self.clock.seconds()
                        await _report_sent(progress, sent, total=file.size)
                    yield chunk
                    sent += len(chunk)
        except MediaFileError as error:
            raise file_changed(error.why, error.remedy) from None

    async def _wait(self, lookup: "AssetLookup", progress: Progress, sent: int) -> JsonObject:
        """Poll with growing pauses until the asset is READY.

        Raises:
            TraxError: it is FAILED, not ready in time, or cannot be read.
        """
        last_error: TraxError | None = None
        began, pause = self.clock.seconds(), _FIRST_PAUSE_SECONDS
        while (elapsed := self.clock.seconds() - began) < LONGEST_WAIT_SECONDS:
            message = f"Sent {_format_size(sent)}. TRaX is processing it."
            await progress(sent + elapsed, sent + LONGEST_WAIT_SECONDS, message)
            asset, last_error = await _find_or_error(lookup)
            if asset.get("status") == "READY":
                return asset
            if asset.get("status") == "FAILED":
                raise processing_failed()
            await self.clock.sleep(min(pause, LONGEST_WAIT_SECONDS - elapsed))
            pause = min(pause * 1.5, _LONGEST_PAUSE_SECONDS)
        raise last_error or processing_timed_out(seconds=LONGEST_WAIT_SECONDS)


async def _report_sent(progress: Progress, sent: int, *, total: int) -> None:
    message = f"Sent {_format_size(sent)} of {_format_size(total)}."
    await progress(sent, total + LONGEST_WAIT_SECONDS, message)


def _reservation(file: MediaFile, folder: str | None) -> CreateMediaUpload:
    """The operation that reserves an asset for this file.

    Raises:
        MediaFileError: TRaX would not accept the file's name, for example one of blanks.
    """
    try:
        return CreateMediaUpload(
            filename=file.name, content_type=file.media_type, byte_size=file.size, folder=folder
        )
    except ValidationError:
        remedy = "Give it a name with something to read in it."
        raise MediaFileError("has a name that TRaX would not take", remedy) from None


async def _find_or_error(lookup: "AssetLookup") -> tuple[JsonObject, TraxError | None]:
    """The asset, or the error if it is transient.

    Raises:
        TraxError: the library cannot be read, and retrying will not help.
    """
    try:
        return await lookup.find(), None
    except TraxError as error:
        if error.failure.retryable:
            return {}, status_unknown(error)
        raise status_unknown(error) from None


class AssetLookup:
    """Finds an asset in the list of the library, because TRaX has no call for a single asset."""

    def __init__(self, client: Client, caller: Caller, asset_id: str) -> None:
        self._client = client
        self._caller = caller
        self._asset_id = asset_id
        self._page: str | None = None
        """The cursor of the page that had it last. Pages are stable (source: the reference)."""

    async def find(self) -> JsonObject:
        """The asset as TRaX sent it. Empty if it is not listed.

        Raises:
            TraxError: a page could not be read, or there are more than are looked at.
        """
        cursor = self._page
        for _ in range(_MAX_PAGES):
            page = await self._read_page(cursor)
            if asset := _find_item(page, self._asset_id):
                self._page = cursor
                return asset
            if not (cursor := page.get("nextCursor")):
                self._page = None
                return {}
        self._page = None
        raise pagination_loop(ListMedia())

    async def _read_page(self, cursor: str | None) -> JsonObject:
        return (await self._client.send(ListMedia().next_page(cursor), self._caller)).data


def _find_item(page: JsonObject, asset_id: str) -> JsonObject | None:
    data = page.get("data")
    items: list[object] = data if isinstance(data, list) else []
    return next((it for it in items if isinstance(it, dict) and it.get("id") == asset_id), None)


def _format_size(size: int) -> str:
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size} bytes"
