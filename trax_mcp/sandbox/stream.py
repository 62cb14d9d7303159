"""Going live and off again: what a stream is at any moment follows from two instants.

Pure: whoever asks brings the moment. How long either takes is sandbox behaviour; TRaX's times are
not documented.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any

from trax_mcp.sandbox.clock import stamp

GO_LIVE_SECONDS = 3.0
"""From the 200 of go-live until `stream-status` says live."""

GO_OFFLINE_SECONDS = 1.0
"""From the 200 of go-offline until `stream-status` no longer says live."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One run of a studio, from its go-live to its go-offline.

        begun_at --GO_LIVE_SECONDS--> live_since ... stopped_at --GO_OFFLINE_SECONDS--> live_until

    One that is stopped before `live_since` was never live.
    """

    encoder_stream_id: str
    destination_ids: tuple[str, ...]
    begun_at: float
    stopped_at: float | None = None

    @property
    def live_since(self) -> float:
        """When viewers see it."""
        return self.begun_at + GO_LIVE_SECONDS

    @property
    def live_until(self) -> float:
        """When viewers no longer see it; infinite while nobody has stopped it."""
        if self.stopped_at is None:
            return inf
        lingers = GO_OFFLINE_SECONDS if self.stopped_at >= self.live_since else 0.0
        return self.stopped_at + lingers

    @property
    def running(self) -> bool:
        """Starting or live, and not asked to stop."""
        return self.stopped_at is None

    def live(self, now: float) -> bool:
        """Whether viewers see it at `now`."""
        return self.live_since <= now < self.live_until

    def shown(self, now: float) -> dict[str, Any]:
        """As the contract's `StreamStatus`. Sandbox behaviour: off air, only `live` is told."""
        if not self.live(now):
            return {"live": False}
        return {
            "live": True,
            "mode": "cloud",
            "encoderStreamId": self.encoder_stream_id,
            "broadcastStartedAt": stamp(self.begun_at),
            "liveStartedAt": stamp(self.live_since),
        }
