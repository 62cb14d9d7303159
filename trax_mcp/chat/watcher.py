"""Polls one source for all who listen to it.

One loop serves all listeners. It starts with the first and stops with the last; reads share its
polls. Listeners are only notified and read by themselves, so a slow listener delays nobody.
"""

import logging
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from dataclasses import replace
from typing import Final, Generic, TypeVar

import anyio
from anyio.abc import TaskGroup

from trax_mcp.api.error_texts import not_understood
from trax_mcp.api.errors import TraxError
from trax_mcp.chat.poll_interval import PollInterval, is_final
from trax_mcp.chat.polled_source import PolledSource
from trax_mcp.chat.shared_feed import LookResult, SharedFeed, SharedState
from trax_mcp.clock import Clock

SourceT = TypeVar("SourceT", bound=PolledSource)

_LOG = logging.getLogger(__name__)

_BUSY_SECONDS: Final = 0.02
"""How soon to ask again while another replica looks, and the longest such pause."""
_LONGEST_BUSY_SECONDS: Final = 0.5


class Watcher(Generic[SourceT]):
    """Polls one source for one caller. `shortest` is the shortest time between polls, in seconds.

    `tasks` must outlive it. With `shared`, one replica at a time polls for all of them.
    """

    def __init__(
        self,
        source: SourceT,
        *,
        shortest: float,
        clock: Clock,
        tasks: TaskGroup,
        shared: SharedFeed | None = None,
    ) -> None:
        self.source = source
        self.last_error: TraxError | None = None
        """The error of the last poll, None if it succeeded."""
        self._interval = PollInterval(shortest)
        self._clock = clock
        self._tasks = tasks
        self._shared = shared
        self._looks = 0
        """How many looks of other replicas have been heard of."""
        self._pause: float | None = None
        """Seconds until the loop polls next, if replicas have agreed on it."""
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
        await self._refresh(by_loop=False)

    def record_success(self, *, changed: bool) -> None:
        """Record that the source was read, here or by another replica."""
        self.last_error = None
        self.has_polled = True
        if changed:
            self._interval = self._interval.after_change()
        self._start()
        if changed:
            self._notify()

    def record_read(self, *, changed: bool) -> None:
        """Record that another read of the caller has read the source, and tell other replicas."""
        self.record_success(changed=changed)
        if changed and self._shared is not None:
            self._tasks.start_soon(self._try, self._share_read, self._shared)

    async def _share_read(self, shared: SharedFeed) -> None:
        items = self.source.unshared(nothing_is_shared=False)
        if items and await shared.publish(items, most=self.source.size):
            self.source.record_shared()

    async def _refresh(self, *, by_loop: bool) -> None:
        self.last_used = self._clock.seconds()
        if self._poll is None and self.last_used >= self.next_poll:
            self._poll = anyio.Event()
            self._tasks.start_soon(self._poll_once, self._poll, by_loop)
        if self._poll is not None:
            await self._poll.wait()

    async def _poll_once(self, poll: anyio.Event, by_loop: bool) -> None:  # noqa: FBT001  `start_soon` has no keywords
        try:
            if self._shared is None or not await self._poll_in_turn(self._shared, by_loop=by_loop):
                await self._look()
        except Exception:  # noqa: BLE001  a bug here must not end the server
            _LOG.exception("polling failed")
            self._record_failure(not_understood())
        finally:
            self._poll = None
            poll.set()
            self._start()  # the loop may have ended for an error that is gone

    async def _look(self) -> None:
        self._pause = None
        try:
            changed = await self.source.poll()
        except TraxError as error:
            self._record_failure(error)
        else:
            # Not in `record_success`: other reads without a change do not lengthen the interval.
            self._interval = self._interval.after_no_change()
            self.record_success(changed=changed)
        finally:
            self.next_poll = self._clock.seconds() + self._interval.minimum

    async def _poll_in_turn(self, shared: SharedFeed, *, by_loop: bool) -> bool:
        """Poll, unless another replica does or just has. False if the replicas share nothing."""
        state = await self._ask(shared, by_loop=by_loop)
        looks, busy_seconds = self._looks, _BUSY_SECONDS
        while state is not None and state.is_busy and self._looks == looks:
            await self._clock.sleep(busy_seconds)
            busy_seconds = min(busy_seconds * 1.5, _LONGEST_BUSY_SECONDS)
            state = await self._read_shared(shared)
            if state is not None and not state.is_busy and self._looks == looks:
                state = await self._ask(shared, by_loop=by_loop)  # the other replica is gone
        if state is None:
            return False
        if state.may_look:
            async with shared.looking():
                await self._look()
            await self._publish(shared, state)
        else:
            self.next_poll = self._clock.seconds() + state.seconds_to_look
            self._pause = max(state.seconds_to_look, state.seconds_to_loop)
        return True

    async def _publish(self, shared: SharedFeed, state: SharedState) -> None:
        """Tell the other replicas what a look has found."""
        self._pause = self._interval.pause(random.random())  # noqa: S311  spreads load, protects nothing
        items = self.source.unshared(nothing_is_shared=state.is_empty)
        look = LookResult(self._interval, self.last_error, pause=self._pause)
        if await shared.publish(items, most=self.source.size, look=look):
            self.source.record_shared()

    def _add_shared(self, state: SharedState) -> None:
        """Add what other replicas have found, and how their last look ended."""
        look, changed = state.look, False
        if state.items or look is not None:
            changed = self.source.add_items(state.items, is_complete=state.is_complete)
        if state.items or (look is not None and look.error is None):
            self.record_success(changed=changed)
        if look is not None:
            self._looks += 1
            self._interval = replace(look.interval, shortest=self._interval.shortest)
            if look.error is not None and not state.may_look:
                self._record_error(look.error)

    async def _ask(self, shared: SharedFeed, *, by_loop: bool) -> SharedState | None:
        if (state := await shared.ask(by_loop=by_loop)) is not None:
            self._add_shared(state)
        return state

    async def _read_shared(self, shared: SharedFeed) -> SharedState | None:
        if (state := await shared.read()) is not None:
            self._add_shared(state)
        return state

    def _hearing(self) -> AbstractAsyncContextManager[None]:
        """Read what other replicas find, as soon as they say so."""
        if (shared := self._shared) is None:
            return nullcontext()

        def read() -> None:
            self._tasks.start_soon(self._try, self._read_shared, shared)

        return shared.listening(read)

    async def _try(
        self, step: Callable[[SharedFeed], Awaitable[object]], shared: SharedFeed
    ) -> None:
        try:
            await step(shared)
        except Exception:  # noqa: BLE001  a bug here must not end the server
            _LOG.exception("sharing failed")

    def _record_failure(self, error: TraxError) -> None:
        self._interval = self._interval.after_failure(error)
        self._record_error(error)

    def _record_error(self, error: TraxError) -> None:
        had_ended = self.has_ended
        self.last_error = error.copy()
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
            async with self._hearing():
                while not self.has_ended:
                    await self._clock.sleep(self._next_pause())
                    if not self.has_ended:  # a read may have ended it meanwhile
                        await self._refresh(by_loop=True)
        if self._loop is loop:
            self._loop = None

    def _next_pause(self) -> float:
        agreed, self._pause = self._pause, None
        return agreed or self._interval.pause(random.random())  # noqa: S311  spreads load, protects nothing
