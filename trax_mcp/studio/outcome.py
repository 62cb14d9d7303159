"""Polls the stream status after a go-live or go-offline, until the result is known.

TRaX accepts a go-live before the studio is on air, so only the status shows the result.
"""

from contextlib import suppress
from typing import Final

import anyio

from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.errors import TraxError
from trax_mcp.api.reads import GetStreamStatus
from trax_mcp.clock import Clock, iso
from trax_mcp.progress import Progress
from trax_mcp.studio.facts import Observed
from trax_mcp.studio.reading import QUICK_SECONDS

OBSERVED_SECONDS: Final = 15.0
"""The most time that a change of the broadcast is observed."""

_PAUSE_SECONDS = 1.0


class OutcomeObserver:
    """Observes one studio for one caller. `was_on_air`: it was seen on air at least once."""

    def __init__(self, client: Client, caller: Caller, studio_id: str, *, clock: Clock) -> None:
        self._client = client
        self._caller = caller
        self._studio_id = studio_id
        self._clock = clock
        self.was_on_air = False

    async def run(self, *, live: bool, progress: Progress) -> Observed:
        """Poll until the studio is live (or is not live), for `OBSERVED_SECONDS` at most.

        A studio that stays live is on air as it was seen last.
        """
        began, wanted, observed = self._clock.seconds(), "on_air" if live else "off_air", None
        while True:
            elapsed = self._clock.seconds() - began
            try:
                observed = await self._poll(live=live)
            except TraxError as error:
                if observed is None or observed.state != "on_air":
                    observed = self._unknown()
                if not error.retryable:
                    return observed
            if observed.state == wanted or elapsed >= OBSERVED_SECONDS:
                return observed
            message = "Waiting to be on air." if live else "Waiting to be off air."
            await progress(int(elapsed), int(OBSERVED_SECONDS), message)
            await self._clock.sleep(_PAUSE_SECONDS)

    async def look(self) -> Observed:
        """Read the status once, quickly, as after a stop that TRaX refused.

        Then a stream without a show may be one that is only starting.
        """
        with anyio.move_on_after(QUICK_SECONDS), suppress(TraxError):
            return await self._poll(live=False, is_ending=False)
        return self._unknown()

    async def _poll(self, *, live: bool, is_ending: bool = True) -> Observed:
        operation = GetStreamStatus(studio_id=self._studio_id)
        status = await self._client.call(operation, self._caller, retry=False, urgent=not live)
        checked_at = iso(self._clock.now())
        if status.live:
            self.was_on_air = True
            return Observed("on_air", checked_at, status.since)
        if status.live is None or (status.has_stream and not (live or is_ending)):
            return self._unknown()
        return Observed("starting" if live else "off_air", checked_at)

    def _unknown(self) -> Observed:
        return Observed("unknown", iso(self._clock.now()))
