"""Asks for one thing again and again while someone listens, and at most so often for all of them.

However many listen, there is one loop; it starts with the first and stops with the last. Readers in
between share its looks. Listeners are flagged, never handed anything: a slow one costs nothing.
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
from trax_mcp.chat.polled_source import Subject
from trax_mcp.clock import Clock

SubjectT = TypeVar("SubjectT", bound=Subject)

_LOG = logging.getLogger(__name__)


class Watcher(Generic[SubjectT]):
    """Watches one subject for one caller. `shortest` is the least time between looks, in seconds.

    `tasks` must outlive it.
    """

    def __init__(
        self, subject: SubjectT, *, shortest: float, clock: Clock, tasks: TaskGroup
    ) -> None:
        self.subject = subject
        self.trouble: TraxError | None = None
        """What is wrong at the moment, None if the last look went well."""
        self._pace = PollInterval(shortest)
        self._clock = clock
        self._tasks = tasks
        self._look: anyio.Event | None = None
        self._listeners: dict[object, Callable[[], None]] = {}
        self._loop: anyio.CancelScope | None = None
        self.has_seen = False
        """Whether a look has ever gone well."""
        self.last_used = self.next_look = clock.seconds()

    @property
    def is_idle(self) -> bool:
        """Whether nobody listens or looks."""
        return not self._listeners and self._look is None

    @property
    def is_watching(self) -> bool:
        """Whether it looks by itself, so that what it knows holds as of now."""
        return self._loop is not None

    @property
    def has_ended(self) -> bool:
        """Whether nothing can come any more: the key is refused, or the studio is gone."""
        return self.trouble is not None and is_final(self.trouble)

    def listen(self, notify: Callable[[], None]) -> Callable[[], None]:
        """Have `notify` called when something is new, or can never be; returns how to leave.

        `notify` must neither wait nor raise.
        """
        listener = object()
        self._listeners[listener] = notify
        self._start()

        def leave() -> None:
            self._listeners.pop(listener, None)
            self._stop_unless_heard()

        return leave

    @contextmanager
    def heard_by(self, notify: Callable[[], None]) -> Iterator[None]:
        """Listen for the length of a block."""
        leave = self.listen(notify)
        try:
            yield
        finally:
            leave()

    async def refresh(self) -> None:
        """Look, unless that was done a moment ago, or TRaX wishes to be left alone for now.

        What goes wrong is `trouble` afterwards. A look is the watcher's own: it goes on when a
        reader leaves, so that readers who come and go cause no more looks than one who stays.
        """
        self.last_used = self._clock.seconds()
        if self._look is None and self.last_used >= self.next_look:
            self._look = anyio.Event()
            self._tasks.start_soon(self._look_once, self._look)
        if self._look is not None:
            await self._look.wait()

    def saw(self, *, news: bool) -> None:
        """The subject was seen, by this watcher or by somebody else of the same caller."""
        self.trouble = None
        self.has_seen = True
        if news:
            self._pace = self._pace.after_news()
        self._start()
        if news:
            self._notify()

    async def _look_once(self, look: anyio.Event) -> None:
        try:
            news = await self.subject.look()
        except TraxError as error:
            self._failed(error)
        except Exception:  # noqa: BLE001  a fault of ours must not end the server
            _LOG.exception("a look failed")
            self._failed(not_understood())
        else:
            # Only our own looks slow us down: others' come as often as they like.
            self._pace = self._pace.after_nothing()
            self.saw(news=news)
        finally:
            self.next_look = self._clock.seconds() + self._pace.least
            self._look = None
            look.set()
            self._start()  # it may have ended, for a reason that is no longer so

    def _failed(self, error: TraxError) -> None:
        had_ended = self.has_ended
        self.trouble = error.again()
        self._pace = self._pace.after_failure(error)
        if self.has_ended and not had_ended:
            self._notify()

    def _notify(self) -> None:
        for notify in tuple(self._listeners.values()):
            notify()

    def _start(self) -> None:
        if self._loop is None and self._listeners and not self.has_ended:
            self._loop = anyio.CancelScope()
            self._tasks.start_soon(self._run, self._loop)

    def _stop_unless_heard(self) -> None:
        if not self._listeners and self._loop is not None:
            self._loop.cancel()
            self._loop = None

    async def _run(self, loop: anyio.CancelScope) -> None:
        with loop:
            while not self.has_ended:
                await self._clock.sleep(self._pace.pause(random.random()))  # noqa: S311  spreads load, guards nothing
                if not self.has_ended:  # a reader may have seen that meanwhile
                    await self.refresh()
        if self._loop is loop:
            self._loop = None
