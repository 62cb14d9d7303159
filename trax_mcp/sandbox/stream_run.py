"""One run of a stream, from go-live to go-offline. Its state at any time follows from two times.

Sandbox behaviour: how long going live and going offline take; TRaX does not document it.
"""

from dataclasses import dataclass
from math import inf
from typing import Any

from trax_mcp.sandbox.system_clock import format_time

GO_LIVE_SECONDS = 3.0
"""From the response to go-live until `stream-status` is live."""

GO_OFFLINE_SECONDS = 1.0
"""From the response to go-offline until `stream-status` is no longer live."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One run of a studio, from its go-live to its go-offline.

        begun_at --GO_LIVE_SECONDS--> live_since ... stopped_at --GO_OFFLINE_SECONDS--> live_until

    A stream that is stopped before `live_since` was never live.
    """

    encoder_stream_id: str
    destination_ids: tuple[str, ...]
    begun_at: float
    stopped_at: float | None = None

    @property
    def live_since(self) -> float:
        """When the stream becomes live."""
        return self.begun_at + GO_LIVE_SECONDS

    @property
    def live_until(self) -> float:
        """When the stream is no longer live; infinite until it is stopped."""
        if self.stopped_at is None:
            return inf
        delay = GO_OFFLINE_SECONDS if self.stopped_at >= self.live_since else 0.0
        return self.stopped_at + delay

    @property
    def running(self) -> bool:
        """Starting or live, and not stopped."""
        return self.stopped_at is None

    def live(self, now: float) -> bool:
        """Whether the stream is live at `now`."""
        return self.live_since <= now < self.live_until

    def to_json(self, now: float) -> dict[str, Any]:
        """The contract's `StreamStatus`. Sandbox behaviour: when not live, it has only `live`."""
        if not self.live(now):
            return {"live": False}
        return {
            "live": True,
            "mode": "cloud",
            "encoderStreamId": self.encoder_stream_id,
            "broadcastStartedAt": format_time(self.begun_at),
            "liveStartedAt": format_time(self.live_since),
        }
