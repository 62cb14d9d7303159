"""Uploads a local file: reserve an asset, send the file, wait until TRaX has processed it.

The upload URL is a secret. It is used for the one request and never stored or shown.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pydantic import Field

from trax_mcp.api import arguments
from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.contract import CONTRACT, JsonObject
from trax_mcp.api.errors import LostAnswer, NotSent, Refused, TraxError, pagination_loop
from trax_mcp.api.models import MediaAsset
from trax_mcp.api.operation import Effect, ToolInput
from trax_mcp.api.operations import CreateMediaUpload, ListMedia
from trax_mcp.clock import Clock
from trax_mcp.progress import Progress
from trax_mcp.studio import naming
from trax_mcp.studio.reading import read_all_pages
from trax_mcp.uploads.files import MediaFile, MediaFileError, open_media_file

LONGEST_PROCESSING_SECONDS: Final = 600.0
"""How long to wait for READY or FAILED after the upload. TRaX documents no limit."""

_BUT: Final = "The file was uploaded, but"
_NOT_AGAIN: Final = "Do not upload it again: list_media shows when it is READY."
_SENT: Final = 100
"""Progress counts the file as this, and each second of the longest processing as 1."""
_TOTAL: Final = _SENT + int(LONGEST_PROCESSING_SECONDS)
_PROGRESS_SECONDS: Final = 1.0
_FIRST_PAUSE_SECONDS: Final = 1.0
_LONGEST_PAUSE_SECONDS: Final = 15.0


class UploadMedia(
    ToolInput,
    call="POST /v1/media",
    effect=Effect.WRITE,
    reads_files=True,
    hint=(
        "Upload a video, picture or sound file of this computer and wait until TRaX can use it."
        " Take only what the person asked for, from the folders they allowed."
    ),
):
    """Uploads a file of this computer."""

    path: arguments.Path = Field(description="Whole path, or path below an allowed folder.")
    folder: arguments.Path | None = Field(None, description="Folder in the library.")

    @classmethod
    def answer_schema(cls) -> JsonObject:
        """The contract's schema of an asset."""
        return CONTRACT.schemas["MediaAsset"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploader:
    """Uploads files of a caller from the allowed folders."""

    client: Client
    caller: Caller
    folders: Sequence[Path]
    progress: Progress
    clock: Clock

    async def upload(self, request: UploadMedia) -> JsonObject:
        """Upload a file, wait until it is READY, and return its asset as TRaX sent it.

        Raises:
            TraxError: it was not uploaded, or is not ready; `outcome` says which.
        """
        try:
            async with open_media_file(request.path, self.folders) as file:
                asset_id = await self._send(file, request.folder)
        except MediaFileError as error:
            raise NotSent("invalid_file", f"The file {error.why}", error.remedy) from None
        asset = await self._wait(asset_id, sent=file.size)
        return asset.model_dump(by_alias=True, exclude_unset=True)

    async def _send(self, file: MediaFile, folder: str | None) -> str:
        """Reserve an asset, send the file, and return the asset's id."""
        # Imported on first use, so that the server starts faster.
        from trax_mcp.uploads.storage import not_uploaded, put  # noqa: PLC0415

        reservation = CreateMediaUpload(
            filename=file.name, content_type=file.media_type, byte_size=file.size, folder=folder
        )
        reserved = await self.client.call(reservation, self.caller)
        try:
            async with aclosing(self._chunks(file)) as chunks:
                await put(self.client, reserved.upload_url, file, chunks)
        except MediaFileError as error:
            happened = f"The file {error.why}"
            raise not_uploaded(NotSent, "invalid_file", happened, error.remedy) from None
        return reserved.asset_id

    async def _chunks(self, file: MediaFile) -> AsyncGenerator[bytes, None]:
        """The chunks of a file, with progress reports in between: the share that was sent."""
        sent, reported_at = 0, float("-inf")
        async for chunk in file.chunks():
            if self.clock.seconds() - reported_at >= _PROGRESS_SECONDS:
                reported_at = self.clock.seconds()
                message = f"Sent {_format_size(sent)} of {_format_size(file.size)}."
                await self.progress(_SENT * sent // file.size, _TOTAL, message)
            yield chunk
            sent += len(chunk)

    async def _wait(self, asset_id: str, *, sent: int) -> MediaAsset:
        """Poll with growing pauses until the asset is READY.

        Raises:
            TraxError: it is FAILED, not ready in time, or cannot be read.
        """
        last_error: TraxError | None = None
        began, pause = self.clock.seconds(), _FIRST_PAUSE_SECONDS
        while (elapsed := self.clock.seconds() - began) < LONGEST_PROCESSING_SECONDS:
            asset, last_error = None, None
            try:
                asset = await self._find(asset_id)
            except TraxError as error:
                last_error = _status_unknown(error)
                if not error.retryable:
                    raise last_error from None
            if asset and asset.status == "READY":
                return asset
            if asset and asset.status == "FAILED":
                why = "TRaX could not process it: the media library lists it as FAILED"
                next_step = "Tell the person; do not upload the same file again."
                raise Refused("upload_failed", f"{_BUT} {why}", next_step, outcome="applied")
            message = f"Sent {_format_size(sent)}. TRaX is processing it."
            await self.progress(_SENT + int(elapsed), _TOTAL, message)
            await self.clock.sleep(min(pause, LONGEST_PROCESSING_SECONDS - elapsed))
            pause = min(pause * 1.5, _LONGEST_PAUSE_SECONDS)
        why = f"TRaX has not finished processing it in {LONGEST_PROCESSING_SECONDS:g} s"
        raise last_error or LostAnswer("timeout", f"{_BUT} {why}", _NOT_AGAIN, outcome="applied")

    async def _find(self, asset_id: str) -> MediaAsset | None:
        """The asset in the list of the library, because TRaX has no call for a single one.

        Raises:
            TraxError: a page could not be read, or there are more than are looked at.
        """
        found = await read_all_pages(
            self.client, ListMedia(), self.caller, until=lambda it: it.id == asset_id
        )
        asset = next((it for it in found.value or () if it.id == asset_id), None)
        if asset is None and found.missing:
            raise pagination_loop(ListMedia())
        return asset


def uploaded_text(asset: JsonObject) -> str:
    """The sentence about a finished upload, from the asset as TRaX lists it."""
    name, status = naming.quoted(asset["filename"]), naming.word(asset["status"])
    return f"Uploaded the file {name} to the media library. It is {status}."


def _status_unknown(error: TraxError) -> TraxError:
    """The file arrived, but whether it is ready could not be read."""
    return replace(
        error,
        happened=f"{_BUT} whether it is ready could not be seen ({error.happened})",
        next_step=_NOT_AGAIN,
        not_done="",
        outcome="applied",
        retryable=False,
    )


def _format_size(size: int) -> str:
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size} bytes"
