"""Whether a server takes requests and is whole: what health checks are told, and a drain."""

import logging
import math
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from starlette.responses import JSONResponse

from trax_mcp import __version__

_LAST_PART: Final = 1 / 2
"""The part of a drain in which sessions end, and which is over as soon as no call runs."""

ShutDown = Callable[[], Awaitable[None]]
"""Ends calls that are running, well within a second."""

_LOG: Final = logging.getLogger(__name__)


@dataclass(slots=True)
class Readiness:
    """Whether a server takes requests, for the proxy in front of several, and whether it is whole.

    `store_answers` says whether the engine of the replicas does: without it a server is ready,
    since reads, chat and stops go on. `ended` is a part without which the server is of no use, and
    which has ended. The app sets `on_close`, which is called when the last part of a drain begins,
    and `is_idle`, which says whether no call runs.
    """

    store_answers: Callable[[], bool] | None = None
    ended: str | None = None
    on_close: Callable[[], None] = lambda: None
    is_idle: Callable[[], bool] = lambda: True
    _drain_seconds: float = 0
    _drain_ends_at: float = math.inf
    _is_closing: bool = False

    @contextmanager
    def needs(self, part: str) -> Iterator[None]:
        """Where a part runs, that never ends before the process does."""
        try:
            yield
        except Exception:
            _LOG.exception("%s has ended", part)
            raise
        finally:
            self.ended = self.ended or part

    async def keep(self, part: str, run: Callable[[], Awaitable[None]]) -> None:
        """Run a part that never ends before the process does."""
        with self.needs(part):
            await run()

    @property
    def is_draining(self) -> bool:
        """Whether a signal has come, and requests shall go elsewhere."""
        return self._drain_ends_at < math.inf

    def begin_drain(self, seconds: float) -> None:
        """Be ready no more, and end after these seconds."""
        self._drain_seconds = seconds
        self._drain_ends_at = time.monotonic() + seconds

    def is_drained(self) -> bool:
        """Whether to shut down. Ends the sessions when the last part of the drain has begun."""
        left = self._drain_ends_at - time.monotonic()
        if not self._is_closing and left <= self._drain_seconds * _LAST_PART:
            self._is_closing = True
            self.on_close()
        return left <= 0 or (self._is_closing and self.is_idle())

    def health(self) -> JSONResponse:
        """The answer to `GET /healthz`: 503 if a part has ended, else 200."""
        if self.ended is not None:
            body = {"status": "broken", "ended": self.ended, "version": __version__}
            return JSONResponse(body, HTTPStatus.SERVICE_UNAVAILABLE)
        return JSONResponse({"status": "ok", "version": __version__})

    def response(self) -> JSONResponse:
        """The answer to `GET /readyz`: 503 while draining, else 200."""
        body = {"status": "draining" if self.is_draining else "ready"}
        if self.store_answers is not None:
            body["store"] = "ok" if self.store_answers() else "away"
        status = HTTPStatus.SERVICE_UNAVAILABLE if self.is_draining else HTTPStatus.OK
        return JSONResponse(body, status)
