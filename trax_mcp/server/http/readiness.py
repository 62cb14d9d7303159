"""Whether this server takes requests, for the proxy in front of several.

A server without its engine is ready, since reads, chat and stops go on. It says so.
"""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import JSONResponse


@dataclass(slots=True)
class Readiness:
    """What `GET /readyz` answers. `store_answers` says whether the engine of the replicas does."""

    store_answers: Callable[[], bool] | None = None
    is_draining: bool = False

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
