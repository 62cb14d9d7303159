"""Polls the stream status after a go-live, until the studio is on air.

TRaX accepts a go-live before the studio is on air, so only the status shows the result.
"""

from typing import Final

from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.errors import TraxError
from trax_mcp.api.reads import GetStreamStatus
from trax_mcp.clock import Clock, iso
from trax_mcp.progress import Progress
from trax_mcp.studio.facts import Observed

OBSERVED_SECONDS: Final = 15.0
"""The most time that a change of the broadcast is observed."""

_PAUSE_SECONDS = 1.0


async def observe_go_live(
    client: Client, caller: Caller, studio_id: str, *, clock: Clock, progress: Progress
) -> Observed:
    """Poll until the studio is on air, for `OBSERVED_SECONDS` at most."""
    operation, began, observed = GetStreamStatus(studio_id=studio_id), clock.seconds(), None
    while True:
        elapsed = clock.seconds() - began
        try:
            status = await client.call(operation, caller, retry=False)
        except TraxError as error:
            observed = Observed("unknown", iso(clock.now()))
            if not error.retryable:
                return observed
        else:
            checked_at = iso(clock.now())
            if status.live:
                return Observed("on_air", checked_at, status.since)
            observed = Observed("unknown" if status.live is None else "starting", checked_at)
        if elapsed >= OBSERVED_SECONDS:
            return observed
        await progress(int(elapsed), int(OBSERVED_SECONDS), "Waiting to be on air.")
        await clock.sleep(_PAUSE_SECONDS)
