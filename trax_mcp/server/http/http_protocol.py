"""uvicorn's HTTP/1.1, with limits for clients that connect and send no complete request.

uvicorn closes a connection that is silent after a response, but not one without a first request,
or where the head of a request arrives byte by byte.
"""

import asyncio
import sys
from typing import Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

REQUEST_SECONDS: Final = 10.0
"""How long the head of a request may take to arrive. Its body may take as long again."""

_UPPER_LIMIT: Final = 4096
_LIMIT_ON_WINDOWS: Final = 512


def _max_connections() -> int:
    """A third of the files that this process may open.

    Calls to TRaX need some, and so do the connections that are accepted before others are closed.
    """
    if sys.platform == "win32":
        return _LIMIT_ON_WINDOWS
    import resource  # noqa: PLC0415  not on Windows

    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = files == resource.RLIM_INFINITY
    return _UPPER_LIMIT if unlimited else min(files // 3, _UPPER_LIMIT)


MAX_CONNECTIONS: Final = _max_connections()


class HttpProtocol(H11Protocol):
    """One connection. It is waiting while none of its requests is being processed."""

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401  uvicorn's own
        super().__init__(*arguments, **options)
        self._waiting_since = self.loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._unsent_bytes = 0

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for a request, or for the rest of one."""
        return self.cycle is None or self.cycle.response_complete

    @property
    def may_be_closed(self) -> bool:
        """Whether no whole request of it is being processed: a body may never arrive."""
        return self.is_waiting or bool(self.cycle.more_body)

    def connection_made(
        self,
        transport: asyncio.Transport,  # type: ignore[override]  # as in uvicorn
    ) -> None:
        """Limit the wait for the first request. If there are too many connections, close one."""
        super().connection_made(transport)
        self._begin_wait()
        if len(self.connections) > MAX_CONNECTIONS:
            self._close_longest_waiting()

    def on_response_complete(self) -> None:
        """Limit the wait for the next request."""
        super().on_response_complete()
        self._begin_wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def _begin_wait(self) -> None:
        self._waiting_since = self.loop.time()
        self._limit_wait()

    def _limit_wait(self) -> None:
        """Check in a while whether it is still waiting."""
        if self._timer is not None:
            self._timer.cancel()
        self._unsent_bytes = self.transport.get_write_buffer_size()
        self._timer = self.loop.call_later(REQUEST_SECONDS, self._check_wait)

    def _check_wait(self) -> None:
        """Close it if it is still waiting, unless the client is reading its last response."""
        if not self.is_waiting:
            return
        if 0 < self.transport.get_write_buffer_size() < self._unsent_bytes:
            self._limit_wait()
        else:
            self.transport.abort()  # `close` would wait for a client that does not read

    def _close_longest_waiting(self) -> None:
        waiting = [
            it
            for it in self.connections
            if isinstance(it, HttpProtocol) and it.may_be_closed and not it.transport.is_closing()
        ]
        min(waiting, key=lambda it: it._waiting_since).transport.abort()  # noqa: SLF001  of this class
