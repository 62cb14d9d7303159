"""The watchers of a server: one for each caller and source, never shared with another caller.

Unused watchers are kept for a while, so that a client that reconnects gets the messages in between.
"""

from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, NamedTuple, TypeVar

from anyio.abc import TaskGroup
from pydantic import ValidationError

from trax_mcp.actions.chat_and_media import SendChatMessage
from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.errors import TraxError
from trax_mcp.api.models import Model, StreamStatus
from trax_mcp.api.operation import Operation
from trax_mcp.api.reads import GetStreamStatus
from trax_mcp.api.refusals import without_key
from trax_mcp.api.responses import Response
from trax_mcp.chat.marks import ChatMarks
from trax_mcp.chat.poll_interval import LONGEST_SECONDS, SLOWEST
from trax_mcp.chat.sources import Chat, Setup, Source, Status, documented
from trax_mcp.chat.watcher import Watcher
from trax_mcp.clock import Clock

SourceT = TypeVar("SourceT", bound=Source)

_KEPT_SECONDS: Final = 300.0
"""How long an unused watcher is kept."""
_PACE_OF_SETUP: Final = 3.0
"""How much slower it is read: it changes seldom, and takes five requests."""
_SLOW_SECONDS: Final = LONGEST_SECONDS / SLOWEST
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

    def setup(self, caller: Caller, studio_id: str) -> Watcher[Setup]:
        """The watcher of all else that belongs to a studio.

        Raises:
            NotSent: the caller has no key.
        """
        return self._watcher(Setup, caller, studio_id, pace=_PACE_OF_SETUP)

    def note(
        self,
        operation: Operation[Model],
        caller: Caller,
        result: Response[Model] | TraxError | None,
    ) -> None:
        """Take note of a call: what it has read is news, and what it has changed out of date."""
        match operation, result:
            case _, None | TraxError(outcome="not_applied"):
                return
            case GetStreamStatus(studio_id=studio), Response():
                with suppress(ValidationError):
                    status = documented(StreamStatus.model_validate(result.data))
                    for watcher in self._known(caller, studio, Status):
                        watcher.add_read(status, is_known=watcher.source.is_known(status))
            case SendChatMessage(studio_id=studio), _:
                for watcher in self._known(caller, studio, Chat):
                    watcher.expire()
            case _ if operation.endpoint.mutates:
                for watcher in self._known(caller, operation.studio(), Status, Setup):
                    watcher.expire()

    def _known(
        self, caller: Caller, studio_id: str, *kinds: Callable[[Client, Caller, str], Source]
    ) -> list[Watcher[Any]]:
        keys = (_Key(kind, caller.without_client, studio_id) for kind in kinds)
        return [self._watchers[key] for key in keys if key in self._watchers]

    def _watcher(
        self,
        source_type: Callable[[Client, Caller, str], SourceT],
        caller: Caller,
        studio_id: str,
        *,
        pace: float = 1.0,
    ) -> Watcher[SourceT]:
        caller = caller.without_client
        if caller.key is None:
            raise without_key(caller)
        key = _Key(source_type, caller, studio_id)
        if key not in self._watchers:
            self._remove_unused()
            self._watchers[key] = Watcher(
                source_type(self._client, caller, studio_id),
                # At the slowest every 30 s, unless the operator asks for less.
                shortest=min(self._shortest * pace, max(self._shortest, _SLOW_SECONDS)),
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
