"""The watchers of a server: one for each caller and source, never shared with another caller.

Unused watchers are kept for a while, so that a client that reconnects gets the messages in between.
Callers whose key TRaX has not accepted share small limits, so that they cannot fill the memory.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from anyio.abc import TaskGroup

from trax_mcp.api.accepted_keys import NOT_ACCEPTED
from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.error_texts import no_key
from trax_mcp.api.models import StreamStatus
from trax_mcp.chat.polled_source import PolledChat, PolledSource, PolledStatus
from trax_mcp.chat.shared_feed import SharedFeeds
from trax_mcp.chat.watcher import Watcher
from trax_mcp.clock import Clock

SourceT = TypeVar("SourceT", bound=PolledSource)

KEPT_SECONDS: Final = 300.0
"""How long an unused watcher is kept."""
OTHER_KEPT_SECONDS: Final = 30.0
"""The same if TRaX has not accepted the caller's key."""

_MAX_UNUSED = 50
"""The most unused watchers of one caller."""
_MAX_OTHER_UNUSED = 10
"""The most of all callers together whose key TRaX has not accepted."""


@dataclass(frozen=True, slots=True)
class _Key:
    """A source and its caller. One caller must never get what another caller's key could read."""

    source_type: Callable[[Client, Caller, str], PolledSource]
    caller: Caller
    studio_id: str


class Watchers:
    """All watchers of one server. `shortest` is the shortest time between polls, in seconds.

    With `shared`, its replicas poll once for all of them.
    """

    def __init__(
        self,
        client: Client,
        *,
        shortest: float,
        clock: Clock,
        tasks: TaskGroup,
        shared: SharedFeeds | None = None,
    ) -> None:
        self._client = client
        self._shared = shared
        self._shortest = shortest
        self._clock = clock
        self._tasks = tasks
        self._keys = client.accepted_keys
        self._watchers: dict[_Key, Watcher[Any]] = {}
        self._by_owner: defaultdict[str, dict[_Key, None]] = defaultdict(dict)
        """By owner. The watcher that was requested longest ago comes first."""

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
        watcher = self._watchers.get(_Key(PolledStatus, caller.without_client, studio_id))
        if watcher is not None:
            watcher.record_read(changed=watcher.source.update(status))

    def _watcher(
        self, source_type: Callable[[Client, Caller, str], SourceT], caller: Caller, studio_id: str
    ) -> Watcher[SourceT]:
        caller = caller.without_client
        if caller.key is None:
            raise no_key()
        self._remove_unused(caller)
        key = _Key(source_type, caller, studio_id)
        if key not in self._watchers:
            source = source_type(self._client, caller, studio_id)
            feeds = self._shared
            self._watchers[key] = Watcher(
                source,
                shortest=self._shortest,
                clock=self._clock,
                tasks=self._tasks,
                shared=feeds.open(caller.key, source.kind, studio_id) if feeds else None,
            )
        self._put_last(key)
        return self._watchers[key]

    def _put_last(self, key: _Key) -> None:
        """Put a watcher at the end of those of its owner. The owner can have changed."""
        for owner in (NOT_ACCEPTED, key.caller.owner):
            self._by_owner.get(owner, {}).pop(key, None)
        self._by_owner[self._keys.owner(key.caller)][key] = None

    def _remove_unused(self, caller: Caller) -> None:
        """Remove watchers of the caller, of `NOT_ACCEPTED`, and of one more owner at a time."""
        next_owner = next(iter(self._by_owner), NOT_ACCEPTED)
        for owner in dict.fromkeys((next_owner, caller.owner, NOT_ACCEPTED)):
            self._move_watchers(owner)
            self._remove_unused_of(owner)

    def _move_watchers(self, owner: str) -> None:
        """Move the watchers of callers whose owner has changed."""
        for key in tuple(self._by_owner.get(owner, ())):
            if self._keys.owner(key.caller) != owner:
                self._put_last(key)

    def _remove_unused_of(self, owner: str) -> None:
        """Remove watchers that were not used for long, and the oldest of an owner with many.

        A watcher is kept until its next poll is allowed, so that a new one does not poll earlier.
        Without an accepted key, that is so only for a few.
        """
        keys = self._by_owner.pop(owner, {})
        now, unused = self._clock.seconds(), 0
        for key in reversed(tuple(keys)):
            watcher = self._watchers[key]
            if not watcher.is_idle:
                continue
            unused += 1
            if _is_removed(watcher, now, unused, accepted=owner != NOT_ACCEPTED):
                del keys[key]
                del self._watchers[key]
        if keys:
            self._by_owner[owner] = keys  # at the end, so that another owner is next


def _is_removed(watcher: Watcher[Any], now: float, unused: int, *, accepted: bool) -> bool:
    """Whether to remove an unused watcher, the `unused`-th of its owner by latest request."""
    kept_seconds = KEPT_SECONDS if accepted else OTHER_KEPT_SECONDS
    is_old = watcher.has_ended or now - watcher.last_used > kept_seconds
    if not accepted and unused > _MAX_OTHER_UNUSED:
        return True
    return now >= watcher.next_poll and (is_old or unused > _MAX_UNUSED)
