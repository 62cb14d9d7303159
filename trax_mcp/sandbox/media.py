"""The media library: reserving an asset, taking its bytes at a presigned URL, processing them.

Beyond UPLOADING -> READY or FAILED all of this is sandbox behaviour: that a URL lives so long and
works once, that only the number of bytes is looked at, and how long processing takes.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from trax_mcp.sandbox.exchange import Refusal, invalid
from trax_mcp.sandbox.records import Asset

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
        self.assets: dict[str, Asset] = {}
        self._clock = clock
        self._mint = mint
        self._reservations: dict[str, Reservation] = {}

    def assets_of(self, account: str) -> list[Asset]:
        """Every asset of one account."""
        return [asset for asset in self.assets.values() if asset.account == account]

    def reserve(
        self, account: str, *, filename: str, content_type: str, byte_size: int, folder: str | None
    ) -> tuple[Asset, Reservation]:
        """A new asset in UPLOADING and the token of its URL; other types of content are refused."""
        kind = content_type.partition("/")[0].lower()
        if kind not in KINDS:
            raise invalid("contentType must be a video, image or audio type.")
        asset = Asset(
            self._mint("asset"),
            account,
            filename,
            kind,
            byte_size,
            content_type,
            self._clock.now(),
            folder=folder,
        )
        reservation = Reservation(
            asset.id, secrets.token_urlsafe(24), self._clock.now() + URL_SECONDS
        )
        self.assets[asset.id] = asset
        self._reservations[reservation.token] = reservation
        return asset, reservation

    def receive(self, token: str, size: int) -> None:
        """Take the bytes of one upload. An unknown, used or expired token is refused with 403."""
        reservation = self._reservations.pop(token, None)
        if reservation is None or self._clock.now() >= reservation.expires_at:
            raise Refusal(403, "upload_forbidden", "This upload URL is not valid, or no longer.")
        asset = self.assets[reservation.asset_id]
        if size != asset.byte_size:
            self.assets[asset.id] = replace(asset, status="FAILED")
            return
        self.assets[asset.id] = replace(asset, ready_at=self._clock.now() + PROCESSING_SECONDS)
