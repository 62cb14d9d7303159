"""The media library: reserving an asset, taking its bytes at a presigned URL, processing them.

Beyond UPLOADING -> READY or FAILED all of this is sandbox behaviour: that a URL lives so long and
works once, that only the number of bytes is looked at, and how long processing takes.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from trax_mcp.sandbox.messages import Refusal, invalid
from trax_mcp.sandbox.records import Asset
from trax_mcp.sandbox.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable

    from trax_mcp.sandbox.clock import Clock

URL_SECONDS = 900.0
"""How long an upload URL is accepted."""

PROCESSING_SECONDS = 2.0
"""From the last byte until the asset is READY."""

KINDS = ("video", "image", "audio")


@dataclass(frozen=True, slots=True)
class Reservation:
    """An upload URL that has not been used yet."""

    asset_id: str
    token: str = field(repr=False)
    expires_at: float


class Library:
    """Every account's assets."""

    def __init__(self, clock: Clock, mint: Callable[[str], str]) -> None:
        self.assets = Table[Asset]("asset", lambda it, account: it.account == account)
        self._clock = clock
        self._mint = mint
        self._reservations: dict[str, Reservation] = {}

    def reserve(
        self, account: str, *, filename: str, content_type: str, byte_size: int, folder: str | None
    ) -> tuple[Asset, Reservation]:
        """A new asset in UPLOADING and the token of its URL; other types of content are refused."""
        kind, slash, _ = content_type.lower().partition("/")
        if not slash or kind not in KINDS:
            raise invalid("contentType must be a video, image or audio type.")
        now, asset_id = self._clock.now(), self._mint("asset")
        asset = Asset(
            asset_id, account, filename, kind, byte_size, content_type, now, folder=folder
        )
        reservation = Reservation(asset_id, secrets.token_urlsafe(24), now + URL_SECONDS)
        self._reservations[reservation.token] = reservation
        return self.assets.add(asset), reservation

    def receive(self, token: str, size: int) -> None:
        """Take the bytes of one upload. An unknown, used or expired token is refused with 403."""
        reservation = self._reservations.pop(token, None)
        if reservation is None or self._clock.now() >= reservation.expires_at:
            raise Refusal(403, "upload_forbidden", "This upload URL is not valid, or no longer.")
        asset = self.assets[reservation.asset_id]
        processed_at = self._clock.now() + PROCESSING_SECONDS
        whole = size == asset.byte_size
        self.assets.change(asset, {"ready_at": processed_at} if whole else {"status": "FAILED"})
