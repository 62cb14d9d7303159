"""Uploads a local file: reserve an asset, send the file, wait until TRaX has processed it.

The upload URL is a secret. It is used for the one request and never stored or shown.
"""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, replace
from typing import Final

import anyio
from pydantic import Field

from trax_mcp.actions.chat_and_media import CreateMediaUpload
from trax_mcp.api import arguments
from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.contract import CONTRACT, JsonObject
from trax_mcp.api.errors import LostAnswer, NotSent, Refused, TraxError, pagination_loop
from trax_mcp.api.models import MediaAsset
from trax_mcp.api.operation import Effect, Progress
from trax_mcp.api.reads import ListMedia
from trax_mcp.clock import Clock
from trax_mcp.studio import naming
from trax_mcp.studio.composite_tools import CompositeTool, ToolUse
from trax_mcp.studio.outputs import Words
from trax_mcp.studio.reading import read_all_pages
from trax_mcp.uploads.files import MediaFile, MediaFileError, open_media_file

LONGEST_WAIT_SECONDS: Final = 45.0
"""From the beginning of the call, after which nothing waits for READY. Many clients give up after
60 s, and TRaX documents no limit for its processing."""

_BUT: Final = "The file was uploaded, but"
_NOT_AGAIN: Final = "Don't upload it again. list_media shows when it's READY."
_SENT: Final = 100
"""Progress counts the file as this, and each second of the longest wait as 1."""
_TOTAL: Final = _SENT + int(LONGEST_WAIT_SECONDS)
_PROGRESS_SECONDS: Final = 1.0
_FIRST_PAUSE_SECONDS: Final = 1.0
_LONGEST_PAUSE_SECONDS: Final = 15.0
_LONGEST_LOOK_SECONDS: Final = 10.0


class UploadMedia(
    CompositeTool,
    endpoint="POST /v1/media",
    effect=Effect.WRITE,
    reads_files=True,
    hint=(
        "Upload a video, picture or sound file from this computer and wait until TRaX can use it."
        " Take only what the user asked for, from the folders they allowed."
    ),
):
    """Uploads a file of this computer."""

    path: arguments.Path = Field(description="Full path, or path below an allowed folder.")
    folder: arguments.Path | None = Field(None, description="Folder in the library.")

    @classmethod
    def output_schema(cls) -> JsonObject:
        """The contract's schema of an asset."""
        return CONTRACT.schemas["MediaAsset"]

    async def run(self, use: ToolUse) -> tuple[JsonObject, Words]:
        """Upload a file, wait for READY, and return its asset as TRaX sent it last.

        After `LONGEST_WAIT_SECONDS` in all it may still be in processing.

        Raises:
            TraxError: it was not uploaded, TRaX could not process it, or its state could not be
                read; `outcome` says which.
        """
        upload = _Upload(use.client, use.caller, use.progress, use.clock)
        until = use.clock.seconds() + LONGEST_WAIT_SECONDS
        try:
            async with open_media_file(self.path, use.media_dirs) as file:
                asset_id = await upload.send(file, self.folder)
        except MediaFileError as error:
            raise NotSent("invalid_file", f"The file {error.why}", error.remedy) from None
        seen = await upload.wait(asset_id, sent=file.size, until=until)
        asset = seen.model_dump(by_alias=True, exclude_unset=True)
        return asset, _words_of(asset)


@dataclass(frozen=True, slots=True)
class _Upload:
    """The parts of an upload."""

    client: Client
    caller: Caller
    progress: Progress
    clock: Clock

    async def send(self, file: MediaFile, folder: str | None) -> str:
        """Reserve an asset, send the file, and return the asset's id."""
        # Imported on first use, so that the server starts faster.
        from trax_mcp.uploads.storage import not_uploaded, put  # noqa: PLC0415

        reservation = CreateMediaUpload(
            filename=file.name, content_type=file.media_type, byte_size=file.size, folder=folder
        )
        reserved = await self.client.call(reservation, self.caller)
        try:
            chunks = self._chunks_of(file)
            await put(self.client, reserved.upload_url, file, chunks, self.clock.sleep)
        except MediaFileError as error:
            happened = f"The file {error.why}"
            raise not_uploaded(NotSent, "invalid_file", happened, error.remedy) from None
        return reserved.asset_id

    def _chunks_of(self, file: MediaFile) -> Callable[[], AsyncGenerator[bytes, None]]:
        """Reads a file, with progress reports in between: the most that was sent in any try."""
        most, reported_at = -1, float("-inf")

        async def chunks() -> AsyncGenerator[bytes, None]:
            nonlocal most, reported_at
            sent = 0
            async for chunk in file.chunks():
                if sent > most and self.clock.seconds() - reported_at >= _PROGRESS_SECONDS:
                    most, reported_at = sent, self.clock.seconds()
                    message = f"Sent {_format_size(sent)} of {_format_size(file.size)}."
                    await self.progress(_SENT * sent // file.size, _TOTAL, message)
                yield chunk
                sent += len(chunk)

        return chunks

    async def wait(self, asset_id: str, *, sent: int, until: float) -> MediaAsset:
        """Look with growing pauses until the asset is READY or the time is over, at least once.

        Returns it as it was seen last.

        Raises:
            TraxError: it is FAILED, or was never seen.
        """
        seen: MediaAsset | None = None
        began, pause = self.clock.seconds(), _FIRST_PAUSE_SECONDS
        while True:
            failure: TraxError = _not_listed()
            try:
                with anyio.move_on_after(_LONGEST_LOOK_SECONDS):
                    seen = await self._find(asset_id) or seen
            except TraxError as error:
                failure = _status_unknown(error)
                if not error.retryable:
                    raise failure from None
            if seen and seen.status == "READY":
                return seen
            if seen and seen.status == "FAILED":
                why = "TRaX couldn't process it. The media library lists it as FAILED"
                next_step = "Tell the user. Don't upload the same file again."
                raise Refused("upload_failed", f"{_BUT} {why}", next_step, outcome="applied")
            if (now := self.clock.seconds()) >= until:
                if seen is None:
                    raise failure
                return seen
            message = f"Sent {_format_size(sent)}. TRaX is processing it."
            await self.progress(_SENT + int(now - began), _TOTAL, message)
            await self.clock.sleep(min(pause, until - now))
            pause = min(pause * 1.5, _LONGEST_PAUSE_SECONDS)

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


def _words_of(asset: JsonObject) -> Words:
    """What is said of an upload, from the asset as TRaX lists it."""
    status, name = asset.get("status"), naming.quoted(asset.get("filename") or asset["id"])
    done = f"Uploaded the file {name} to the media library."
    if status == "READY":
        return Words(f"{done} It is {status}.")
    return Words(f"{done} TRaX is still processing it.", message=_NOT_AGAIN)


def _not_listed() -> TraxError:
    """The file arrived, but the library has not shown its asset."""
    why = "the media library doesn't list it yet"
    return LostAnswer("timeout", f"{_BUT} {why}", _NOT_AGAIN, outcome="applied")


def _status_unknown(error: TraxError) -> TraxError:
    """The file arrived, but whether it is ready could not be read."""
    return replace(
        error,
        happened=f"{_BUT} it's unclear whether it's ready ({error.happened})",
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
