"""One watcher for each caller and subject, shared by all who ask for it; nobody else's is seen.

What is watched by nobody is kept for a while, so that whoever comes back soon loses nothing.
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
from trax_mcp.chat.polled_source import Chat, Status, Subject
from trax_mcp.chat.watcher import Watcher
from trax_mcp.clock import Clock

SubjectT = TypeVar("SubjectT", bound=Subject)

KEPT_SECONDS: Final = 300.0
"""How long what nobody watches is remembered."""

_MOST_KEPT = 50
"""Of one caller."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What is watched, and on whose behalf: what one key could read is no other's to know."""

    kind: Callable[[Client, Caller, str], Subject]
    caller: Caller
    studio_id: str


class Watchers:
    """All that is watched in one server. `shortest` is the least time between looks, in seconds."""

    def __init__(self, client: Client, *, shortest: float, clock: Clock, tasks: TaskGroup) -> None:
        self._client = client
        self._shortest = shortest
        self._clock = clock
        self._tasks = tasks
        self._watchers: dict[Watched, Watcher[Any]] = {}

    def chat(self, caller: Caller, studio_id: str) -> Watcher[Chat]:
        """The watcher of what is said in a studio.

        Raises:
            NotSent: the caller has no key, and so nothing to watch.
        """
        return self._watcher(Chat, caller, studio_id)

    def stream_status(self, caller: Caller, studio_id: str) -> Watcher[Status]:
        """The watcher of whether a studio is on air.

        Raises:
            NotSent: the caller has no key, and so nothing to watch.
        """
        return self._watcher(Status, caller, studio_id)

    def saw_stream_status(self, caller: Caller, studio_id: str, status: StreamStatus) -> None:
        """A caller has read the status by themselves: its watcher must know what they know."""
        watcher = self._watchers.get(Watched(Status, caller, studio_id))
        if watcher is not None:
            watcher.saw(news=watcher.subject.saw(status))

    def _watcher(
        self, kind: Callable[[Client, Caller, str], SubjectT], caller: Caller, studio_id: str
    ) -> Watcher[SubjectT]:
        if caller.key is None:
            raise no_key()
        self._forget()
        watched = Watched(kind, caller, studio_id)
        if watched not in self._watchers:
            subject = kind(self._client, caller, studio_id)
            self._watchers[watched] = Watcher(
                subject, shortest=self._shortest, clock=self._clock, tasks=self._tasks
            )
        return self._watchers[watched]

    def _forget(self) -> None:
        """Forget what has not been used for long, or most of it where a caller has much.

        But nothing before it may be asked for again: TRaX may wish to be left alone for long.
        """
        now = self._clock.seconds()
        idle = [(watched, it) for watched, it in self._watchers.items() if it.is_idle]
        idle.sort(key=lambda entry: entry[1].last_used, reverse=True)
        held: Counter[Caller] = Counter()
        for watched, watcher in idle:
            held[watched.caller] += 1
            old = watcher.has_ended or now - watcher.last_used > KEPT_SECONDS
            if now >= watcher.next_look and (old or held[watched.caller] > _MOST_KEPT):
                del self._watchers[watched]
