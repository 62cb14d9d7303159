"""The watchers of a server: one for each caller and source, never shared with another caller.

Unused watchers are kept for a while, so that a client that reconnects gets the messages in between.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeVar

from anyio.abc import TaskGroup

from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.models import StreamStatus
from trax_mcp.api.refusals import without_key
from trax_mcp.chat.marks import ChatMarks
from trax_mcp.chat.sources import Chat, Source, Status, documented
from trax_mcp.chat.watcher import Watcher
from trax_mcp.clock import Clock

SourceT = TypeVar("SourceT", bound=Source)

_KEPT_SECONDS: Final = 300.0
"""How long an unused watcher is kept."""
_MAX_UNUSED: Final = 500
"""The most unused watchers. Those that were requested last are kept."""


class _Key(NamedTuple):
    """A source and its caller. One caller must never get what another caller's key could read."""

    source_type: Callable[[Client, Caller, str], Source]
    caller: Caller
    studio_id: str


class Watchers:
    """All watchers of one server. `shortest` is the shortest time between polls, in seconds."""

    def __init__(
        self,
        client: Client,
        *,
        shortest: float,
        clock: Clock,
        tasks: TaskGroup,
        marks: ChatMarks,
        is_one_of_several: bool,
    ) -> None:
        self._client = client
        self._shortest = shortest
        self._clock = clock
        self.tasks = tasks
        self.marks = marks
        self.is_one_of_several = is_one_of_several
        """Whether other replicas tell clients of changes that this one may not know yet."""
        self._watchers: OrderedDict[_Key, Watcher[Any]] = OrderedDict()
        """The one that was requested longest ago comes first."""

    def __len__(self) -> int:
        """How many there are, unused ones included."""
        return len(self._watchers)

    def chat(self, caller: Caller, studio_id: str) -> Watcher[Chat]:
        """The watcher of a studio's chat.

        Raises:
            NotSent: the caller has no key.
        """
        return self._watcher(Chat, caller, studio_id)

    def stream_status(self, caller: Caller, studio_id: str) -> Watcher[Status]:
        """The watcher of a studio's stream status.

        Raises:
            NotSent: the caller has no key.
        """
        return self._watcher(Status, caller, studio_id)

    def record_stream_status(self, caller: Caller, studio_id: str, status: StreamStatus) -> None:
        """Update the watcher of a caller who has read the status elsewhere."""
        watcher = self._watchers.get(_Key(Status, caller.without_client, studio_id))
        if watcher is not None:
            watcher.add_read(documented(status))

    def _watcher(
        self, source_type: Callable[[Client, Caller, str], SourceT], caller: Caller, studio_id: str
    ) -> Watcher[SourceT]:
        caller = caller.without_client
        if caller.key is None:
            raise without_key(caller)
        key = _Key(source_type, caller, studio_id)
        if key not in self._watchers:
            self._remove_unused()
            self._watchers[key] = Watcher(
                source_type(self._client, caller, studio_id),
                shortest=self._shortest,
                clock=self._clock,
                tasks=self.tasks,
            )
        self._watchers.move_to_end(key)
        return self._watchers[key]

    def _remove_unused(self) -> None:
        """Remove watchers that have ended or were not used for long, and the oldest of many."""
        unused = [key for key, watcher in self._watchers.items() if watcher.is_idle]
        too_many = len(unused) - _MAX_UNUSED + 1
        for number, key in enumerate(unused):
            if number < too_many or self._is_over(self._watchers[key]):
                del self._watchers[key]

    def _is_over(self, watcher: Watcher[Any]) -> bool:
        """Whether it is kept no longer. A new one would not poll earlier."""
        is_old = self._clock.seconds() - watcher.last_used > _KEPT_SECONDS
        return watcher.is_due and (watcher.has_ended or is_old)
