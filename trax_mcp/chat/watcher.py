"""Polls one source for all who listen to it.

One loop serves all listeners. It starts with the first and stops with the last; reads share its
polls. Listeners are only notified and read by themselves, so a slow listener delays nobody.
"""

import logging
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

import anyio
from anyio.abc import TaskGroup

from trax_mcp.api.error_texts import not_understood
from trax_mcp.api.errors import TraxError
from trax_mcp.chat.poll_interval import PollInterval, is_final
from trax_mcp.chat.polled_source import PolledSource
from trax_mcp.clock import Clock

SourceT = TypeVar("SourceT", bound=PolledSource)

_LOG = logging.getLogger(__name__)


class Watcher(Generic[SourceT]):
    """Polls one source for one caller. `shortest` is the shortest time between polls, in seconds.

    `tasks` must outlive it.
    """

    def __init__(self, source: SourceT, *, shortest: float, clock: Clock, tasks: TaskGroup) -> None:
        self.source = source
        self.last_error: TraxError | None = None
        """The error of the last poll, None if it succeeded."""
        self._interval = PollInterval(shortest)
        self._clock = clock
        self._tasks = tasks
        self._poll: anyio.Event | None = None
        """Set when the current poll ends. None between polls."""
        self._listeners: dict[object, Callable[[], None]] = {}
        self._loop: anyio.CancelScope | None = None
        self.has_polled = False
        """Whether a poll has ever succeeded."""
        self.last_used = self.next_poll = clock.seconds()

    @property
    def is_idle(self) -> bool:
        """Whether there is no listener and no poll."""
        return not self._listeners and self._poll is None

    @property
    def is_polling(self) -> bool:
        """Whether the loop runs, so that the source is up to date."""
        return self._loop is not None

    @property
    def has_ended(self) -> bool:
        """Whether polling has stopped for good: the key is refused, or the studio is gone."""
        return self.last_error is not None and is_final(self.last_error)

    def listen(self, notify: Callable[[], None]) -> Callable[[], None]:
        """Call `notify` after each change, and when polling ends. Return a function to stop it.

        `notify` must neither block nor raise.
        """
        listener = object()
        self._listeners[listener] = notify
        self._start()

        def stop_listening() -> None:
            self._listeners.pop(listener, None)
            self._stop_without_listeners()

        return stop_listening

    @contextmanager
    def listening(self, notify: Callable[[], None]) -> Iterator[None]:
        """Listen until the block ends."""
        stop_listening = self.listen(notify)
        try:
            yield
        finally:
            stop_listening()

    async def refresh(self) -> None:
        """Poll, unless the last poll is newer than the poll interval or TRaX asked to wait.

        A failure is in `last_error` afterwards. A poll continues when its reader is cancelled, so
        that readers who come and go cause no additional polls.
        """
        self.last_used = self._clock.seconds()
        if self._poll is None and self.last_used >= self.next_poll:
            self._poll = anyio.Event()
            self._tasks.start_soon(self._poll_once, self._poll)
        if self._poll is not None:
            await self._poll.wait()

    def record_success(self, *, changed: bool) -> None:
        """Record that the source was read, by this watcher or by another read of the caller."""
        self.last_error = None
        self.has_polled = True
        if changed:
            self._interval = self._interval.after_change()
        self._start()
        if changed:
            self._notify()

    async def _poll_once(self, poll: anyio.Event) -> None:
        try:
            changed = await self.source.poll()
        except TraxError as error:
            self._record_failure(error)
        except Exception:  # noqa: BLE001  a bug here must not end the server
            _LOG.exception("polling failed")
            self._record_failure(not_understood())
        else:
            # Not in `record_success`: other reads without a change do not lengthen the interval.
            self._interval = self._interval.after_no_change()
            self.record_success(changed=changed)
        finally:
            self.next_poll = self._clock.seconds() + self._interval.minimum
            self._poll = None
            poll.set()
            self._start()  # the loop may have ended for an error that is gone

    def _record_failure(self, error: TraxError) -> None:
        had_ended = self.has_ended
        self.last_error = error.copy()
        self._interval = self._interval.after_failure(error)
        if self.has_ended and not had_ended:
            self._notify()

    def _notify(self) -> None:
        for notify in tuple(self._listeners.values()):
            notify()

    def _start(self) -> None:
        if self._loop is None and self._listeners and not self.has_ended:
            self._loop = anyio.CancelScope()
            self._tasks.start_soon(self._run, self._loop)

    def _stop_without_listeners(self) -> None:
        if not self._listeners and self._loop is not None:
            self._loop.cancel()
            self._loop = None

    async def _run(self, loop: anyio.CancelScope) -> None:
        with loop:
            while not self.has_ended:
                await self._clock.sleep(self._interval.pause(random.random()))  # noqa: S311  spreads load, protects nothing
                if not self.has_ended:  # a read may have ended it meanwhile
                    await self.refresh()
        if self._loop is loop:
            self._loop = None
