"""Whether this server takes requests, for the proxy in front of several, and whether it is whole.

A server without its engine is ready, since reads, chat and stops go on. It says so.
"""

import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import JSONResponse

from trax_mcp import __version__

_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Readiness:
    """What `GET /readyz` and `GET /healthz` answer.

    `store_answers` says whether the engine of the replicas does. `ended` is a part without which
    the server is of no use, and which has ended.
    """

    store_answers: Callable[[], bool] | None = None
    is_draining: bool = False
    ended: str | None = None

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

    def health(self) -> JSONResponse:
        """The answer about health: 503 if a part has ended, else 200."""
        if self.ended is not None:
            body = {"status": "broken", "ended": self.ended, "version": __version__}
            return JSONResponse(body, HTTPStatus.SERVICE_UNAVAILABLE)
        return JSONResponse({"status": "ok", "version": __version__})

    def drain(self) -> None:
        """Be ready no more: a signal has come, and requests shall go elsewhere."""
        self.is_draining = True

    def response(self) -> JSONResponse:
        """The answer: 503 while draining, else 200."""
        body = {"status": "draining" if self.is_draining else "ready"}
        if self.store_answers is not None:
            body["store"] = "ok" if self.store_answers() else "away"
        status = HTTPStatus.SERVICE_UNAVAILABLE if self.is_draining else HTTPStatus.OK
        return JSONResponse(body, status)
