"""Did it happen? Looks at the stream status until it is known, or time is up.

An accepted go-live has begun, not arrived; only the status tells. The room never sends anything
that changes anything.
"""

from dataclasses import dataclass
from typing import Final, Literal

from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.errors import TraxError
from trax_mcp.api.operations import GetStreamStatus
from trax_mcp.clock import Clock, iso
from trax_mcp.progress import Progress

WATCH_SECONDS: Final = 15.0
_PAUSE_SECONDS = 1.0

State = Literal["on_air", "starting", "stopping", "off_air", "unknown"]


@dataclass(frozen=True, slots=True)
class Observed:
    """What was seen. `since` is TRaX's own time, `checked_at` ours; both ISO 8601."""

    state: State
    checked_at: str
    since: str | None = None


class Watch:
    """Looks at one studio for one caller, until it is as `wanted`."""

    def __init__(self, client: Client, caller: Caller, studio: str, *, clock: Clock) -> None:
        self._client = client
        self._caller = caller
        self._studio = studio
        self._clock = clock

    async def look(self, *, live: bool, progress: Progress) -> Observed:
        """Look until the studio is (or is not) live, for 15 s at most."""
        began = self._clock.seconds()
        while True:
            gone = self._clock.seconds() - began
            try:
                observed = await self._once(live=live)
            except TraxError as error:
                observed = Observed("unknown", iso(self._clock.now()))
                if not error.failure.retryable:
                    return observed
            if observed.state in {"on_air", "off_air"} or gone >= WATCH_SECONDS:
                return observed
            doing = "Waiting to be on air." if live else "Waiting to be off air."
            await progress(gone, WATCH_SECONDS, doing)
            await self._clock.sleep(_PAUSE_SECONDS)

    async def _once(self, *, live: bool) -> Observed:
        looking = GetStreamStatus(studio_id=self._studio)
        status = await self._client.read(looking, self._caller, persist=False)
        checked_at = iso(self._clock.now())
        if status.live == live:
            return Observed("on_air" if live else "off_air", checked_at, status.since)
        return Observed("starting" if live else "stopping", checked_at)
