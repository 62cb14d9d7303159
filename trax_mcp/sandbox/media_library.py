"""The media library: reserves an asset, receives its bytes at a presigned URL, processes them.

Only UPLOADING -> READY or FAILED is documented. Sandbox behaviour: a URL expires and works once,
only the number of bytes is checked, and processing takes a fixed time.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from trax_mcp.sandbox.messages import Refusal, invalid_request
from trax_mcp.sandbox.record_table import RecordTable
from trax_mcp.sandbox.records import Asset
from trax_mcp.sandbox.system_clock import Clock

URL_SECONDS = 900.0
"""How long an upload URL is valid."""

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

    def __init__(self, clock: Clock, new_id: Callable[[str], str]) -> None:
        self.assets = RecordTable[Asset]("asset", lambda it, account: it.account == account)
        self._clock = clock
        self._new_id = new_id
        self._reservations: dict[str, Reservation] = {}

    def reserve(
        self, account: str, *, filename: str, content_type: str, byte_size: int, folder: str | None
    ) -> tuple[Asset, Reservation]:
        """Add an asset in UPLOADING; raises Refusal unless it is video, image or audio."""
        kind, slash, _ = content_type.lower().partition("/")
        if not slash or kind not in KINDS:
            raise invalid_request("contentType must be a video, image or audio type.")
        now, asset_id = self._clock.now(), self._new_id("asset")
        asset = Asset(
            asset_id, account, filename, kind, byte_size, content_type, now, folder=folder
        )
        reservation = Reservation(asset_id, secrets.token_urlsafe(24), now + URL_SECONDS)
        self._reservations[reservation.token] = reservation
        return self.assets.add(asset), reservation

    def receive(self, token: str, size: int) -> None:
        """Receive one upload of `size` bytes; 403 if the token is unknown, used or expired."""
        reservation = self._reservations.pop(token, None)
        if reservation is None or self._clock.now() >= reservation.expires_at:
            raise Refusal(403, "upload_forbidden", "This upload URL is not valid, or no longer.")
        asset = self.assets[reservation.asset_id]
        processed_at = self._clock.now() + PROCESSING_SECONDS
        whole = size == asset.byte_size
        self.assets.change(asset, {"ready_at": processed_at} if whole else {"status": "FAILED"})
