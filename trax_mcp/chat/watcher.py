"""Polls one source for all who listen to it.

One loop serves all listeners. It starts with the first and stops with the last; reads share its
polls. Listeners are only notified and read by themselves, so a slow listener delays nobody.
"""

import asyncio
import logging
import math
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Context
from typing import Generic, TypeVar

import anyio
from anyio.abc import TaskGroup

from trax_mcp.api.contract import JsonObject
from trax_mcp.api.errors import BadAnswer, TraxError
from trax_mcp.chat.poll_interval import PollInterval, is_final
from trax_mcp.chat.sources import Source
from trax_mcp.clock import Clock, iso

SourceT = TypeVar("SourceT", bound=Source)

_LOG = logging.getLogger(__name__)


class Watcher(Generic[SourceT]):
    """Polls one source for one caller. `shortest` is the shortest time between polls, in seconds.

    `tasks` must outlive it.
    """

    def __init__(self, source: SourceT, *, shortest: float, clock: Clock, tasks: TaskGroup) -> None:
        self.source = source
        self.last_error: TraxError | None = None
        """The error of the last poll, None if it succeeded."""
        self.succeeded_at = ""
        """When a poll succeeded last, in ISO 8601."""
        self.last_used = clock.seconds()
        self._last_poll = -math.inf
        self._interval = PollInterval(shortest)
        self._clock = clock
        self._tasks = tasks
        self._poll_ended: anyio.Event | None = None
        """None between polls."""
        self._is_out_of_date = False
        self._listeners: dict[object, tuple[Callable[[], None], bool]] = {}
        """Each with whether it hears of trouble."""
        self._loop: anyio.CancelScope | None = None

    @property
    def is_idle(self) -> bool:
        """Whether there is no listener and no poll."""
        return not self._listeners and self._poll_ended is None

    @property
    def is_polling(self) -> bool:
        """Whether the loop runs, so that the source is up to date."""
        return self._loop is not None

    @property
    def has_polled(self) -> bool:
        """Whether a poll has ever succeeded."""
        return self.succeeded_at != ""

    @property
    def is_overdue(self) -> bool:
        """Whether a poll should have begun by now: nobody has listened for a while."""
        longest = self._interval.pause(1.0)
        return self._poll_ended is None and self._clock.seconds() > self._last_poll + longest

    @property
    def is_due(self) -> bool:
        """Whether a poll may begin: TRaX was not asked lately, and asked for no longer pause."""
        return self._poll_ended is None and self._seconds_until_due <= 0.0

    @property
    def has_ended(self) -> bool:
        """Whether polling has stopped for good: the key is refused, or the studio is gone."""
        return self.last_error is not None and is_final(self.last_error)

    def listen(self, notify: Callable[[], None], *, of_trouble: bool = False) -> Callable[[], None]:
        """Call `notify` after each change, and when polling ends. Return a function to stop it.

        With `of_trouble`, polls that begin to fail or succeed again count as changes. `notify` must
        neither block nor raise.
        """
        listener = object()
        self._listeners[listener] = notify, of_trouble
        self._start()

        def stop_listening() -> None:
            self._listeners.pop(listener, None)
            if not self._listeners and self._loop is not None:
                self._loop.cancel()
                self._loop = None

        return stop_listening

    @contextmanager
    def listening(self, notify: Callable[[], None], *, of_trouble: bool = False) -> Iterator[None]:
        """Listen until the block ends."""
        stop_listening = self.listen(notify, of_trouble=of_trouble)
        try:
            yield
        finally:
            stop_listening()

    async def refresh(self) -> None:
        """Poll, if a poll is due.

        A failure is in `last_error` afterwards. A poll continues when its reader is cancelled, so
        that readers who come and go cause no additional polls.
        """
        await self._refresh(is_due=self.is_due)

    async def refresh_when_due(self) -> None:
        """Wait until a poll is due, and poll."""
        await self._clock.sleep(max(0.0, self._seconds_until_due))
        await self.refresh()

    async def refresh_older(self, *, older_than: float) -> None:
        """Poll if the last poll is older, as soon as TRaX allows."""
        if self._clock.seconds() - self._last_poll > older_than:
            self.expire()
        if self._is_out_of_date and self._poll_ended is not None:
            await self._refresh(is_due=False)  # which had begun before
        if self._is_out_of_date:
            await self.refresh_when_due()

    def expire(self) -> None:
        """What was read is out of date: poll as soon as TRaX allows, if anybody listens.

        Again after a poll that is under way, which may have been answered before.
        """
        self._is_out_of_date = True
        if self._loop is not None:
            self._loop.cancel()
            self._loop = None
        self._start()

    @property
    def _seconds_until_due(self) -> float:
        interval = self._interval
        pause = interval.retry_after if self._is_out_of_date else interval.minimum
        return self._last_poll + pause - self._clock.seconds()

    def add_read(self, answer: JsonObject, *, is_known: bool) -> None:
        """Add what TRaX has answered to another read of the caller. A poll comes after it.

        One that is not as it was known only leads to a poll: it may have begun before the last one.
        """
        if self._poll_ended is not None:
            return
        if self.has_polled and not self.has_ended and not is_known:
            self.expire()
            return
        self._add(answer)
        self._start()  # the loop may have ended for an error that is gone

    def _add(self, answer: JsonObject | TraxError) -> None:
        """Add what TRaX has answered, or why there is no answer. Notify of a change."""
        interval, self._last_poll = self._interval, self._clock.seconds()
        had_failed = self.last_error is not None
        if isinstance(answer, TraxError):
            had_ended, self.last_error = self.has_ended, answer
            self._interval = interval.after_failure(answer)
            is_news = self.has_ended and not had_ended
        else:
            is_news, self.last_error = self.source.add(answer), None
            self._interval = interval.after_change() if is_news else interval.after_no_change()
            self.succeeded_at = iso(self._clock.now())
        is_trouble = had_failed != (self.last_error is not None)
        for notify, of_trouble in tuple(self._listeners.values()):
            if is_news or (is_trouble and of_trouble):
                notify()

    async def _refresh(self, *, is_due: bool) -> None:
        self.last_used = self._clock.seconds()
        if self._poll_ended is None and is_due:
            self._is_out_of_date = False
            self._poll_ended = anyio.Event()
            self._tasks.start_soon(self._poll_once, self._poll_ended)
        if self._poll_ended is not None:
            await self._poll_ended.wait()

    async def _poll_once(self, ended: anyio.Event) -> None:
        try:
            self._add(await self._poll())
        except Exception:  # noqa: BLE001  a bug here must not end the server
            _LOG.exception("polling failed")
            self._add(_not_understood())
        finally:
            self._poll_ended = None
            ended.set()
            self._start()  # as in `add_read`

    async def _poll(self) -> JsonObject | TraxError:
        """Ask TRaX once."""
        try:
            return await self.source.read()
        except TraxError as error:
            return error.copy()
        except asyncio.CancelledError:
            if _is_cancelled():
                raise
            return _not_understood()

    def _start(self) -> None:
        if self._loop is None and self._listeners and not self.has_ended:
            self._loop = anyio.CancelScope()
            # It outlives the request that has started it, and is no part of that one's trace.
            Context().run(self._tasks.start_soon, self._run, self._loop)

    async def _run(self, loop: anyio.CancelScope) -> None:
        with loop:
            while not self.has_ended:
                last_poll = self._last_poll
                seconds = self._seconds_until_due
                if not self._is_out_of_date:
                    pause = self._interval.pause(random.random())  # noqa: S311  spreads load, protects nothing
                    seconds = last_poll + pause - self._clock.seconds()
                await self._clock.sleep(max(0.0, seconds))
                await self._refresh(is_due=self._last_poll == last_poll)
        if self._loop is loop:
            self._loop = None


def _is_cancelled() -> bool:
    """Whether somebody cancels this task: an error of a library can look the same."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _not_understood() -> BadAnswer:
    """An answer of TRaX caused an unexpected error in this server."""
    happened = "TRaX's answer couldn't be understood"
    return BadAnswer("bad_answer", happened, "Call again later.", retryable=True)
