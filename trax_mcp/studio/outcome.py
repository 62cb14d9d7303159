"""Polls the stream status after a go-live or go-offline, until the result is known.

TRaX accepts a go-live before the studio is on air, so only the status shows the result.
"""

from typing import Final

from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.errors import TraxError
from trax_mcp.api.operations import GetStreamStatus
from trax_mcp.clock import Clock, iso
from trax_mcp.progress import Progress
from trax_mcp.studio.facts import Observed

OBSERVED_SECONDS: Final = 15.0
"""The most time that a change of the broadcast is observed."""

_PAUSE_SECONDS = 1.0


class OutcomeObserver:
    """Observes one studio for one caller."""

    def __init__(self, client: Client, caller: Caller, studio_id: str, *, clock: Clock) -> None:
        self._client = client
        self._caller = caller
        self._studio_id = studio_id
        self._clock = clock

    async def run(self, *, live: bool, progress: Progress) -> Observed:
        """Poll until the studio is live (or is not live), for `OBSERVED_SECONDS` at most."""
        began = self._clock.seconds()
        while True:
            elapsed = self._clock.seconds() - began
            try:
                observed = await self._poll(live=live)
            except TraxError as error:
                observed = Observed("unknown", iso(self._clock.now()))
                if not error.retryable:
                    return observed
            if observed.state in {"on_air", "off_air"} or elapsed >= OBSERVED_SECONDS:
                return observed
            message = "Waiting to be on air." if live else "Waiting to be off air."
            await progress(int(elapsed), int(OBSERVED_SECONDS), message)
            await self._clock.sleep(_PAUSE_SECONDS)

    async def _poll(self, *, live: bool) -> Observed:
        operation = GetStreamStatus(studio_id=self._studio_id)
        status = await self._client.call(operation, self._caller, retry=False, urgent=not live)
        checked_at = iso(self._clock.now())
        if status.live is None:
            return Observed("unknown", checked_at)
        if status.live == live:
            return Observed("on_air" if live else "off_air", checked_at, status.since)
        return Observed("starting" if live else "stopping", checked_at)
