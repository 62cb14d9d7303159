"""A file of this computer -> an asset in the media library: reserve, put, wait until it is ready.

What may be read is decided in `files`, how the bytes travel in `storage`. The address
that they travel to is a secret, and goes from one call to the next and nowhere else.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import Field, ValidationError

from trax_mcp.api.argument_types import Text
from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.contract import CONTRACT, JsonObject
from trax_mcp.api.errors import TraxError
from trax_mcp.api.operations import CreateMediaUpload, ListMedia
from trax_mcp.api.tool_input import Effect, ToolInput
from trax_mcp.clock import Clock
from trax_mcp.progress import Progress
from trax_mcp.uploads.files import MediaFile, UnfitFileError, opened
from trax_mcp.uploads.upload_errors import (
    not_processed,
    still_processed,
    unfit,
    unfit_meanwhile,
    unseen,
)

LONGEST_WAIT_SECONDS: Final = 600.0
"""For READY or FAILED, after the last byte. TRaX does not say how long it may take."""

TELL_SECONDS: Final = 1.0
_FIRST_PAUSE_SECONDS: Final = 1.0
_LONGEST_PAUSE_SECONDS: Final = 15.0
_LARGEST_PAGE: Final = 200
_MOST_PAGES: Final = 100


class UploadMedia(ToolInput, call="POST /v1/media", effect=Effect.WRITE):
    """Uploads a video, picture or sound file of this computer and waits until TRaX can use it.

    Only what the person asked for, from the folders they allowed. No tool deletes it again.
    """

    path: Text = Field(description="Whole path, or path below an allowed folder.")
    folder: Text | None = Field(None, description="Folder in the media library.")

    @classmethod
    def answer(cls) -> JsonObject:
        """The asset, as the contract has it."""
        return CONTRACT.schemas["MediaAsset"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploader:
    """Uploads files from these folders; what it needs of the world is handed in."""

    client: Client
    folders: Sequence[Path]
    clock: Clock

    async def upload(self, asked: UploadMedia, caller: Caller, progress: Progress) -> JsonObject:
        """Upload a file and return its asset, READY, as TRaX sent it.

        Raises:
            TraxError: it was not uploaded, or is not ready; `outcome` says which.
        """
        try:
            async with opened(asked.path, self.folders) as file:
                asset_id = await self._send(file, asked.folder, caller, progress)
        except UnfitFileError as error:
            raise unfit(error.why, error.remedy) from None
        lookup = AssetLookup(self.client, caller, asset_id)
        return await self._wait(lookup, progress, file.size)

    async def _send(
        self, file: MediaFile, folder: str | None, caller: Caller, progress: Progress
    ) -> str:
        """Reserve an asset and fill it; returns its id."""
        # httpx is imported when the first file is sent, not at the start.
        from trax_mcp.uploads.storage import UploadStorage  # noqa: PLC0415

        storage = UploadStorage.for_client(self.client)
        reserved = await self.client.read(_reserving(file, folder), caller)
        async with aclosing(self._pieces_with_progress(file, progress)) as pieces:
            await storage.put(
                reserved.upload_url, pieces, size=file.size, content_type=file.media_type
            )
        return reserved.asset_id

    async def _pieces_with_progress(
        self, file: MediaFile, progress: Progress
    ) -> AsyncGenerator[bytes, None]:
        """The pieces of a file, with a word now and then of how many are gone.

        Raises:
            NotSent: the file can be sent no further.
        """
        sent, told_at = 0, float("-inf")
        try:
            async with aclosing(file.pieces()) as pieces:
                async for piece in pieces:
                    if self.clock.seconds() - told_at >= TELL_SECONDS:
                        told_at = self.clock.seconds()
                        await _tell_sent(progress, sent, whole=file.size)
                    yield piece
                    sent += len(piece)
        except UnfitFileError as error:
            raise unfit_meanwhile(error.why, error.remedy) from None

    async def _wait(self, lookup: "AssetLookup", progress: Progress, sent: int) -> JsonObject:
        """Look, with growing pauses, until the asset is READY.

        Raises:
            TraxError: it is FAILED, not ready in time, or cannot be seen.
        """
        trouble: TraxError | None = None
        began, pause = self.clock.seconds(), _FIRST_PAUSE_SECONDS
        while (gone := self.clock.seconds() - began) < LONGEST_WAIT_SECONDS:
            told = f"Sent {_amount(sent)}. TRaX is processing it."
            await progress(sent + gone, sent + LONGEST_WAIT_SECONDS, told)
            asset, trouble = await _glance(lookup)
            if asset.get("status") == "READY":
                return asset
            if asset.get("status") == "FAILED":
                raise not_processed()
            await self.clock.sleep(min(pause, LONGEST_WAIT_SECONDS - gone))
            pause = min(pause * 1.5, _LONGEST_PAUSE_SECONDS)
        raise trouble or still_processed(seconds=LONGEST_WAIT_SECONDS)


async def _tell_sent(progress: Progress, sent: int, *, whole: int) -> None:
    words = f"Sent {_amount(sent)} of {_amount(whole)}."
    await progress(sent, whole + LONGEST_WAIT_SECONDS, words)


def _reserving(file: MediaFile, folder: str | None) -> CreateMediaUpload:
    """The call that reserves an asset for this file.

    Raises:
        UnfitFileError: its name is none for TRaX, as one of blanks; all else was judged before.
    """
    try:
        return CreateMediaUpload(
            filename=file.name, content_type=file.media_type, byte_size=file.size, folder=folder
        )
    except ValidationError:
        remedy = "Give it a name with something to read in it."
        raise UnfitFileError("has a name that TRaX would not take", remedy) from None


async def _glance(lookup: "AssetLookup") -> tuple[JsonObject, TraxError | None]:
    """The asset, or what keeps it from being seen for the moment: no reason to give up.

    Raises:
        TraxError: it cannot be seen at all.
    """
    try:
        return await lookup.look(), None
    except TraxError as error:
        if error.failure.retryable:
            return {}, unseen(error)
        raise unseen(error) from None


class AssetLookup:
    """Where an asset stands in the library: there is no call for a single one."""

    def __init__(self, client: Client, caller: Caller, asset_id: str) -> None:
        self._client = client
        self._caller = caller
        self._asset_id = asset_id
        self._page: str | None = None
        """Where it was seen last: pages stay where they are (source: the reference)."""

    async def look(self) -> JsonObject:
        """The asset as TRaX tells of it, empty if it is not listed.

        Raises:
            TraxError: a page could not be read.
        """
        cursor = self._page
        for _ in range(_MOST_PAGES):
            asking = ListMedia(limit=_LARGEST_PAGE).model_copy(update={"cursor": cursor})
            page = (await self._client.send(asking, self._caller)).data
            if asset := _listed(page, self._asset_id):
                self._page = cursor
                return asset
            if not (cursor := page.get("nextCursor")):
                break
        self._page = None
        return {}


def _listed(page: JsonObject, asset_id: str) -> JsonObject | None:
    items = page.get("data")
    listed: list[object] = items if isinstance(items, list) else []
    return next((it for it in listed if isinstance(it, dict) and it.get("id") == asset_id), None)


def _amount(size: int) -> str:
    """Bytes, in words."""
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size} bytes"
