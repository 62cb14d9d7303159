"""uvicorn's protocol for HTTP, with few connections for requests that do not come."""

import asyncio
from typing import Final

from uvicorn.protocols.http.h11_impl import H11Protocol

_MAX_CONNECTIONS: Final = 32


class FewConnections(H11Protocol):
    """Ends a connection that asks for nothing, when there are many.

    Other users of this computer can open them, until the process can open nothing, nor send a stop.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Take a connection, and end a silent one if there are too many."""
        super().connection_made(transport)
        if len(self.connections) > _MAX_CONNECTIONS:
            others = (it for it in self.connections if isinstance(it, H11Protocol))
            silent = (it for it in others if it is not self and it.cycle is None)
            next(silent, self).transport.abort()
