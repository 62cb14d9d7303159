"""The watchers of a server: one for each caller and source, never shared with another caller.

Unused watchers are kept for a while, so that a client that reconnects gets the messages in between.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from anyio.abc import TaskGroup

from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.error_texts import no_key
from trax_mcp.api.models import StreamStatus
from trax_mcp.chat.polled_source import PolledChat, PolledSource, PolledStatus
from trax_mcp.chat.watcher import Watcher
from trax_mcp.clock import Clock

SourceT = TypeVar("SourceT", bound=PolledSource)

KEPT_SECONDS: Final = 300.0
"""How long an unused watcher is kept."""

_MAX_UNUSED = 50
"""The most unused watchers of one caller."""


@dataclass(frozen=True, slots=True)
class _Key:
    """A source and its caller. One caller must never get what another caller's key could read."""

    source_type: Callable[[Client, Caller, str], PolledSource]
    caller: Caller
    studio_id: str


class Watchers:
    """All watchers of one server. `shortest` is the shortest time between polls, in seconds."""

    def __init__(self, client: Client, *, shortest: float, clock: Clock, tasks: TaskGroup) -> None:
        self._client = client
        self._shortest = shortest
        self._clock = clock
        self._tasks = tasks
        self._watchers: dict[_Key, Watcher[Any]] = {}

    def chat(self, caller: Caller, studio_id: str) -> Watcher[PolledChat]:
        """The watcher of a studio's chat.

        Raises:
            NotSent: the caller has no key.
        """
        return self._watcher(PolledChat, caller, studio_id)

    def stream_status(self, caller: Caller, studio_id: str) -> Watcher[PolledStatus]:
        """The watcher of a studio's stream status.

        Raises:
            NotSent: the caller has no key.
        """
        return self._watcher(PolledStatus, caller, studio_id)

    def record_stream_status(self, caller: Caller, studio_id: str, status: StreamStatus) -> None:
        """Update the watcher of a caller who has read the status elsewhere."""
        watcher = self._watchers.get(_Key(PolledStatus, caller, studio_id))
        if watcher is not None:
            watcher.record_success(changed=watcher.source.update(status))

    def _watcher(
        self, source_type: Callable[[Client, Caller, str], SourceT], caller: Caller, studio_id: str
    ) -> Watcher[SourceT]:
        if caller.key is None:
            raise no_key()
        self._remove_unused()
        key = _Key(source_type, caller, studio_id)
        if key not in self._watchers:
            source = source_type(self._client, caller, studio_id)
            self._watchers[key] = Watcher(
                source, shortest=self._shortest, clock=self._clock, tasks=self._tasks
            )
        return self._watchers[key]

    def _remove_unused(self) -> None:
        """Remove watchers that were not used for long, and the oldest of a caller with many.

        A watcher is kept while TRaX wants no poll yet, so that a new one does not poll too early.
        """
        now = self._clock.seconds()
        unused = [(key, watcher) for key, watcher in self._watchers.items() if watcher.is_idle]
        unused.sort(key=lambda entry: entry[1].last_used, reverse=True)
        counts: Counter[Caller] = Counter()
        for key, watcher in unused:
            counts[key.caller] += 1
            old = watcher.has_ended or now - watcher.last_used > KEPT_SECONDS
            if now >= watcher.next_poll and (old or counts[key.caller] > _MAX_UNUSED):
                del self._watchers[key]
