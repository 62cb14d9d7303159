"""Watches a studio after a stop, and sends that again where it is needed."""

from datetime import datetime
from typing import Final

import anyio

from trax_mcp.api.errors import TraxError
from trax_mcp.api.models import StreamStatus
from trax_mcp.api.reads import GetStreamStatus
from trax_mcp.clock import iso
from trax_mcp.consent.calls import no_progress
from trax_mcp.consent.sent import is_busy
from trax_mcp.consent.stop_repeats import (
    AGAIN_SECONDS,
    Watched,
    is_another,
    next_after,
    state_after,
    waits_for_start,
)
from trax_mcp.consent.stopping import Stopping
from trax_mcp.progress import Progress
from trax_mcp.studio.facts import OBSERVED_SECONDS, Observed
from trax_mcp.studio.reading import QUICK_SECONDS

_PAUSE_SECONDS: Final = 1.0


class StopWatch:
    """What is seen after a stop that was sent. `was_on_air`: it was seen on air at least once."""

    def __init__(self, stop: Stopping) -> None:
        self._stop = stop
        self._parts = stop.parts
        self._is_unreadable = False
        self._is_final = False
        self.was_on_air = False
        self.observed = Observed("unknown", iso(self._parts.clock.now()))

    async def run(self, progress: Progress = no_progress) -> None:
        """Watch until the studio is off air, for `OBSERVED_SECONDS` at most."""
        stop, clock = self._stop, self._parts.clock
        began = last = clock.seconds()
        while True:
            await self._look()
            elapsed = clock.seconds() - began
            act = next_after(self._watched(elapsed))
            if act == "end":
                return
            if act == "again" and is_busy(stop.sent):
                await clock.sleep(last + AGAIN_SECONDS - clock.seconds())
                last = clock.seconds()
                if await self._was_stopped() or not await stop.repeat():
                    return
            elif act == "again":
                await self._repeat()
            else:
                await progress(int(elapsed), int(OBSERVED_SECONDS), "Waiting to be off air.")
                await clock.sleep(_PAUSE_SECONDS)

    @property
    def seconds_left(self) -> float:
        """For how long it is still watched whether a start comes. Not if 0."""
        waits = waits_for_start(self._watched()) and not is_busy(self._stop.sent)
        return self._stop.start_left if waits else 0.0

    async def run_on(self) -> datetime | None:
        """After the answer, repeat the stop once if the start that could come does come.

        Returns when, after watching what follows.
        """
        clock = self._parts.clock
        while self.seconds_left > 0:
            await clock.sleep(AGAIN_SECONDS)
            await self._look()
            if self.observed.state != "on_air":
                continue
            if self.seconds_left > 0 and await self._repeat():
                at = clock.now()
                await self.run()
                return at
            return None
        return None

    def _watched(self, elapsed: float = 0.0) -> Watched:
        stop = self._stop
        return Watched(
            stop.sent,
            self.observed.state,
            elapsed,
            stop.start,
            stop.start_left,
            self._is_unreadable,
            self._is_final,
        )

    async def _repeat(self) -> bool:
        """Send it once more, for the only time."""
        self._is_final = True
        return await self._stop.repeat()

    async def _was_stopped(self) -> bool:
        """Whether the start that could come was stopped otherwise since, or undone."""
        seen, before = await self._stop.look(), self._stop.start
        start = seen.studio.start if seen else None
        return start is not None and start.state == "stopped" and start != before

    async def _look(self) -> None:
        """The state now. A studio that was on air counts as that while reads of it fail."""
        status, checked_at = await self._status(), iso(self._parts.clock.now())
        if isinstance(status, StreamStatus):
            state = state_after(self._stop.sent, status)
            self.observed = Observed(state, checked_at, status.since)
            return
        self._is_unreadable = status is not None and not status.retryable
        if self.observed.state != "on_air":
            self.observed = Observed("unknown", checked_at)

    async def _status(self) -> StreamStatus | TraxError | None:
        """Read the stream status. Then the key may read the studio: an unknown stop counts."""
        stop = self._stop
        operation = GetStreamStatus(studio_id=stop.call.studio)
        with anyio.move_on_after(QUICK_SECONDS):
            try:
                status = await self._parts.client.call(
                    operation, stop.call.caller, retry=False, urgent=True
                )
            except TraxError as error:
                return error
            await stop.note_read()
            if status.live:
                self.was_on_air = True
                self._is_final |= is_another(stop.start, status)
                if not self._is_final:
                    await stop.note_on_air()
            return status
        return None
